#define SK_FAMILY "losses.inc"
#include "isa.h"
