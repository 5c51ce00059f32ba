// Kernels against their definitions in double precision, without Swift: a C program that runs wherever a C compiler
// builds it, under qemu-user too. See scripts/check-arm.
//
// Every check is begin(), some expect(), end(): one line of output.
#pragma once

#include "CSegKernels.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/// The table under test.
extern const SKKernels *kernels;

/// The checks of a kernel begin. Its errors may reach `tolerance`.
void begin(const char *name, double tolerance);

/// An error is |got - want| / scale: 0 where both are the same infinity or both no number, else infinite.
void expect(double got, double want, double scale);

/// The same for an error in proportion to the result, which is taken to be at least `least`.
static inline void expectNear(double got, double want, double least) {
  expect(got, want, fabs(want) > least ? fabs(want) : least);
}

/// Nothing but the very same will do.
static inline void expectSame(double got, double want) { expect(got, want, 0); }

/// Prints the line of the kernel, gives back all memory that was made since its beginning, and looks whether the kernel
/// wrote beyond some of it.
void end(void);

/// Memory until the end of the check: zeros between guards.
void *memory(size_t bytes);
static inline float *zeros(size_t n) { return memory(n * sizeof(float)); }
static inline int32_t *integers(size_t n) { return memory(n * sizeof(int32_t)); }

/// Numbers of a stream that begins anew with each check.
double uniform(double low, double high);
/// 0 ..< n
int below(int n);
float *randoms(size_t n, double low, double high);
int32_t *labelsBelow(int classes, size_t n);

static inline int ceilingDivide(int a, int b) { return (a + b - 1) / b; }
static inline int least(int a, int b) { return a < b ? a : b; }

/// A sum in double precision, and that of its terms' magnitudes, which rounding is in proportion to.
typedef struct Sum {
  double value, size;
} Sum;

static inline void addTerm(Sum *sum, double term) {
  sum->value += term;
  sum->size += fabs(term);
}

static inline void expectSum(double got, Sum want) { expect(got, want.value, want.size > 1e-30 ? want.size : 1e-30); }

/// N×C×H×W, row-major or in channel blocks.
typedef struct Shape {
  int batch, channels, height, width;
} Shape;

static inline size_t areaOf(Shape s) { return (size_t)s.height * s.width; }
static inline size_t countOf(Shape s) { return areaOf(s) * s.batch * s.channels; }
static inline size_t placeOf(Shape s, int n, int c, int y, int x) {
  return (((size_t)n * s.channels + c) * s.height + y) * s.width + x;
}
/// The stored channels: whole blocks.
static inline int storedOf(Shape s) {
  const int block = kernels->channelBlock();
  return ceilingDivide(s.channels, block) * block;
}
static inline size_t imageOf(Shape s) { return areaOf(s) * storedOf(s); }
static inline size_t blockedCountOf(Shape s) { return imageOf(s) * s.batch; }
static inline size_t blockedPlaceOf(Shape s, int n, int c, int y, int x) {
  const int block = kernels->channelBlock();
  return n * imageOf(s) + (((size_t)(c / block) * s.height + y) * s.width + x) * block + c % block;
}
/// A row-major image in channel blocks.
float *blocked(Shape s, const float *x);

/// A geometry of square steps, and the size of its output.
SKConvGeometry window(int height, int width, int kernel, int stride, int padding, int dilation);
static inline Shape outputOf(const SKConvGeometry *g, int batch, int channels) {
  return (Shape){batch, channels, g->outputHeight, g->outputWidth};
}

/// Where a resize reads: by the centres of pixels or by their corners, or nearest.
enum { CENTRES, CORNERS, NEAREST };
SKTap *tapsOf(int mode, int size, int outputSize);

/// Runs all tasks of a step.
static inline void runTasks(const SKMapStep *step, SKMapKernel run, int tasks, float *scratch) {
  for (int task = 0; task < tasks; task++) run(step, task, scratch);
}

/// What the links of a step make of a value.
double chained(const SKMapStep *step, double start, double addend, double gate);
/// x * sigmoid(x), then 1.5 v - 0.25, then at most 2.
const SKLink *someLinks(int *count);

void checkElementwise(void);
void checkReductions(void);
void checkSoftmax(void);
void checkLosses(void);
void checkMovement(void);
void checkSampling(void);
void checkViews(void);
void checkPlanes(void);
void checkConvolutions(void);
void checkWeightGradients(void);
void checkBlocked(void);
void checkNormalization(void);
void checkOptimizers(void);
void checkDistances(void);
void checkGrouping(void);
