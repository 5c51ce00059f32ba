#define SK_FAMILY "sample.inc"
#include "isa.h"
