#define SK_FAMILY "direct.inc"
#include "isa.h"
