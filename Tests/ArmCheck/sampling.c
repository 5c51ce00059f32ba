#include "check.h"

enum { HEIGHT = 7, WIDTH = 9, AREA = HEIGHT * WIDTH, SAMPLES = 203, BLOCKS = 3 };

// The place of a coordinate -1…1 in pixels, by the rule for the edge, and its derivative: as grid_sample of PyTorch.
static double place(const SKGrid *g, double coordinate, int extent, double *slope) {
  const double last = extent - 1;
  double p = g->alignCorners ? (coordinate + 1) / 2 * last : ((coordinate + 1) * extent - 1) / 2;
  *slope = (g->alignCorners ? last : extent) / 2;
  if (g->edge == SK_EDGE_ZEROS) return p;
  if (g->edge == SK_EDGE_REFLECTION) {
    const double low = g->alignCorners ? 0 : -0.5, high = g->alignCorners ? last : extent - 0.5;
    while (p < low || p > high) {
      p = p < low ? 2 * low - p : 2 * high - p;
      *slope = -*slope;
    }
  }
  if (p <= 0 || p >= last) *slope = 0;
  return p < 0 ? 0 : (p > last ? last : p);
}

// Whether rounding could choose another pixel, or another side of an edge.
static int isDelicate(const SKGrid *g, double coordinate, int extent) {
  double slope;
  SKGrid zeros = *g;
  zeros.edge = SK_EDGE_ZEROS;
  const double free = place(&zeros, coordinate, extent, &slope), held = place(g, coordinate, extent, &slope);
  return fabs(2 * free - rint(2 * free)) < 1e-3 || (slope != 0 && fabs(2 * held - rint(2 * held)) < 1e-3);
}

static float coordinate(const SKGrid *g, int extent) {
  float c = (float)uniform(-2.5, 2.5);
  while (isDelicate(g, c, extent)) c = (float)uniform(-2.5, 2.5);
  return c;
}

static int pixelOf(double row, double column) {
  return row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH ? (int)(row * WIDTH + column) : -1;
}

static void expectTap(const SKGrid *g, const float *grid, const SKGridTap *t) {
  double slopeX, slopeY;
  const double x = place(g, grid[0], WIDTH, &slopeX), y = place(g, grid[1], HEIGHT, &slopeY);
  const double left = g->isNearest ? rint(x) : floor(x), top = g->isNearest ? rint(y) : floor(y);
  for (int k = 0; k < 4; k++)
    expect(t->pixel[k], g->isNearest && k > 0 ? -1 : pixelOf(top + k / 2, left + k % 2), 0);
  expect(t->u, g->isNearest ? 0 : x - left, WIDTH);
  expect(t->v, g->isNearest ? 0 : y - top, HEIGHT);
  expectNear(t->slopeX, slopeX, 1);
  expectNear(t->slopeY, slopeY, 1);
}

static void checkGridTaps(void) {
  begin("gridTaps", 1e-6);
  for (int kind = 0; kind < 12; kind++) {
    const SKGrid g = {HEIGHT, WIDTH, kind % 3, kind / 3 % 2, kind / 6};
    float *grid = zeros(2 * SAMPLES);
    for (int i = 0; i < SAMPLES; i++) grid[2 * i] = coordinate(&g, WIDTH), grid[2 * i + 1] = coordinate(&g, HEIGHT);
    SKGridTap *taps = memory(SAMPLES * sizeof(SKGridTap));
    kernels->gridTaps(&g, grid, taps, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) expectTap(&g, grid + 2 * i, taps + i);
  }
  end();
}

// Some pixels of each sample lie outside. Nearest taps have one pixel, and no way to another.
static SKGridTap *randomTaps(int isNearest) {
  SKGridTap *taps = memory(SAMPLES * sizeof(SKGridTap));
  for (int i = 0; i < SAMPLES; i++) {
    for (int k = 0; k < 4; k++) taps[i].pixel[k] = below(5) && !(isNearest && k > 0) ? below(AREA) : -1;
    taps[i].u = isNearest ? 0 : (float)uniform(0, 1);
    taps[i].v = isNearest ? 0 : (float)uniform(0, 1);
    taps[i].slopeX = (float)uniform(-4, 4);
    taps[i].slopeY = (float)uniform(-4, 4);
  }
  return taps;
}

static double shareOf(const SKGridTap *t, int k) {
  return (k % 2 ? t->u : 1 - (double)t->u) * (k / 2 ? t->v : 1 - (double)t->v);
}

// Planes of `lanes` floats a pixel: 1, or a block of channels.
static void checkSample(const char *name, int lanes,
                        void (*run)(const SKGridTap *, int, const float *, float *, size_t)) {
  begin(name, 5e-7);
  const float *x = randoms(AREA * lanes, -1, 1);
  for (int isNearest = 0; isNearest < 2; isNearest++) {
    const SKGridTap *taps = randomTaps(isNearest);
    float *y = zeros(SAMPLES * lanes);
    run(taps, isNearest, x, y, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
      for (int lane = 0; lane < lanes; lane++) {
        Sum want = {0};
        for (int k = 0; k < 4; k++)
          if (taps[i].pixel[k] >= 0)
            addTerm(&want, shareOf(taps + i, k) * x[taps[i].pixel[k] * lanes + lane]);
        expectSum(y[i * lanes + lane], want);
      }
  }
  end();
}

static void checkSampleGradient(const char *name, int lanes,
                                void (*run)(const SKGridTap *, int, const float *, float *, size_t)) {
  begin(name, 2e-6);
  const float *dy = randoms(SAMPLES * lanes, -1, 1);
  for (int isNearest = 0; isNearest < 2; isNearest++) {
    const SKGridTap *taps = randomTaps(isNearest);
    float *dx = zeros(AREA * lanes);
    Sum *want = memory(AREA * lanes * sizeof(Sum));
    run(taps, isNearest, dy, dx, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
      for (int k = 0; k < 4; k++)
        for (int lane = 0; taps[i].pixel[k] >= 0 && lane < lanes; lane++) {
          const double d = dy[i * lanes + lane];
          Sum *own = want + taps[i].pixel[k] * lanes + lane;
          own->value += shareOf(taps + i, k) * d;
          // A share is what the others leave of the whole.
          own->size += fabs(d);
        }
    for (int i = 0; i < AREA * lanes; i++) expectSum(dx[i], want[i]);
  }
  end();
}

static void checkSampleSlopes(const char *name, int lanes,
                              void (*run)(const SKGridTap *, const float *, size_t, const float *, size_t, int, float *,
                                          size_t)) {
  begin(name, 1e-6);
  const size_t plane = (AREA + 1) * lanes, planeDy = (SAMPLES + 2) * lanes;
  const float *x = randoms(BLOCKS * plane, -1, 1), *dy = randoms(BLOCKS * planeDy, -1, 1);
  const SKGridTap *taps = randomTaps(0);
  float *dGrid = zeros(2 * SAMPLES);
  run(taps, x, plane, dy, planeDy, BLOCKS, dGrid, SAMPLES);
  for (int i = 0; i < SAMPLES; i++) {
    const SKGridTap *t = taps + i;
    Sum across = {0}, down = {0};
    for (int b = 0; b < BLOCKS; b++)
      for (int lane = 0; lane < lanes; lane++)
        for (int k = 0; k < 4; k++) {
          if (t->pixel[k] < 0) continue;
          const double term = (double)x[b * plane + t->pixel[k] * lanes + lane] * dy[b * planeDy + i * lanes + lane];
          addTerm(&across, term * (k % 2 ? 1 : -1) * (k / 2 ? t->v : 1 - (double)t->v) * t->slopeX);
          addTerm(&down, term * (k / 2 ? 1 : -1) * (k % 2 ? t->u : 1 - (double)t->u) * t->slopeY);
        }
    expectSum(dGrid[2 * i], across);
    expectSum(dGrid[2 * i + 1], down);
  }
  end();
}

void checkSampling(void) {
  const int block = kernels->channelBlock();
  checkGridTaps();
  checkSample("sampleBlocks", block, kernels->sampleBlocks);
  checkSampleGradient("sampleBlocksGradient", block, kernels->sampleBlocksGradient);
  checkSampleSlopes("sampleBlocksSlopes", block, kernels->sampleBlocksSlopes);
  checkSample("samplePlane", 1, kernels->samplePlane);
  checkSampleGradient("samplePlaneGradient", 1, kernels->samplePlaneGradient);
  checkSampleSlopes("samplePlaneSlopes", 1, kernels->samplePlaneSlopes);
}
