#define SK_FAMILY "resize.inc"
#include "isa.h"
