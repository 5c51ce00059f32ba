// One step of a compiled network: from maps to a map.
//
// Maps are stored in channel blocks, [N, C / block, H, W, block], where `block` is the `channelBlock` of the
// instruction set; lanes beyond the last channel are zero. A step says everything that its kernel needs, so that a
// session binds its steps to memory once and a run only calls them.
#pragma once

#include <stddef.h>

/// The most pixels that the kernel of a direct convolution may have: 7×7 and more.
enum { SK_MAX_TAPS = 64 };

/// The channels whose weights one task of a transformation takes.
enum { SK_WEIGHT_CHUNK = 32 };

/// What a link of a chain does to each element v, some with an operand o.
enum { SK_EACH, SK_AFFINE, SK_CLAMP, SK_ADD, SK_SUBTRACT, SK_SUBTRACT_FROM, SK_MULTIPLY };

/// The operand: what the chain began with, the same element of another map, or a number for each channel.
enum { SK_START, SK_ADDEND, SK_GATE };

/// One link of a chain of elementwise operations.
typedef struct SKLink {
  /// v = each(v), a · v + b, v limited to a…b, v + o, v − o, o − v, or v · o.
  int kind, operand;
  void (*each)(const float *x, float *y, size_t n);
  float a, b;
} SKLink;

struct SKMapStep;

/// Does the work of one task of a step; `scratch` belongs to the calling thread alone.
typedef void (*SKMapKernel)(const struct SKMapStep *step, int task, float *scratch);

typedef struct SKMapStep {
  SKMapKernel run;
  /// Tasks do not depend on one another; how many there are follows from the shape alone.
  int tasks;

  SKConvGeometry geometry;
  /// Channels, and output channels, that count; the stored ones are these rounded up to whole blocks.
  int batch, channels, outputs;
  /// Where a part of a concatenation begins in the whole.
  int firstChannel;
  /// The input is row-major: convolveDirect alone can take it.
  int isPlain;
  /// max(0, y) at the end.
  int rectify;
  /// Done to every element after that: by convolveDirect, convolveDepthwise and chainBlocked.
  const SKLink *links;
  int linkCount;
  /// Average pooling: the zeros of the padding count in the divisor.
  int countPadding;
  /// Cells: their sums in place of their means.
  int sumsCells;

  /// Output pixels of a task: rows × columns; for Winograd, tiles in `regionColumns`, out of `tiles`.
  int regionRows, regionColumns, tiles;
  /// Output panels (two blocks of channels) of a task.
  int regionPanels;

  /// The input, and the floats from one image to the next.
  const float *x;
  size_t imageX;
  /// Added to the result before `rectify`, or NULL.
  const float *addend;
  size_t imageAddend;
  float *y;
  size_t imageY;

  /// Packed weights, and a bias for every stored output channel. Of a chain: the gate, and the floats from one image to
  /// the next.
  const float *weights, *bias;
  size_t imageGate;
  /// Where the rows and columns of a resize read.
  const SKTap *rowTaps, *columnTaps;
} SKMapStep;

/// The gradient of a convolution's weights. A task sums over some of the output pixels (a slice), for some blocks of
/// input channels and some panels of output channels; then the sums of all tasks are collected.
typedef struct SKWeightStep {
  /// The convolution itself: its input, and in `regionPanels` the panels of a task. Direct: rows and columns at once.
  /// Winograd: all tiles, and in `regionColumns` the tiles at once.
  SKMapStep map;
  /// Blocks of input channels of a task.
  int regionBlocks;
  /// The parts into which the pixels are cut.
  int slices;
  /// The gradient of the output, and the floats from one image to the next.
  const float *dy;
  size_t imageDy;
  /// The sums of the first task, and the floats from one task's to the next's; 0 where each has been collected before
  /// the next begins.
  float *sums;
  size_t taskSums;
} SKWeightStep;

/// Where weights that are to be packed lie.
typedef struct SKPacking {
  const float *weight;
  int outputs, channels, taps;
  /// Floats from output to output and from channel to channel.
  size_t outputStride, channelStride;
  /// The kernel is turned by half a turn.
  int isTurned;
} SKPacking;

/// The numbers of one block of channels in a batch normalisation.
typedef struct SKBlockNorm {
  const float *mean, *scale, *shift;
  /// max(0, y) at the end.
  int rectifies;
} SKBlockNorm;
