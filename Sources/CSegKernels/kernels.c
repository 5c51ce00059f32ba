#define SK_FAMILY "table.inc"
#include "isa.h"

const SKKernels *sk_kernels(int level) {
  switch (level) {
  case SK_BASELINE:
    return &sk_table_baseline;
#if defined(__x86_64__)
  case SK_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &sk_table_avx2 : NULL;
  case SK_AVX512:
    return sk_kernels(SK_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               ? &sk_table_avx512
               : NULL;
#endif
  default:
    return NULL;
  }
}
