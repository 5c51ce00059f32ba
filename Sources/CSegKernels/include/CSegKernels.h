// The kernel table: one function pointer a kernel, one table an instruction set.
//
// Every kernel takes raw pointers and sizes that its caller has checked, works on one thread and allocates nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// How one image is turned into one convolution's columns.
typedef struct SKConvGeometry {
  int height, width;
  int kernelHeight, kernelWidth;
  int strideHeight, strideWidth;
  int paddingHeight, paddingWidth;
  int dilationHeight, dilationWidth;
  int outputHeight, outputWidth;
} SKConvGeometry;

/// Where an output coordinate of a resize reads: value = (1 - fraction) * in[low] + fraction * in[high].
typedef struct SKTap {
  int low, high;
  float fraction;
} SKTap;

/// The most rows that one call of resizeArgmax makes.
enum { SK_ARGMAX_ROWS = 16 };

#include "MapStep.h"

/// The distance where there is nothing to measure it to.
enum { SK_FAR = INT32_MAX };

// A binary kernel's operands advance by a stride of 1 or 0 elements: 0 repeats a scalar.
#define SK_BINARY const float *a, ptrdiff_t strideA, const float *b, ptrdiff_t strideB, float *y, size_t n
// A unary kernel, and its gradient: `kept` is what the operation saved, its input or its output.
#define SK_UNARY const float *x, float *y, size_t n
#define SK_UNARY_GRADIENT const float *kept, const float *dy, float *dx, size_t n
// Softmax and its relatives walk `channels` planes that lie `stride` floats apart, `n` neighbouring pixels of each.
#define SK_CHANNELS const float *x, float *y, int channels, size_t stride, size_t n

// A step of a compiled network: one of its tasks, with scratch memory for this thread alone.
#define SK_MAP const SKMapStep *step, int task, float *scratch

/// Every kernel: X(result, name, parameters).
#define SK_KERNELS(X)                                                                                                  \
  /* elementwise */                                                                                                    \
  X(void, add, (SK_BINARY))                                                                                            \
  X(void, subtract, (SK_BINARY))                                                                                       \
  X(void, multiply, (SK_BINARY))                                                                                       \
  X(void, divide, (SK_BINARY))                                                                                         \
  X(void, minimumOf, (SK_BINARY))                                                                                      \
  X(void, maximumOf, (SK_BINARY))                                                                                      \
  X(void, arcTangent2, (SK_BINARY))                                                                                    \
  X(void, dominance, (SK_BINARY))                                                                                      \
  X(void, negate, (SK_UNARY))                                                                                          \
  X(void, absolute, (SK_UNARY))                                                                                        \
  X(void, square, (SK_UNARY))                                                                                          \
  X(void, squareRoot, (SK_UNARY))                                                                                      \
  X(void, reciprocal, (SK_UNARY))                                                                                      \
  X(void, exponential, (SK_UNARY))                                                                                     \
  X(void, logarithm, (SK_UNARY))                                                                                       \
  X(void, relu, (SK_UNARY))                                                                                            \
  X(void, sigmoid, (SK_UNARY))                                                                                         \
  X(void, hyperbolicTangent, (SK_UNARY))                                                                               \
  X(void, softplus, (SK_UNARY))                                                                                        \
  X(void, gelu, (SK_UNARY))                                                                                            \
  X(void, sine, (SK_UNARY))                                                                                            \
  X(void, cosine, (SK_UNARY))                                                                                          \
  X(void, arcCosine, (SK_UNARY))                                                                                       \
  X(void, absoluteGradient, (SK_UNARY_GRADIENT))                                                                       \
  X(void, squareGradient, (SK_UNARY_GRADIENT))                                                                         \
  X(void, squareRootGradient, (SK_UNARY_GRADIENT))                                                                     \
  X(void, reciprocalGradient, (SK_UNARY_GRADIENT))                                                                     \
  X(void, logarithmGradient, (SK_UNARY_GRADIENT))                                                                      \
  X(void, reluGradient, (SK_UNARY_GRADIENT))                                                                           \
  X(void, sigmoidGradient, (SK_UNARY_GRADIENT))                                                                        \
  X(void, hyperbolicTangentGradient, (SK_UNARY_GRADIENT))                                                              \
  X(void, softplusGradient, (SK_UNARY_GRADIENT))                                                                       \
  X(void, geluGradient, (SK_UNARY_GRADIENT))                                                                           \
  X(void, sineGradient, (SK_UNARY_GRADIENT))                                                                           \
  X(void, cosineGradient, (SK_UNARY_GRADIENT))                                                                         \
  X(void, arcCosineGradient, (SK_UNARY_GRADIENT))                                                                      \
  X(void, accumulate, (const float *x, float *y, size_t n))                                                            \
  X(void, scale, (const float *x, float factor, float *y, size_t n))                                                   \
  /* reductions, accumulated in double precision */                                                                   \
  X(double, sum, (const float *x, size_t n))                                                                           \
  X(double, sumOfSquaredDeviations, (const float *x, double mean, size_t n))                                           \
  X(double, centredDot, (const float *x, double mean, const float *y, size_t n))                                       \
  X(float, maximum, (const float *x, size_t n))                                                                        \
  X(void, maximumInto, (const float *x, float *y, size_t n))                                                           \
  /* largest values of the rows and of the columns of a tile, joined with those known before */                        \
  X(void, tileMaxima,                                                                                                  \
    (const float *x, size_t stride, int rows, size_t n, float *rowBest, float *columnBest))                            \
  /* normalisation: y = scale * (x - mean) + shift, and its gradient */                                                \
  X(void, normalize, (const float *x, float mean, float scale, float shift, float *y, size_t n))                       \
  X(void, normalizeGradient,                                                                                           \
    (const float *x, const float *dy, float mean, float scaleDy, float scaleX, float shift, float *dx, size_t n))      \
  /* softmax family over channels */                                                                                   \
  X(void, softmax, (SK_CHANNELS))                                                                                      \
  X(void, logSoftmax, (SK_CHANNELS))                                                                                   \
  X(void, softmaxGradient,                                                                                             \
    (const float *y, const float *dy, float *dx, int channels, size_t stride, size_t n))                               \
  X(void, logSoftmaxGradient,                                                                                          \
    (const float *y, const float *dy, float *dx, int channels, size_t stride, size_t n))                               \
  X(void, argmax, (const float *x, int32_t *y, int channels, size_t stride, size_t n))                                 \
  /* convolution by columns: rows (channel, kernel row, kernel column), columns output pixels first..<last */          \
  X(void, gatherColumns,                                                                                               \
    (const float *image, const SKConvGeometry *g, int channels, size_t first, size_t last, float *columns))            \
  X(void, scatterColumns,                                                                                              \
    (const float *columns, const SKConvGeometry *g, int channels, size_t first, size_t last, float *image))            \
  /* pooling of one plane */                                                                                           \
  X(void, maxPool, (const float *x, const SKConvGeometry *g, float *y, int32_t *indices))                              \
  X(void, averagePool, (const float *x, const SKConvGeometry *g, int countPadding, float *y))                          \
  X(void, averagePoolGradient, (const float *dy, const SKConvGeometry *g, int countPadding, float *dx))                \
  /* resize of one plane by taps, with scratch for two rows; the largest channel of at most SK_ARGMAX_ROWS rows */     \
  X(void, resize,                                                                                                      \
    (const float *x, int width, const SKTap *rows, const SKTap *columns, int outputHeight, int outputWidth,            \
     float *scratch, float *y))                                                                                        \
  X(void, resizeArgmax,                                                                                                \
    (const float *x, int channels, size_t plane, int width, const SKTap *rows, const SKTap *columns, int outputHeight, \
     int outputWidth, int32_t *y))                                                                                     \
  X(void, resizeGradient,                                                                                              \
    (const float *dy, int width, const SKTap *rows, const SKTap *columns, int outputHeight, int outputWidth,           \
     float *scratch, float *dx))                                                                                       \
  /* steps of compiled networks: the channels of a block, the pixels of a register tile, the floats of scratch */      \
  X(int, channelBlock, (void))                                                                                         \
  X(int, tilePixels, (void))                                                                                           \
  X(size_t, directScratch, (const SKMapStep *step))                                                                    \
  X(size_t, winogradScratch, (const SKMapStep *step, int m))                                                           \
  X(size_t, winogradWeights, (const SKMapStep *step, int m))                                                           \
  X(void, convolveDirect, (SK_MAP))                                                                                    \
  X(void, convolveDepthwise, (SK_MAP))                                                                                 \
  X(void, transformWeights2, (SK_MAP))                                                                                 \
  X(void, transformWeights4, (SK_MAP))                                                                                 \
  X(void, convolveWinograd2, (SK_MAP))                                                                                 \
  X(void, convolveWinograd4, (SK_MAP))                                                                                 \
  X(void, resizeBlocked, (SK_MAP))                                                                                     \
  X(void, maxPoolBlocked, (SK_MAP))                                                                                    \
  X(void, averagePoolBlocked, (SK_MAP))                                                                                \
  X(void, combineBlocked, (SK_MAP))                                                                                    \
  X(void, placeChannels, (SK_MAP))                                                                                     \
  X(void, blockChannels, (SK_MAP))                                                                                     \
  X(void, unblockChannels, (SK_MAP))                                                                                   \
  /* training in channel blocks: weights packed anew at every step, gradients of weights, zeros between pixels */      \
  X(void, packDirect, (const SKPacking *p, int panel, float *packed))                                                  \
  X(void, packWinograd2, (const SKPacking *p, int panel, float *packed))                                               \
  X(void, packWinograd4, (const SKPacking *p, int panel, float *packed))                                               \
  X(size_t, weightGradientDirectScratch, (const SKWeightStep *step))                                                   \
  X(size_t, weightGradientDirectSums, (const SKWeightStep *step))                                                      \
  X(void, weightGradientDirect, (const SKWeightStep *step, int task, float *scratch))                                  \
  X(void, collectDirect, (const SKWeightStep *step, int task, float *dw))                                              \
  X(size_t, weightGradientWinogradScratch, (const SKWeightStep *step))                                                 \
  X(size_t, weightGradientWinogradSums, (const SKWeightStep *step))                                                    \
  X(void, weightGradientWinograd, (const SKWeightStep *step, int task, float *scratch))                                \
  X(void, collectWinograd, (const SKWeightStep *step, int task, float *dw))                                            \
  X(void, spreadPixels, (SK_MAP))                                                                                      \
  X(void, resizeBlockedGradient, (SK_MAP))                                                                             \
  /* vectors of a block of channels read at places and added, their gradient, and the way out of a block */            \
  X(void, gatherPixels,                                                                                                \
    (const float *const *planes, const int32_t *const *places, int maps, const float *bias, int rectify, float *y,     \
     size_t n))                                                                                                        \
  X(void, scatterPixels, (const float *dy, const int32_t *places, float *plane, size_t n))                             \
  X(void, unblockRun, (const float *x, int lanes, size_t plane, float *y, size_t n))                                   \
  /* batch normalisation of one run of one block of channels */                                                        \
  X(void, momentsOfBlock, (const float *x, const float *origin, size_t n, double *sums))                               \
  X(void, normalizeBlock, (const SKBlockNorm *p, const float *x, const float *addend, float *y, size_t n))             \
  X(void, blockGradientSums,                                                                                           \
    (const SKBlockNorm *p, const float *x, const float *y, const float *dy, size_t n, double *sums))                   \
  X(void, blockGradient,                                                                                               \
    (const SKBlockNorm *p, const float *factors, const float *x, const float *y, const float *dy, float *dx,           \
     float *dAddend, size_t n))                                                                                        \
  /* distances to the nearest pixel of another label, or of a mask: along columns, then along one row */               \
  X(void, columnDistances,                                                                                             \
    (const int32_t *labels, int height, int width, int first, int last, int toMask, int limit,                         \
     int32_t *distances))                                                                                              \
  X(void, rowDistances,                                                                                                \
    (const int32_t *labels, int width, int limit, const double *halves, int32_t *distances, float *scratch))           \
  X(void, markDifferences,                                                                                             \
    (const int32_t *labels, const int32_t *neighbours, int32_t ignored, float *marks, size_t n))                       \
  /* optimizers, in place */                                                                                           \
  X(void, sgdStep,                                                                                                     \
    (float *parameter, float *velocity, const float *gradient, float rate, float momentum, float decay, int nesterov,  \
     size_t n))                                                                                                        \
  X(void, adamStep,                                                                                                    \
    (float *parameter, float *first, float *second, const float *gradient, float rate, float beta1, float beta2,       \
     float epsilon, float decay, float correction1, float correction2, size_t n))

typedef struct SKKernels {
#define X(result, name, parameters) result(*name) parameters;
  SK_KERNELS(X)
#undef X
} SKKernels;

/// Tells the processor that this thread waits for another one in a loop.
static inline void sk_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The instruction sets that kernels exist for, in ascending order.
enum { SK_BASELINE = 0, SK_AVX2 = 1, SK_AVX512 = 2 };

/// The table of a level, or NULL where this CPU or its operating system lacks it.
const SKKernels *sk_kernels(int level);
