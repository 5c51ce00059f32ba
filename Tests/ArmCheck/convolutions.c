#include "check.h"

// A convolution, and how it is cut into tasks: rows, columns (of tiles for Winograd) and panels.
typedef struct Case {
  int batch, channels, outputs, height, width, kernel, stride, padding, dilation;
  int rows, columns, panels;
  /// Of the tests' own choosing: what follows, and a row-major input.
  int hasAddend, rectify, hasLinks, isPlain;
} Case;

static SKConvGeometry geometryOf(const Case *c) {
  return window(c->height, c->width, c->kernel, c->stride, c->padding, c->dilation);
}

static Shape inputOf(const Case *c) { return (Shape){c->batch, c->channels, c->height, c->width}; }
static int panelsOf(int outputs) { return ceilingDivide(outputs, 2 * kernels->channelBlock()); }

// One output before bias; `groups` is 1 or, depthwise, the number of channels.
static Sum convolvedAt(const Case *c, const float *x, const float *w, int n, int o, int oy, int ox, int isDepthwise) {
  const Shape in = inputOf(c);
  const int area = c->kernel * c->kernel, inputs = isDepthwise ? 1 : c->channels;
  Sum sum = {0};
  for (int i = 0; i < inputs; i++)
    for (int tap = 0; tap < area; tap++) {
      const int y = oy * c->stride + tap / c->kernel * c->dilation - c->padding;
      const int column = ox * c->stride + tap % c->kernel * c->dilation - c->padding;
      if (y < 0 || y >= c->height || column < 0 || column >= c->width) continue;
      addTerm(&sum, (double)w[(o * inputs + i) * area + tap] * x[placeOf(in, n, isDepthwise ? o : i, y, column)]);
    }
  return sum;
}

// What follows a sum of a convolution; what the links do to its error is at most threefold.
static void expectFinished(const SKMapStep *s, Sum sum, double addend, float got) {
  if (s->addend) addTerm(&sum, addend);
  if (s->rectify && sum.value < 0) sum.value = 0;
  if (s->linkCount) {
    sum.value = chained(s, sum.value, 0, 0);
    sum.size = 3 * sum.size + 1;
  }
  expectSum(got, sum);
}

// Compares the whole stored result. Lanes beyond the last channel are zeros.
static void expectConvolution(const Case *c, const SKMapStep *s, const float *x, const float *w, const float *bias,
                              const float *addend, int isDepthwise) {
  const Shape out = outputOf(&s->geometry, c->batch, c->outputs);
  for (int n = 0; n < out.batch; n++)
    for (int o = 0; o < storedOf(out); o++)
      for (int oy = 0; oy < out.height; oy++)
        for (int ox = 0; ox < out.width; ox++) {
          const float got = s->y[blockedPlaceOf(out, n, o, oy, ox)];
          if (o >= c->outputs) {
            expectSame(got, 0);
            continue;
          }
          Sum sum = convolvedAt(c, x, w, n, o, oy, ox, isDepthwise);
          addTerm(&sum, bias[o]);
          expectFinished(s, sum, addend[placeOf(out, n, o, oy, ox)], got);
        }
}

// The step of a convolution but for its weights and its bias.
static SKMapStep stepOf(const Case *c, const float *x, const float *addend) {
  const SKConvGeometry g = geometryOf(c);
  const Shape in = inputOf(c), out = outputOf(&g, c->batch, c->outputs);
  SKMapStep s = {.geometry = g, .batch = c->batch, .channels = c->channels, .outputs = c->outputs};
  s.isPlain = c->isPlain;
  s.rectify = c->rectify;
  if (c->hasLinks) s.links = someLinks(&s.linkCount);
  s.regionRows = c->rows;
  s.regionColumns = c->columns;
  s.regionPanels = c->panels;
  s.x = c->isPlain ? x : blocked(in, x);
  s.imageX = c->isPlain ? countOf(in) / in.batch : imageOf(in);
  if (c->hasAddend) s.addend = blocked(out, addend);
  s.imageAddend = s.imageY = imageOf(out);
  s.y = zeros(blockedCountOf(out));
  return s;
}

// A number an output channel, zeros up to whole panels.
static float *padded(const float *bias, int outputs) {
  float *all = zeros(panelsOf(outputs) * 2 * kernels->channelBlock());
  memcpy(all, bias, outputs * sizeof(float));
  return all;
}

static float weightAt(const SKPacking *p, int o, int c, int tap) {
  return p->weight[o * p->outputStride + c * p->channelStride + (p->isTurned ? p->taps - 1 - tap : tap)];
}

// Output × channel × tap, as they are.
static SKPacking packingOf(const float *w, int outputs, int channels, int taps) {
  return (SKPacking){w, outputs, channels, taps, (size_t)channels * taps, taps, 0};
}

// [panel][block of channels][tap][channel][output]
static size_t directCountOf(const SKPacking *p) {
  return (size_t)panelsOf(p->outputs) * p->channels * p->taps * 2 * kernels->channelBlock();
}

static float *packedDirect(const SKPacking *p) {
  const int block = kernels->channelBlock();
  float *packed = zeros(directCountOf(p)), *out = packed;
  for (int panel = 0; panel < panelsOf(p->outputs); panel++)
    for (int first = 0; first < p->channels; first += block)
      for (int tap = 0; tap < p->taps; tap++)
        for (int c = first; c < least(first + block, p->channels); c++)
          for (int lane = 0; lane < 2 * block; lane++, out++) {
            const int o = panel * 2 * block + lane;
            if (o < p->outputs) *out = weightAt(p, o, c, tap);
          }
  return packed;
}

// G of Winograd's F(2×2, 3×3) and F(4×4, 3×3): powers of the points 0, 1, -1, ½ and -2, and infinity, over the products
// of their distances.
static const double G2[6][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double G4[6][3] = {{1, 0, 0},
                                {1 / 3.0, 1 / 3.0, 1 / 3.0},
                                {-1 / 3.0, 1 / 3.0, -1 / 3.0},
                                {-16 / 15.0, -8 / 15.0, -4 / 15.0},
                                {1 / 15.0, -2 / 15.0, 4 / 15.0},
                                {0, 0, 1}};

// Element (i, j) of G g Gᵀ.
static Sum transformedAt(const SKPacking *p, int m, int o, int c, int point) {
  const double(*G)[3] = m == 2 ? G2 : G4;
  const int n = m + 2, i = point / n, j = point % n;
  Sum sum = {0};
  for (int tap = 0; tap < 9; tap++) addTerm(&sum, G[i][tap / 3] * G[j][tap % 3] * weightAt(p, o, c, tap));
  return sum;
}

// The floats of Winograd's weights, [panel][point][channel][output], and those from point to point.
static size_t winogradCountOf(const SKPacking *p, int m, size_t *point) {
  const SKMapStep s = {.channels = p->channels, .outputs = p->outputs};
  const size_t count = kernels->winogradWeights(&s, m);
  *point = count / panelsOf(p->outputs) / ((m + 2) * (m + 2));
  return count;
}

static float *packedWinograd(const SKPacking *p, int m) {
  const int lanes = 2 * kernels->channelBlock(), points = (m + 2) * (m + 2);
  size_t slot;
  float *packed = zeros(winogradCountOf(p, m, &slot));
  for (int o = 0; o < p->outputs; o++)
    for (int point = 0; point < points; point++)
      for (int c = 0; c < p->channels; c++) {
        const size_t place = (o / lanes * points + point) * slot + c * lanes + o % lanes;
        packed[place] = (float)transformedAt(p, m, o, c, point).value;
      }
  return packed;
}

static void expectWinograd(const SKPacking *p, int m, const float *packed) {
  const int lanes = 2 * kernels->channelBlock(), points = (m + 2) * (m + 2);
  size_t slot;
  winogradCountOf(p, m, &slot);
  for (int o = 0; o < panelsOf(p->outputs) * lanes; o++)
    for (int point = 0; point < points; point++)
      for (int c = 0; c < p->channels; c++) {
        const float got = packed[(o / lanes * points + point) * slot + c * lanes + o % lanes];
        expectSum(got, o < p->outputs ? transformedAt(p, m, o, c, point) : (Sum){0});
      }
}

static const Case directCases[] = {
    {1, 3, 5, 7, 9, 3, 1, 1, 1, 4, 9, 1, 0, 0, 0, 0},
    {2, 3, 19, 17, 21, 3, 2, 1, 1, 3, 6, 2, 0, 1, 0, 1},
    {2, 19, 37, 9, 13, 1, 1, 0, 1, 2, 13, 1, 1, 1, 0, 0},
    {1, 33, 17, 11, 10, 3, 1, 2, 2, 5, 7, 2, 1, 0, 0, 0},
    {1, 8, 16, 12, 15, 5, 3, 2, 1, 2, 4, 1, 0, 0, 1, 0},
    {1, 9, 41, 6, 8, 7, 1, 3, 1, 6, 8, 3, 0, 1, 1, 0},
    {1, 17, 8, 9, 9, 3, 1, 6, 6, 4, 4, 1, 0, 0, 0, 0},
    {1, 5, 9, 10, 11, 2, 2, 0, 1, 5, 5, 1, 1, 1, 1, 1},
    {1, 70, 33, 5, 29, 1, 1, 0, 1, 5, 11, 2, 0, 0, 0, 0},
};

static void checkConvolveDirect(void) {
  begin("convolveDirect", 1e-6);
  for (size_t k = 0; k < sizeof directCases / sizeof *directCases; k++) {
    const Case *c = directCases + k;
    const SKConvGeometry g = geometryOf(c);
    const float *x = randoms(countOf(inputOf(c)), -1, 1), *bias = randoms(c->outputs, -1, 1);
    const float *w = randoms(c->outputs * c->channels * c->kernel * c->kernel, -1, 1);
    const float *addend = randoms(countOf(outputOf(&g, c->batch, c->outputs)), -1, 1);
    const SKPacking packing = packingOf(w, c->outputs, c->channels, c->kernel * c->kernel);
    SKMapStep s = stepOf(c, x, addend);
    s.weights = packedDirect(&packing);
    s.bias = padded(bias, c->outputs);
    const int regions = ceilingDivide(g.outputHeight, c->rows) * ceilingDivide(g.outputWidth, c->columns);
    const int chunks = ceilingDivide(panelsOf(c->outputs), c->panels);
    runTasks(&s, kernels->convolveDirect, c->batch * regions * chunks, zeros(kernels->directScratch(&s)));
    expectConvolution(c, &s, x, w, bias, addend, 0);
  }
  end();
}

static const Case depthwiseCases[] = {
    {1, 5, 5, 9, 11, 3, 1, 1, 1, 4, 0, 0, 0, 0, 0, 0}, {2, 19, 19, 13, 25, 3, 2, 1, 1, 3, 0, 0, 1, 1, 0, 0},
    {1, 33, 33, 8, 14, 5, 1, 2, 1, 8, 0, 0, 0, 1, 1, 0}, {1, 16, 16, 10, 31, 3, 1, 2, 2, 2, 0, 0, 1, 0, 0, 0},
    {1, 9, 9, 3, 2, 7, 1, 3, 1, 1, 0, 0, 0, 0, 0, 0},
};
enum { DEPTHWISE = sizeof depthwiseCases / sizeof *depthwiseCases };

static void checkConvolveDepthwise(void) {
  begin("convolveDepthwise", 1e-6);
  const int block = kernels->channelBlock();
  for (int k = 0; k < DEPTHWISE; k++) {
    const Case *c = depthwiseCases + k;
    const SKConvGeometry g = geometryOf(c);
    const int taps = c->kernel * c->kernel;
    const float *x = randoms(countOf(inputOf(c)), -1, 1), *bias = randoms(c->outputs, -1, 1);
    const float *w = randoms(c->channels * taps, -1, 1);
    const float *addend = randoms(countOf(outputOf(&g, c->batch, c->outputs)), -1, 1);
    float *weights = zeros(storedOf(inputOf(c)) * taps);
    for (int i = 0; i < c->channels * taps; i++)
      weights[(i / taps / block * taps + i % taps) * block + i / taps % block] = w[i];
    SKMapStep s = stepOf(c, x, addend);
    s.weights = weights;
    s.bias = padded(bias, c->outputs);
    const int blocks = storedOf(inputOf(c)) / block;
    runTasks(&s, kernels->convolveDepthwise, c->batch * blocks * ceilingDivide(g.outputHeight, c->rows), NULL);
    expectConvolution(c, &s, x, w, bias, addend, 1);
  }
  end();
}

static const Case winogradCases[] = {
    {1, 5, 7, 6, 7, 3, 1, 1, 1, 0, 3, 1, 0, 0, 0, 0},   {2, 19, 37, 13, 18, 3, 1, 1, 1, 0, 7, 2, 1, 1, 0, 0},
    {1, 33, 9, 11, 9, 3, 1, 0, 1, 0, 12, 1, 0, 1, 0, 0}, {1, 16, 41, 17, 21, 3, 1, 2, 2, 0, 5, 3, 1, 0, 0, 0},
    {1, 70, 16, 9, 10, 3, 1, 2, 1, 0, 9, 1, 0, 0, 0, 0},
};
enum { WINOGRAD = sizeof winogradCases / sizeof *winogradCases };

// Tiles of m×m outputs, of each of the images that a dilation takes apart.
static int tilesOf(const Case *c, int m) {
  const SKConvGeometry g = geometryOf(c);
  const int down = ceilingDivide(ceilingDivide(g.outputHeight, c->dilation), m);
  const int across = ceilingDivide(ceilingDivide(g.outputWidth, c->dilation), m);
  return c->batch * c->dilation * c->dilation * down * across;
}

static void checkConvolveWinograd(const char *name, SKMapKernel run, int m, double tolerance) {
  begin(name, tolerance);
  for (int k = 0; k < WINOGRAD; k++) {
    const Case *c = winogradCases + k;
    const SKConvGeometry g = geometryOf(c);
    const float *x = randoms(countOf(inputOf(c)), -1, 1), *bias = randoms(c->outputs, -1, 1);
    const float *w = randoms(c->outputs * c->channels * 9, -1, 1);
    const float *addend = randoms(countOf(outputOf(&g, c->batch, c->outputs)), -1, 1);
    const SKPacking packing = packingOf(w, c->outputs, c->channels, 9);
    SKMapStep s = stepOf(c, x, addend);
    s.weights = packedWinograd(&packing, m);
    s.bias = padded(bias, c->outputs);
    s.tiles = tilesOf(c, m);
    const int chunks = ceilingDivide(panelsOf(c->outputs), c->panels);
    runTasks(&s, run, ceilingDivide(s.tiles, c->columns) * chunks, zeros(kernels->winogradScratch(&s, m)));
    expectConvolution(c, &s, x, w, bias, addend, 0);
  }
  end();
}

enum { PACKED_OUTPUTS = 37, PACKED_CHANNELS = 43 };

static void checkTransformWeights(const char *name, SKMapKernel run, int m) {
  begin(name, 1e-7);
  const float *w = randoms(PACKED_OUTPUTS * PACKED_CHANNELS * 9, -1, 1);
  const SKPacking p = packingOf(w, PACKED_OUTPUTS, PACKED_CHANNELS, 9);
  size_t point;
  SKMapStep s = {.channels = p.channels, .outputs = p.outputs};
  s.x = packedDirect(&p);
  s.y = zeros(winogradCountOf(&p, m, &point));
  runTasks(&s, run, panelsOf(p.outputs) * ceilingDivide(p.channels, SK_WEIGHT_CHUNK), NULL);
  expectWinograd(&p, m, s.y);
  end();
}

// Weights as they are, and those of the gradient of the input: outputs and channels exchanged, kernels turned.
static SKPacking somePacking(int isTurned, int taps) {
  const float *w = randoms(PACKED_OUTPUTS * PACKED_CHANNELS * taps, -1, 1);
  if (!isTurned) return packingOf(w, PACKED_OUTPUTS, PACKED_CHANNELS, taps);
  return (SKPacking){w, PACKED_OUTPUTS, PACKED_CHANNELS, taps, taps, (size_t)PACKED_OUTPUTS * taps, 1};
}

static void checkPackWinograd(const char *name, void (*run)(const SKPacking *, int, float *), int m) {
  begin(name, 5e-7);
  for (int isTurned = 0; isTurned < 2; isTurned++) {
    const SKPacking p = somePacking(isTurned, 9);
    size_t point;
    float *packed = zeros(winogradCountOf(&p, m, &point));
    for (int panel = 0; panel < panelsOf(p.outputs); panel++) run(&p, panel, packed);
    expectWinograd(&p, m, packed);
  }
  end();
}

static void checkPackDirect(void) {
  begin("packDirect", 0);
  for (int isTurned = 0; isTurned < 2; isTurned++) {
    const SKPacking p = somePacking(isTurned, isTurned ? 9 : 49);
    float *packed = zeros(directCountOf(&p)), *want = packedDirect(&p);
    for (int panel = 0; panel < panelsOf(p.outputs); panel++) kernels->packDirect(&p, panel, packed);
    for (size_t i = 0; i < directCountOf(&p); i++) expectSame(packed[i], want[i]);
  }
  end();
}

static void checkPackWeights(void) {
  begin("packWeights", 0);
  for (int hasFactors = 0; hasFactors < 2; hasFactors++) {
    const float *w = randoms(PACKED_OUTPUTS * PACKED_CHANNELS * 9, -1, 1), *factors = randoms(PACKED_OUTPUTS, -1, 1);
    float *scaled = zeros(PACKED_OUTPUTS * PACKED_CHANNELS * 9);
    for (int i = 0; i < PACKED_OUTPUTS * PACKED_CHANNELS * 9; i++)
      scaled[i] = hasFactors ? w[i] * factors[i / PACKED_CHANNELS / 9] : w[i];
    const SKPacking p = packingOf(scaled, PACKED_OUTPUTS, PACKED_CHANNELS, 9);
    SKMapStep s = {.geometry = window(9, 9, 3, 1, 1, 1), .channels = p.channels, .outputs = p.outputs, .x = w};
    if (hasFactors) s.bias = padded(factors, p.outputs);
    s.y = zeros(directCountOf(&p));
    runTasks(&s, kernels->packWeights, panelsOf(p.outputs), NULL);
    const float *want = packedDirect(&p);
    for (size_t i = 0; i < directCountOf(&p); i++) expectSame(s.y[i], want[i]);
  }
  end();
}

void checkConvolutions(void) {
  checkConvolveDirect();
  checkConvolveDepthwise();
  checkConvolveWinograd("convolveWinograd2", kernels->convolveWinograd2, 2, 1e-6);
  checkConvolveWinograd("convolveWinograd4", kernels->convolveWinograd4, 4, 2e-6);
  checkTransformWeights("transformWeights2", kernels->transformWeights2, 2);
  checkTransformWeights("transformWeights4", kernels->transformWeights4, 4);
  checkPackWinograd("packWinograd2", kernels->packWinograd2, 2);
  checkPackWinograd("packWinograd4", kernels->packWinograd4, 4);
  checkPackDirect();
  checkPackWeights();
}

// Gradients of weights: a kernel that sums over parts of the pixels, and one that collects the sums.
typedef struct WeightGradient {
  size_t (*scratch)(const SKWeightStep *);
  size_t (*sums)(const SKWeightStep *);
  void (*run)(const SKWeightStep *, int, float *);
  void (*collect)(const SKWeightStep *, int, float *);
} WeightGradient;

static Sum weightGradientAt(const Case *c, const float *x, const float *dy, int o, int channel, int tap) {
  const SKConvGeometry g = geometryOf(c);
  const Shape in = inputOf(c), out = outputOf(&g, c->batch, c->outputs);
  Sum sum = {0};
  for (int n = 0; n < c->batch; n++)
    for (int oy = 0; oy < out.height; oy++)
      for (int ox = 0; ox < out.width; ox++) {
        const int y = oy * c->stride + tap / c->kernel * c->dilation - c->padding;
        const int column = ox * c->stride + tap % c->kernel * c->dilation - c->padding;
        if (y < 0 || y >= c->height || column < 0 || column >= c->width) continue;
        addTerm(&sum, (double)dy[placeOf(out, n, o, oy, ox)] * x[placeOf(in, n, channel, y, column)]);
      }
  return sum;
}

static void expectWeightGradient(const Case *c, const WeightGradient *gradient, int slices, int blocksAtOnce) {
  const SKConvGeometry g = geometryOf(c);
  const Shape in = inputOf(c), out = outputOf(&g, c->batch, c->outputs);
  const int taps = c->kernel * c->kernel, blocks = storedOf(in) / kernels->channelBlock();
  const float *x = randoms(countOf(in), -1, 1), *dy = randoms(countOf(out), -1, 1);
  SKWeightStep s = {.map = stepOf(c, x, NULL), .regionBlocks = blocksAtOnce, .slices = slices};
  s.map.tiles = tilesOf(c, 4);
  s.dy = blocked(out, dy);
  s.imageDy = imageOf(out);
  s.taskSums = gradient->sums(&s);
  const int panels = panelsOf(c->outputs);
  const int tasks = ceilingDivide(panels, c->panels) * ceilingDivide(blocks, blocksAtOnce) * slices;
  s.sums = zeros(tasks * s.taskSums);
  float *scratch = zeros(gradient->scratch(&s)), *dw = zeros(c->outputs * c->channels * taps);
  for (int task = 0; task < tasks; task++) gradient->run(&s, task, scratch);
  for (int task = 0; task < blocks * panels; task++) gradient->collect(&s, task, dw);
  for (int o = 0; o < c->outputs; o++)
    for (int channel = 0; channel < c->channels; channel++)
      for (int tap = 0; tap < taps; tap++)
        expectSum(dw[(o * c->channels + channel) * taps + tap], weightGradientAt(c, x, dy, o, channel, tap));
}

// Both halves of the work are seen in the result alone: collectDirect and collectWinograd have no line of their own.
static void checkWeightGradient(const char *name, const Case *cases, int count, const WeightGradient *gradient,
                                double tolerance) {
  begin(name, tolerance);
  for (int k = 0; k < count; k++) {
    Case c = cases[k];
    c.isPlain = c.hasAddend = c.hasLinks = 0;
    expectWeightGradient(&c, gradient, 1 + k % 3, 1 + k % 2);
  }
  end();
}

static void checkDepthwiseWeightGradient(void) {
  begin("depthwiseWeightGradient", 1e-6);
  const int block = kernels->channelBlock();
  for (int k = 0; k < DEPTHWISE; k++) {
    Case c = depthwiseCases[k];
    c.batch = 1;
    c.channels = c.outputs = block;
    const SKConvGeometry g = geometryOf(&c);
    const Shape in = inputOf(&c), out = outputOf(&g, 1, block);
    const float *x = randoms(countOf(in), -1, 1), *dy = randoms(countOf(out), -1, 1);
    double *sums = memory(c.kernel * c.kernel * block * sizeof(double));
    kernels->depthwiseWeightGradient(blocked(in, x), blocked(out, dy), &g, sums);
    for (int tap = 0; tap < c.kernel * c.kernel; tap++)
      for (int lane = 0; lane < block; lane++)
        expectSum(sums[tap * block + lane], weightGradientAt(&c, x, dy, lane, lane, tap));
  }
  end();
}

void checkWeightGradients(void) {
  const WeightGradient direct = {
      kernels->weightGradientDirectScratch, kernels->weightGradientDirectSums, kernels->weightGradientDirect,
      kernels->collectDirect};
  const WeightGradient winograd = {
      kernels->weightGradientWinogradScratch, kernels->weightGradientWinogradSums, kernels->weightGradientWinograd,
      kernels->collectWinograd};
  const int directs = sizeof directCases / sizeof *directCases;
  checkWeightGradient("weightGradientDirect", directCases, directs, &direct, 1e-6);
  checkWeightGradient("weightGradientWinograd", winogradCases, WINOGRAD, &winograd, 4e-6);
  checkDepthwiseWeightGradient();
}
