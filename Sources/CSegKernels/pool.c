#define SK_FAMILY "pool.inc"
#include "isa.h"
