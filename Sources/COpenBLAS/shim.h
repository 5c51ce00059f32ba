// The few entry points of OpenBLAS that the package calls, declared here rather than taken from <cblas.h>:
// Debian keeps that header in a folder that only pkg-config knows, and the package must build without it.
#pragma once

enum { SK_ROW_MAJOR = 101, SK_NO_TRANSPOSE = 111, SK_TRANSPOSE = 112 };

void cblas_sgemm(int order, int transposeA, int transposeB, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);

void openblas_set_num_threads(int count);
int openblas_get_num_threads(void);
int openblas_get_parallel(void);
char *openblas_get_corename(void);
char *openblas_get_config(void);
