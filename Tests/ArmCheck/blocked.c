// Kernels of maps in channel blocks, beside convolutions.
#include "check.h"

const SKLink *someLinks(int *count) {
  SKLink *links = memory(4 * sizeof(SKLink));
  links[0] = (SKLink){.kind = SK_EACH, .each = kernels->sigmoid};
  links[1] = (SKLink){.kind = SK_MULTIPLY, .operand = SK_START};
  links[2] = (SKLink){.kind = SK_AFFINE, .a = 1.5f, .b = -0.25f};
  links[3] = (SKLink){.kind = SK_CLAMP, .a = -10, .b = 2};
  *count = 4;
  return links;
}

double chained(const SKMapStep *step, double start, double addend, double gate) {
  double v = start;
  for (int k = 0; k < step->linkCount; k++) {
    const SKLink *link = step->links + k;
    const double o = link->operand == SK_GATE ? gate : (link->operand == SK_ADDEND ? addend : start);
    switch (link->kind) {
    case SK_EACH: v = 1 / (1 + exp(-v)); break;
    case SK_AFFINE: v = v * link->a + link->b; break;
    case SK_CLAMP: v = v < link->a ? link->a : (v > link->b ? link->b : v); break;
    case SK_ADD: v += o; break;
    case SK_SUBTRACT: v -= o; break;
    case SK_SUBTRACT_FROM: v = o - v; break;
    case SK_MULTIPLY: v *= o; break;
    }
  }
  return v;
}

enum { BATCH = 2, CHANNELS = 21, ROWS = 3 };

// A step from one map to another, and its maps row-major.
typedef struct Map {
  SKMapStep step;
  Shape in, out;
  float *x, *addend;
} Map;

static Map mapOf(SKConvGeometry g) {
  Map m = {.in = {BATCH, CHANNELS, g.height, g.width}, .out = outputOf(&g, BATCH, CHANNELS)};
  m.x = randoms(countOf(m.in), -1, 1);
  m.addend = randoms(countOf(m.out), -1, 1);
  m.step = (SKMapStep){.geometry = g, .batch = BATCH, .channels = CHANNELS, .outputs = CHANNELS, .regionRows = ROWS};
  m.step.x = blocked(m.in, m.x);
  m.step.imageX = imageOf(m.in);
  m.step.y = zeros(blockedCountOf(m.out));
  m.step.imageY = m.step.imageAddend = imageOf(m.out);
  return m;
}

static SKConvGeometry sizesOf(int height, int width, int outputHeight, int outputWidth) {
  return (SKConvGeometry){.height = height, .width = width, .outputHeight = outputHeight, .outputWidth = outputWidth};
}

static int blocksOf(Shape s) { return storedOf(s) / kernels->channelBlock(); }

// By rows of blocks of channels.
static void runRows(const Map *m, SKMapKernel run) {
  runTasks(&m->step, run, BATCH * blocksOf(m->out) * ceilingDivide(m->out.height, ROWS), NULL);
}

static float *planeOf(const Map *m, int n, int c) { return m->x + placeOf(m->in, n, c, 0, 0); }

// Compares the whole stored result with what `pixel` says. Lanes beyond the last channel are zeros.
static void expectPixels(const Map *m, Sum (*pixel)(const Map *, int n, int c, int y, int x)) {
  for (int n = 0; n < BATCH; n++)
    for (int c = 0; c < storedOf(m->out); c++)
      for (int y = 0; y < m->out.height; y++)
        for (int x = 0; x < m->out.width; x++) {
          const float got = m->step.y[blockedPlaceOf(m->out, n, c, y, x)];
          if (c >= CHANNELS) {
            expectSame(got, 0);
            continue;
          }
          Sum want = pixel(m, n, c, y, x);
          if (m->step.addend) addTerm(&want, m->addend[placeOf(m->out, n, c, y, x)]);
          if (m->step.rectify && want.value < 0) want.value = 0;
          expectSum(got, want);
        }
}

static Sum resizedPixel(const Map *m, int n, int c, int y, int x) {
  const SKTap row = m->step.rowTaps[y], column = m->step.columnTaps[x];
  const float *low = planeOf(m, n, c) + row.low * m->in.width, *high = planeOf(m, n, c) + row.high * m->in.width;
  const double v = row.fraction, u = column.fraction;
  Sum sum = {0};
  addTerm(&sum, (1 - v) * (1 - u) * low[column.low]);
  addTerm(&sum, (1 - v) * u * low[column.high]);
  addTerm(&sum, v * (1 - u) * high[column.low]);
  addTerm(&sum, v * u * high[column.high]);
  return sum;
}

static const int resizes[][4] = {{5, 7, 13, 29}, {9, 11, 4, 5}, {1, 1, 5, 6}, {8, 8, 8, 8}};
enum { RESIZES = sizeof resizes / sizeof *resizes };

static void checkResizeBlocked(void) {
  begin("resizeBlocked", 1e-6);
  for (int k = 0; k < RESIZES; k++)
    for (int mode = CENTRES; mode <= NEAREST; mode++) {
      const int *s = resizes[k];
      Map m = mapOf(sizesOf(s[0], s[1], s[2], s[3]));
      m.step.rowTaps = tapsOf(mode, s[0], s[2]);
      m.step.columnTaps = tapsOf(mode, s[1], s[3]);
      if (k % 2) m.step.addend = blocked(m.out, m.addend);
      m.step.rectify = k % 2;
      runRows(&m, kernels->resizeBlocked);
      expectPixels(&m, resizedPixel);
    }
  end();
}

// Here the step's input has the shape of the resize's result.
static void checkResizeBlockedGradient(void) {
  begin("resizeBlockedGradient", 2e-6);
  for (int k = 0; k < RESIZES; k++)
    for (int mode = CENTRES; mode <= NEAREST; mode++) {
      const int *s = resizes[k];
      const SKTap *rows = tapsOf(mode, s[0], s[2]), *columns = tapsOf(mode, s[1], s[3]);
      Map m = mapOf(sizesOf(s[2], s[3], s[0], s[1]));
      m.step.geometry = sizesOf(s[0], s[1], s[2], s[3]);
      m.step.rowTaps = rows;
      m.step.columnTaps = columns;
      runTasks(&m.step, kernels->resizeBlockedGradient, BATCH * blocksOf(m.out), NULL);
      for (int n = 0; n < BATCH; n++)
        for (int c = 0; c < CHANNELS; c++) {
          Sum *want = memory(areaOf(m.out) * sizeof(Sum));
          for (int i = 0; i < s[2] * s[3]; i++) {
            const SKTap row = rows[i / s[3]], column = columns[i % s[3]];
            const double v = row.fraction, u = column.fraction, d = planeOf(&m, n, c)[i];
            Sum *low = want + row.low * s[1], *high = want + row.high * s[1];
            addTerm(low + column.low, (1 - v) * (1 - u) * d);
            addTerm(low + column.high, (1 - v) * u * d);
            addTerm(high + column.low, v * (1 - u) * d);
            addTerm(high + column.high, v * u * d);
          }
          // As for planes: a share is what the other one leaves.
          for (int i = 0; i < s[0] * s[1]; i++)
            expect(m.step.y[blockedPlaceOf(m.out, n, c, i / s[1], i % s[1])], want[i].value, want[i].size + 1);
        }
    }
  end();
}

// Height, width, kernel, stride, padding, dilation.
static const int windows[][6] = {{7, 9, 3, 1, 1, 1}, {9, 14, 3, 2, 1, 1}, {11, 8, 2, 2, 0, 1}, {13, 17, 5, 3, 2, 1},
                                 {8, 11, 3, 1, 2, 2}};
enum { WINDOWS = sizeof windows / sizeof *windows };

static Map windowMap(const int *w) { return mapOf(window(w[0], w[1], w[2], w[3], w[4], w[5])); }

// Of the pixels under a window: the largest, the sum, and how many there are.
typedef struct Window {
  double largest;
  Sum sum;
  int count, countWithPadding;
} Window;

static Window windowAt(const Map *m, int n, int c, int oy, int ox) {
  const SKConvGeometry *g = &m->step.geometry;
  Window w = {.largest = -INFINITY};
  for (int ky = 0; ky < g->kernelHeight; ky++)
    for (int kx = 0; kx < g->kernelWidth; kx++) {
      const int y = oy * g->strideHeight + ky * g->dilationHeight - g->paddingHeight;
      const int x = ox * g->strideWidth + kx * g->dilationWidth - g->paddingWidth;
      w.countWithPadding += y < g->height + g->paddingHeight && x < g->width + g->paddingWidth;
      if (y < 0 || y >= g->height || x < 0 || x >= g->width) continue;
      const double value = m->x[placeOf(m->in, n, c, y, x)];
      w.largest = fmax(w.largest, value);
      addTerm(&w.sum, value);
      w.count++;
    }
  return w;
}

static Sum largestPixel(const Map *m, int n, int c, int y, int x) {
  Sum sum = {0};
  addTerm(&sum, windowAt(m, n, c, y, x).largest);
  return sum;
}

static void checkMaxPoolBlocked(void) {
  begin("maxPoolBlocked", 1e-7);
  for (int k = 0; k < WINDOWS; k++) {
    Map m = windowMap(windows[k]);
    if (k % 2) m.step.addend = blocked(m.out, m.addend);
    runRows(&m, kernels->maxPoolBlocked);
    expectPixels(&m, largestPixel);
  }
  end();
}

static Sum meanPixel(const Map *m, int n, int c, int y, int x) {
  const Window w = windowAt(m, n, c, y, x);
  const double divisor = m->step.countPadding ? w.countWithPadding : w.count;
  return (Sum){w.sum.value / divisor, w.sum.size / divisor};
}

static void checkAveragePoolBlocked(void) {
  begin("averagePoolBlocked", 1e-6);
  for (int k = 0; k < WINDOWS; k++)
    for (int countPadding = 0; countPadding < 2 && windows[k][5] == 1; countPadding++) {
      Map m = windowMap(windows[k]);
      m.step.countPadding = countPadding;
      m.step.rectify = k % 2;
      runRows(&m, kernels->averagePoolBlocked);
      expectPixels(&m, meanPixel);
    }
  end();
}

static Sum samePixel(const Map *m, int n, int c, int y, int x) {
  Sum sum = {0};
  addTerm(&sum, m->x[placeOf(m->in, n, c, y, x)]);
  return sum;
}

static void checkCombineBlocked(void) {
  begin("combineBlocked", 1e-7);
  for (int hasAddend = 0; hasAddend < 2; hasAddend++) {
    Map m = mapOf(sizesOf(7, 9, 7, 9));
    if (hasAddend) m.step.addend = blocked(m.out, m.addend);
    m.step.rectify = hasAddend;
    runRows(&m, kernels->combineBlocked);
    expectPixels(&m, samePixel);
  }
  end();
}

static void checkChainBlocked(void) {
  static const SKLink links[] = {
      {.kind = SK_MULTIPLY, .operand = SK_GATE}, {.kind = SK_ADD, .operand = SK_ADDEND},
      {.kind = SK_AFFINE, .a = 0.5f, .b = 1},    {.kind = SK_SUBTRACT_FROM, .operand = SK_START},
      {.kind = SK_SUBTRACT, .operand = SK_GATE}, {.kind = SK_CLAMP, .a = -2, .b = 0.5f},
  };
  begin("chainBlocked", 1e-6);
  Map m = mapOf(sizesOf(7, 9, 7, 9));
  const Shape gates = {BATCH, CHANNELS, 1, 1};
  const float *gate = randoms(countOf(gates), -1, 1);
  for (int isFirst = 0; isFirst < 2; isFirst++) {
    if (isFirst) {
      m.step.links = someLinks(&m.step.linkCount);
    } else {
      m.step.links = links;
      m.step.linkCount = sizeof links / sizeof *links;
      m.step.weights = blocked(gates, gate);
      m.step.imageGate = imageOf(gates);
      m.step.addend = blocked(m.out, m.addend);
    }
    runRows(&m, kernels->chainBlocked);
    for (int n = 0; n < BATCH; n++)
      for (int c = 0; c < storedOf(m.out); c++)
        for (int i = 0; i < 7 * 9; i++) {
          const float got = m.step.y[blockedPlaceOf(m.out, n, c, i / 9, i % 9)];
          if (c >= CHANNELS) {
            expectSame(got, 0);
            continue;
          }
          const size_t place = placeOf(m.out, n, c, i / 9, i % 9);
          expectNear(got, chained(&m.step, m.x[place], m.addend[place], gate[n * CHANNELS + c]), 1);
        }
  }
  end();
}

// Cells of an adaptive pooling.
static Sum cellPixel(const Map *m, int n, int c, int i, int j) {
  const int height = m->in.height, width = m->in.width, rows = m->out.height, columns = m->out.width;
  const int top = i * height / rows, bottom = ceilingDivide((i + 1) * height, rows);
  const int left = j * width / columns, right = ceilingDivide((j + 1) * width, columns);
  const double divisor = m->step.sumsCells ? 1 : (bottom - top) * (right - left);
  Sum sum = {0};
  for (int y = top; y < bottom; y++)
    for (int x = left; x < right; x++) addTerm(&sum, m->x[placeOf(m->in, n, c, y, x)] / divisor);
  return sum;
}

static void checkCellsBlocked(void) {
  static const int sizes[][4] = {{9, 41, 1, 1}, {9, 41, 2, 3}, {5, 7, 6, 6}, {13, 50, 4, 2}};
  begin("cellsBlocked", 1e-6);
  for (int k = 0; k < 4; k++)
    for (int sumsCells = 0; sumsCells < 2; sumsCells++) {
      Map m = mapOf(sizesOf(sizes[k][0], sizes[k][1], sizes[k][2], sizes[k][3]));
      m.step.sumsCells = sumsCells;
      runTasks(&m.step, kernels->cellsBlocked, BATCH * blocksOf(m.out), NULL);
      expectPixels(&m, cellPixel);
    }
  end();
}

// Parts of 5, 21 and 7 channels make a whole of 33.
static void checkPlaceChannels(void) {
  static const int parts[] = {5, 21, 7};
  begin("placeChannels", 0);
  const Shape whole = {BATCH, 33, 7, 9};
  const SKConvGeometry g = sizesOf(7, 9, 7, 9);
  float *y = randoms(blockedCountOf(whole), 5, 6), *x[3];
  for (int k = 0, first = 0; k < 3; first += parts[k++]) {
    const Shape part = {BATCH, parts[k], 7, 9};
    x[k] = randoms(countOf(part), -1, 1);
    SKMapStep s = {.geometry = g, .batch = BATCH, .channels = whole.channels, .outputs = part.channels,
                   .firstChannel = first, .regionRows = ROWS, .x = blocked(part, x[k]), .imageX = imageOf(part),
                   .y = y, .imageY = imageOf(whole)};
    runTasks(&s, kernels->placeChannels, BATCH * blocksOf(part) * ceilingDivide(7, ROWS), NULL);
  }
  for (int n = 0; n < BATCH; n++)
    for (int c = 0; c < storedOf(whole); c++)
      for (int i = 0; i < 7 * 9; i++) {
        const int part = c < 5 ? 0 : (c < 26 ? 1 : 2), own = c - (c < 5 ? 0 : (c < 26 ? 5 : 26));
        const double want = c < 33 ? x[part][(n * parts[part] + own) * 63 + i] : 0;
        expectSame(y[blockedPlaceOf(whole, n, c, i / 9, i % 9)], want);
      }
  end();
}

static void checkBlockChannels(void) {
  begin("blockChannels", 0);
  Map m = mapOf(sizesOf(7, 13, 7, 13));
  m.step.x = m.x;
  m.step.imageX = countOf(m.in) / BATCH;
  runRows(&m, kernels->blockChannels);
  expectPixels(&m, samePixel);
  end();
}

static void checkUnblockChannels(void) {
  begin("unblockChannels", 0);
  Map m = mapOf(sizesOf(7, 13, 7, 13));
  m.step.y = zeros(countOf(m.out));
  m.step.imageY = countOf(m.out) / BATCH;
  runRows(&m, kernels->unblockChannels);
  for (size_t i = 0; i < countOf(m.out); i++) expectSame(m.step.y[i], m.x[i]);
  end();
}

static Sum spreadPixel(const Map *m, int n, int c, int y, int x) {
  const int down = m->step.geometry.strideHeight, across = m->step.geometry.strideWidth;
  const int isOne = y % down == 0 && x % across == 0 && y / down < m->in.height && x / across < m->in.width;
  return isOne ? samePixel(m, n, c, y / down, x / across) : (Sum){0};
}

static void checkSpreadPixels(void) {
  begin("spreadPixels", 0);
  SKConvGeometry g = sizesOf(5, 6, 12, 16);
  g.strideHeight = 2;
  g.strideWidth = 3;
  Map m = mapOf(g);
  runTasks(&m.step, kernels->spreadPixels, BATCH * blocksOf(m.out), NULL);
  expectPixels(&m, spreadPixel);
  end();
}

enum { MAPS = 3, PLACES = 45, QUERIES = 67 };

static void checkGatherPixels(void) {
  begin("gatherPixels", 5e-7);
  const int block = kernels->channelBlock();
  const float *planes[MAPS], *bias = randoms(block, -1, 1);
  const int32_t *places[MAPS];
  for (int m = 0; m < MAPS; m++) planes[m] = randoms(PLACES * block, -1, 1), places[m] = labelsBelow(PLACES, QUERIES);
  for (int kind = 0; kind < 4; kind++) {
    const int hasBias = kind & 1, rectify = kind >> 1;
    float *y = zeros(QUERIES * block);
    kernels->gatherPixels(planes, places, MAPS, hasBias ? bias : NULL, rectify, y, QUERIES);
    for (int i = 0; i < QUERIES * block; i++) {
      Sum want = {0};
      if (hasBias) addTerm(&want, bias[i % block]);
      for (int m = 0; m < MAPS; m++) addTerm(&want, planes[m][places[m][i / block] * block + i % block]);
      if (rectify && want.value < 0) want.value = 0;
      expectSum(y[i], want);
    }
  }
  end();
}

static void checkScatterPixels(void) {
  begin("scatterPixels", 1e-6);
  const int block = kernels->channelBlock();
  const float *dy = randoms(QUERIES * block, -1, 1);
  const int32_t *places = labelsBelow(9, QUERIES);
  float *plane = zeros(9 * block);
  Sum *want = memory(9 * block * sizeof(Sum));
  kernels->scatterPixels(dy, places, plane, QUERIES);
  for (int i = 0; i < QUERIES * block; i++) addTerm(want + places[i / block] * block + i % block, dy[i]);
  for (int i = 0; i < 9 * block; i++) expectSum(plane[i], want[i]);
  end();
}

static void checkUnblockRun(void) {
  begin("unblockRun", 0);
  const int block = kernels->channelBlock();
  const float *x = randoms(QUERIES * block, -1, 1);
  for (int lanes = 1; lanes <= block; lanes++) {
    const size_t plane = QUERIES + 3;
    float *y = zeros(lanes * plane);
    kernels->unblockRun(x, lanes, plane, y, QUERIES);
    for (int i = 0; i < QUERIES; i++)
      for (int lane = 0; lane < lanes; lane++) expectSame(y[lane * plane + i], x[i * block + lane]);
  }
  end();
}

void checkBlocked(void) {
  checkResizeBlocked();
  checkResizeBlockedGradient();
  checkMaxPoolBlocked();
  checkAveragePoolBlocked();
  checkCombineBlocked();
  checkChainBlocked();
  checkCellsBlocked();
  checkPlaceChannels();
  checkBlockChannels();
  checkUnblockChannels();
  checkSpreadPixels();
  checkGatherPixels();
  checkScatterPixels();
  checkUnblockRun();
}
