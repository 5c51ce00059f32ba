#define SK_FAMILY "softmax.inc"
#include "isa.h"
