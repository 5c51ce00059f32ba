#define SK_FAMILY "grouping.inc"
#include "isa.h"
