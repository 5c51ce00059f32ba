#define SK_FAMILY "views.inc"
#include "isa.h"
