#include "CMachine.h"

#include <string.h>

// Twelve sums: two multiply-adds a cycle, each four or five cycles long, need ten at least to be kept busy.
enum { SUMS = 12, STEPS = 16 };

// The factor and the addend come from memory that the compiler cannot see through, so that nothing is folded.
static volatile float factor = 0.5f, addend = 1.0f;

#define LOOP(name, width)                                                                                              \
  static float name(size_t count) {                                                                                    \
    typedef float vector __attribute__((vector_size(4 * width)));                                                      \
    const vector a = factor - (vector){}, b = addend - (vector){};                                                     \
    vector y[SUMS];                                                                                                    \
    for (int i = 0; i < SUMS; i++) y[i] = a * (float)i;                                                                \
    for (size_t n = 0; n < count; n++)                                                                                 \
      _Pragma("clang loop unroll(full)") for (int step = 0; step < STEPS; step++)                                      \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++) y[i] = y[i] * a + b;                         \
    vector all = y[0];                                                                                                 \
    for (int i = 1; i < SUMS; i++) all += y[i];                                                                        \
    float sum = 0;                                                                                                     \
    for (int lane = 0; lane < width; lane++) sum += all[lane];                                                         \
    return sum;                                                                                                        \
  }

LOOP(loop4, 4)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
LOOP(loop8, 8)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f"))), apply_to = function)
LOOP(loop16, 16)
#pragma clang attribute pop
#endif

static size_t width(const char *isa) {
#if defined(__x86_64__)
  if (strcmp(isa, "avx2") == 0) return 8;
  if (strcmp(isa, "avx512") == 0) return 16;
#endif
  return strcmp(isa, "baseline") == 0 ? 4 : 0;
}

float cmachine_multiply_add(const char *isa, size_t rounds) {
  switch (width(isa)) {
  case 4:
    return loop4(rounds);
#if defined(__x86_64__)
  case 8:
    return loop8(rounds);
  case 16:
    return loop16(rounds);
#endif
  default:
    return 0;
  }
}

size_t cmachine_operations(const char *isa) { return 2 * width(isa) * SUMS * STEPS; }
