#define SK_FAMILY "maps.inc"
#include "isa.h"
