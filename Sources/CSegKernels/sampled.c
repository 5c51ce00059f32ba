#define SK_FAMILY "sampled.inc"
#include "isa.h"
