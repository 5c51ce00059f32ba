#define SK_FAMILY "winograd.inc"
#include "isa.h"
