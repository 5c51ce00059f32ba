#define SK_FAMILY "photometric.inc"
#include "isa.h"
