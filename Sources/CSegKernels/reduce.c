#define SK_FAMILY "reduce.inc"
#include "isa.h"
