#define SK_FAMILY "columns.inc"
#include "isa.h"
