#pragma once
#define SK_JOIN(name, isa) sk_##name##_##isa
#define SK_EXPAND(name, isa) SK_JOIN(name, isa)
#define SK(name) SK_EXPAND(name, SK_ISA)
