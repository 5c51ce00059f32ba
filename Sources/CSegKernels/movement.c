#define SK_FAMILY "movement.inc"
#include "isa.h"
