#define SK_FAMILY "batchnorm.inc"
#include "isa.h"
