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

/// What a grid sample reads outside the image: zeros, the pixel at the edge, or the image mirrored there.
enum { SK_EDGE_ZEROS, SK_EDGE_BORDER, SK_EDGE_REFLECTION };

/// How the coordinates of a grid, -1…1, are places in an image.
typedef struct SKGrid {
  int height, width;
  /// One of SK_EDGE_….
  int edge;
  int isNearest, alignCorners;
} SKGrid;

/// The pixels that one sample is made of: top left, top right, bottom left, bottom right; -1 for those outside.
typedef struct SKGridTap {
  int32_t pixel[4];
  /// How far the sample is from left to right and from top to bottom, and how fast that changes with the grid.
  float u, v, slopeX, slopeY;
} SKGridTap;

/// Two images whose likeness is measured: error = structure · (1 - SSIM) / 2 + (1 - structure) · |x - y|, means over
/// channels. At least 2×2 pixels.
typedef struct SKPhotometric {
  int channels, height, width;
  float structure;
} SKPhotometric;

/// Two views of one camera: its pixels, and the motion from the first view's frame to the second's.
typedef struct SKView {
  int height, width;
  float fx, fy, cx, cy;
  float rotation[9], translation[3];
} SKView;

/// Which loss a difference has.
enum { SK_LOSS_L1, SK_LOSS_L2, SK_LOSS_SMOOTH };

/// A cross entropy: loss = -(1 - p)^focusing · Σ_c a_c log p_c with a_c = (1 - smoothing) [c = label] w_c + smoothing / C ·
/// w_c.
typedef struct SKEntropy {
  /// w, and its sum.
  const float *weights;
  float weightSum;
  float smoothing, focusing;
  /// What the slopes are multiplied by.
  float reach;
  /// The label of pixels that do not count.
  int32_t ignored;
} SKEntropy;

#include "MapStep.h"

/// The distance where there is nothing to measure it to.
enum { SK_FAR = INT32_MAX };

// A binary kernel's operands advance by a stride of 1 or 0 elements: 0 repeats a scalar.
#define SK_BINARY const float *a, ptrdiff_t strideA, const float *b, ptrdiff_t strideB, float *y, size_t n
// A unary kernel, and its gradient: `kept` is what the operation saved, its input or its output.
#define SK_UNARY const float *x, float *y, size_t n
#define SK_UNARY_GRADIENT const float *kept, const float *dy, float *dx, size_t n
// The gradient of a binary kernel by one of its operands.
#define SK_BINARY_GRADIENT                                                                                             \
  const float *a, ptrdiff_t strideA, const float *b, ptrdiff_t strideB, const float *dy, float *dx, size_t n
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
  X(void, divisorGradient, (SK_BINARY_GRADIENT))                                                                       \
  X(void, largerGradient, (SK_BINARY_GRADIENT))                                                                        \
  X(void, ordinateGradient, (SK_BINARY_GRADIENT))                                                                      \
  X(void, abscissaGradient, (SK_BINARY_GRADIENT))                                                                      \
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
  X(void, errorFunction, (SK_UNARY))                                                                                   \
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
  X(void, errorFunctionGradient, (SK_UNARY_GRADIENT))                                                                  \
  X(void, sineGradient, (SK_UNARY_GRADIENT))                                                                           \
  X(void, cosineGradient, (SK_UNARY_GRADIENT))                                                                         \
  X(void, arcCosineGradient, (SK_UNARY_GRADIENT))                                                                      \
  X(void, accumulate, (const float *x, float *y, size_t n))                                                            \
  X(void, scale, (const float *x, float factor, float *y, size_t n))                                                   \
  X(void, clamp, (const float *x, float low, float high, float *y, size_t n))                                          \
  X(void, clampGradient, (const float *x, const float *dy, float low, float high, float *dx, size_t n))                \
  /* reductions, accumulated in double precision */                                                                   \
  X(double, sum, (const float *x, size_t n))                                                                           \
  X(double, sumOfSquaredDeviations, (const float *x, double mean, size_t n))                                           \
  X(double, centredDot, (const float *x, double mean, const float *y, size_t n))                                       \
  X(float, maximum, (const float *x, size_t n))                                                                        \
  X(void, maximumInto, (const float *x, float *y, size_t n))                                                           \
  /* running sums, from the last element back where reversed: along columns and along rows of n floats */              \
  X(void, cumulate, (const float *x, float *y, int extent, size_t stride, int reversed, size_t n))                     \
  X(void, cumulateRows, (const float *x, float *y, size_t n, int reversed, size_t rows))                               \
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
  /* the same for rows of n floats */                                                                                  \
  X(void, softmaxRows, (const float *x, float *y, size_t n, size_t rows))                                              \
  X(void, logSoftmaxRows, (const float *x, float *y, size_t n, size_t rows))                                           \
  X(void, softmaxGradientRows, (const float *y, const float *dy, float *dx, size_t n, size_t rows))                    \
  X(void, logSoftmaxGradientRows, (const float *y, const float *dy, float *dx, size_t n, size_t rows))                 \
  X(void, argmaxRows, (const float *x, int32_t *y, size_t n, size_t rows))                                             \
  /* losses of pixels and, where dx is not NULL, their slopes; labels are classes or ignored */                        \
  X(void, crossEntropy,                                                                                                \
    (const SKEntropy *p, const float *x, const int32_t *labels, float *losses, float *dx, int channels, size_t stride, \
     size_t n))                                                                                                        \
  X(double, binaryCrossEntropy,                                                                                        \
    (const float *x, const float *t, const float *w, ptrdiff_t strideW, const float *p, ptrdiff_t strideP, float reach,\
     float *losses, float *dx, size_t n))                                                                              \
  X(double, regressionLoss,                                                                                            \
    (const float *x, const float *t, int kind, float beta, float reach, float *losses, float *dx, size_t n))           \
  /* movement: turned over, by steps, to and from places that indices name, masks */                                   \
  X(void, transpose, (const float *x, size_t strideX, int rows, int columns, float *y, size_t strideY))                \
  X(void, pick,                                                                                                        \
    (const float *x, size_t rowX, ptrdiff_t step, float *y, size_t rowY, size_t n, size_t rows))                       \
  X(void, spread,                                                                                                      \
    (const float *x, size_t rowX, ptrdiff_t step, float *y, size_t rowY, size_t n, size_t rows))                       \
  X(void, take, (const float *x, size_t step, const int32_t *indices, size_t rows, size_t rowStep, float *y, size_t n))\
  X(void, give, (const float *y, size_t step, const int32_t *indices, size_t rows, size_t rowStep, float *x, size_t n))\
  X(void, markClasses, (const int32_t *labels, int classes, size_t plane, float *y, size_t n))                         \
  X(int, hasStranger, (const int32_t *labels, size_t n, int classes, int32_t ignored))                                 \
  X(void, countClasses, (const int32_t *labels, size_t n, int classes, int32_t ignored, int64_t *counts))              \
  X(void, dropout, (const float *x, uint64_t state, uint32_t limit, float factor, float *y, size_t n))                 \
  /* images sampled at the places of a grid, in channel blocks and in planes */                                        \
  X(void, gridTaps, (const SKGrid *g, const float *grid, SKGridTap *taps, size_t n))                                   \
  X(void, sampleBlocks, (const SKGridTap *taps, int isNearest, const float *x, float *y, size_t n))                    \
  X(void, sampleBlocksGradient, (const SKGridTap *taps, int isNearest, const float *dy, float *dx, size_t n))          \
  X(void, sampleBlocksSlopes,                                                                                          \
    (const SKGridTap *taps, const float *image, size_t plane, const float *dy, size_t planeDy, int blocks,             \
     float *dGrid, size_t n))                                                                                          \
  X(void, samplePlane, (const SKGridTap *taps, int isNearest, const float *x, float *y, size_t n))                     \
  X(void, samplePlaneGradient, (const SKGridTap *taps, int isNearest, const float *dy, float *dx, size_t n))           \
  X(void, samplePlaneSlopes,                                                                                           \
    (const SKGridTap *taps, const float *image, size_t plane, const float *dy, size_t planeDy, int planes,             \
     float *dGrid, size_t n))                                                                                          \
  /* how little two images resemble each other, and its slopes, for some rows */                                       \
  X(size_t, photometricScratch, (const SKPhotometric *p))                                                              \
  X(void, photometricError,                                                                                            \
    (const SKPhotometric *p, const float *x, const float *y, int first, int last, float *error, float *scratch))       \
  X(void, photometricSlopes,                                                                                           \
    (const SKPhotometric *p, const float *x, const float *y, const float *dError, int first, int last, float *dx,      \
     float *dy, float *scratch))                                                                                       \
  /* where pixels of one view fall in another, for some rows; their slopes, those of the motion added to 9 + 3 sums */  \
  X(void, viewPlaces, (const SKView *c, const float *depth, int first, int last, float *grid))                         \
  X(void, viewSlopes,                                                                                                  \
    (const SKView *c, const float *depth, const float *dGrid, int first, int last, float *dDepth, double *dMotion,     \
     float *scratch))                                                                                                  \
  /* convolution by columns: rows (channel, kernel row, kernel column), columns output pixels first..<last */          \
  X(void, gatherColumns,                                                                                               \
    (const float *image, const SKConvGeometry *g, int channels, size_t first, size_t last, float *columns))            \
  X(void, scatterColumns,                                                                                              \
    (const float *columns, const SKConvGeometry *g, int channels, size_t first, size_t last, float *image))            \
  /* pooling of one plane */                                                                                           \
  X(void, maxPool, (const float *x, const SKConvGeometry *g, float *y, int32_t *indices))                              \
  X(void, maxPoolGradient, (const float *dy, const int32_t *indices, size_t n, float *dx, size_t area))                \
  X(void, averagePool, (const float *x, const SKConvGeometry *g, int countPadding, float *y))                          \
  X(size_t, averagePoolGradientScratch, (const SKConvGeometry *g))                                                     \
  X(void, averagePoolGradient,                                                                                         \
    (const float *dy, const SKConvGeometry *g, int countPadding, float *dx, float *scratch))                           \
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
  X(void, packWeights, (SK_MAP))                                                                                       \
  X(void, convolveWinograd2, (SK_MAP))                                                                                 \
  X(void, convolveWinograd4, (SK_MAP))                                                                                 \
  X(void, resizeBlocked, (SK_MAP))                                                                                     \
  X(void, maxPoolBlocked, (SK_MAP))                                                                                    \
  X(void, averagePoolBlocked, (SK_MAP))                                                                                \
  X(void, combineBlocked, (SK_MAP))                                                                                    \
  X(void, chainBlocked, (SK_MAP))                                                                                      \
  X(void, cellsBlocked, (SK_MAP))                                                                                      \
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
  X(void, depthwiseWeightGradient, (const float *x, const float *dy, const SKConvGeometry *g, double *sums))           \
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
  /* centres of things in one row of a heatmap, the nearest of them for each pixel, and the classes of what they gather */ \
  X(int, findPeaks,                                                                                                    \
    (const float *map, int height, int width, int row, float threshold, int radius, int32_t *columns))                 \
  X(void, nearestCentres,                                                                                              \
    (const int32_t *labels, const int32_t *things, int classes, const float *down, const float *right, int row,        \
     int width, const float *rows, const float *columns, int count, int32_t *instances))                               \
  X(void, countVotes, (const int32_t *labels, const int32_t *instances, int classes, size_t n, int32_t *votes))        \
  X(void, replaceLabels,                                                                                               \
    (const int32_t *labels, const int32_t *instances, const int32_t *table, int classes, int32_t other, int32_t *y,    \
     size_t n))                                                                                                        \
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
