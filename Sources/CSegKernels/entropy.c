#define SK_FAMILY "entropy.inc"
#include "isa.h"
