#define SK_FAMILY "distance.inc"
#include "isa.h"
