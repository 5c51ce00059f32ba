// The few entry points of OpenBLAS that the package calls, declared here rather than taken from <cblas.h>:
// Debian keeps that header in a folder that only pkg-config knows, and the package must build without it.
#pragma once

#include <stddef.h>

enum { SK_ROW_MAJOR = 101, SK_NO_TRANSPOSE = 111, SK_TRANSPOSE = 112 };

void cblas_sgemm(int order, int transposeA, int transposeB, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);

// LAPACK, which OpenBLAS holds under its Fortran names: everything by address, the lengths of texts behind the rest.
void dsyev_(const char *job, const char *triangle, const int *n, double *a, const int *lda, double *values, double *work,
            const int *workCount, int *info, size_t jobLength, size_t triangleLength);

void openblas_set_num_threads(int count);
int openblas_get_num_threads(void);
int openblas_get_parallel(void);
char *openblas_get_corename(void);
char *openblas_get_config(void);
