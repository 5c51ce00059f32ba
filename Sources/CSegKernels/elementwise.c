#define SK_FAMILY "elementwise.inc"
#include "isa.h"
