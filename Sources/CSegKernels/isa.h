// Compiles the file named by SK_FAMILY once for every instruction set. A kernel `name` is defined there as
// `SK(name)`; the target attribute, not a compiler flag, decides which instructions its loops may use, so one
// binary runs on every CPU. On other architectures than x86-64 the baseline (NEON on arm64) is all there is.
//
// SK_BLOCK floats make a vector of the blocked kernels, and SK_PIXELS of them, times two, are what the registers hold
// as sums beside two vectors of weights.

#include "CSegKernels.h"
#include "isa_names.h"

#include <math.h>
#include <string.h>

#define SK_ISA baseline
#define SK_BLOCK 8
#if defined(__aarch64__)
#define SK_PIXELS 6 // of two registers each, of which NEON has 32
#else
#define SK_PIXELS 2
#endif
#include SK_FAMILY
#undef SK_ISA
#undef SK_BLOCK
#undef SK_PIXELS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define SK_ISA avx2
#define SK_BLOCK 8
#define SK_PIXELS 6
#include SK_FAMILY
#undef SK_ISA
#undef SK_BLOCK
#undef SK_PIXELS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#define SK_ISA avx512
#define SK_BLOCK 16
#define SK_PIXELS 12
#include SK_FAMILY
#undef SK_ISA
#undef SK_BLOCK
#undef SK_PIXELS
#pragma clang attribute pop
#endif
