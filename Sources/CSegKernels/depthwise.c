#define SK_FAMILY "depthwise.inc"
#include "isa.h"
