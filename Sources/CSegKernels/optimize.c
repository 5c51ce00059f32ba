#define SK_FAMILY "optimize.inc"
#include "isa.h"
