#define SK_FAMILY "packing.inc"
#include "isa.h"
