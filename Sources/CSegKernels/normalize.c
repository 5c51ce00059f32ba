#define SK_FAMILY "normalize.inc"
#include "isa.h"
