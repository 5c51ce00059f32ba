// Kernels of row-major planes: columns of convolutions, pooling, resizing.
#include "check.h"

// Height, width, kernel, stride, padding, dilation.
static const int windows[][6] = {
    {7, 9, 3, 1, 1, 1}, {9, 37, 3, 2, 1, 1}, {11, 40, 2, 2, 0, 1}, {13, 41, 5, 3, 2, 1},
    {8, 35, 3, 1, 2, 2}, {9, 21, 1, 2, 0, 1}, {12, 45, 3, 2, 0, 2}, {6, 50, 4, 1, 1, 1},
};
enum { WINDOWS = sizeof windows / sizeof *windows };

static SKConvGeometry windowOf(const int *w) { return window(w[0], w[1], w[2], w[3], w[4], w[5]); }

// The pixel that output (oy, ox) reads at (ky, kx), or -1.
static int pixelOf(const SKConvGeometry *g, int oy, int ox, int ky, int kx) {
  const int y = oy * g->strideHeight + ky * g->dilationHeight - g->paddingHeight;
  const int x = ox * g->strideWidth + kx * g->dilationWidth - g->paddingWidth;
  return y < 0 || y >= g->height || x < 0 || x >= g->width ? -1 : y * g->width + x;
}

enum { CHANNELS = 3 };

// A panel that begins and ends within rows.
typedef struct Panel {
  size_t first, count;
} Panel;

static Panel panelOf(const SKConvGeometry *g) {
  const size_t all = (size_t)g->outputHeight * g->outputWidth, first = all / 5;
  return (Panel){first, all - all / 7 - first};
}

static void checkGatherColumns(void) {
  begin("gatherColumns", 0);
  for (int k = 0; k < WINDOWS; k++) {
    const SKConvGeometry g = windowOf(windows[k]);
    const Panel p = panelOf(&g);
    const int area = g.height * g.width, taps = g.kernelHeight * g.kernelWidth;
    const float *x = randoms(CHANNELS * area, -1, 1);
    float *columns = randoms(CHANNELS * taps * p.count, 5, 6);
    kernels->gatherColumns(x, &g, CHANNELS, p.first, p.first + p.count, columns);
    for (int row = 0; row < CHANNELS * taps; row++)
      for (size_t i = 0; i < p.count; i++) {
        const int oy = (int)(p.first + i) / g.outputWidth, ox = (int)(p.first + i) % g.outputWidth, tap = row % taps;
        const int pixel = pixelOf(&g, oy, ox, tap / g.kernelWidth, tap % g.kernelWidth);
        expectSame(columns[row * p.count + i], pixel < 0 ? 0 : x[row / taps * area + pixel]);
      }
  }
  end();
}

static void checkScatterColumns(void) {
  begin("scatterColumns", 1e-6);
  for (int k = 0; k < WINDOWS; k++) {
    const SKConvGeometry g = windowOf(windows[k]);
    const Panel p = panelOf(&g);
    const int area = g.height * g.width, taps = g.kernelHeight * g.kernelWidth;
    const float *columns = randoms(CHANNELS * taps * p.count, -1, 1);
    float *x = zeros(CHANNELS * area);
    Sum *want = memory(CHANNELS * area * sizeof(Sum));
    kernels->scatterColumns(columns, &g, CHANNELS, p.first, p.first + p.count, x);
    for (int row = 0; row < CHANNELS * taps; row++)
      for (size_t i = 0; i < p.count; i++) {
        const int oy = (int)(p.first + i) / g.outputWidth, ox = (int)(p.first + i) % g.outputWidth, tap = row % taps;
        const int pixel = pixelOf(&g, oy, ox, tap / g.kernelWidth, tap % g.kernelWidth);
        if (pixel >= 0) addTerm(want + row / taps * area + pixel, columns[row * p.count + i]);
      }
    for (int i = 0; i < CHANNELS * area; i++) expectSum(x[i], want[i]);
  }
  end();
}

// The first of equals; a NaN always counts.
static int largestOf(const SKConvGeometry *g, const float *x, int oy, int ox) {
  int best = -1;
  for (int ky = 0; ky < g->kernelHeight; ky++)
    for (int kx = 0; kx < g->kernelWidth; kx++) {
      const int pixel = pixelOf(g, oy, ox, ky, kx);
      if (pixel >= 0 && (best < 0 || x[pixel] > x[best] || x[pixel] != x[pixel])) best = pixel;
    }
  return best;
}

static void checkMaxPool(void) {
  begin("maxPool", 0);
  for (int k = 0; k < WINDOWS; k++) {
    const SKConvGeometry g = windowOf(windows[k]);
    const int outputs = g.outputHeight * g.outputWidth;
    float *x = randoms(g.height * g.width, -3, -1);
    for (int i = 0; i < g.height * g.width; i++) x[i] = i == 40 ? NAN : rintf(4 * x[i]) / 4;
    float *y = zeros(outputs), *again = zeros(outputs);
    int32_t *indices = integers(outputs);
    kernels->maxPool(x, &g, y, indices);
    kernels->maxPool(x, &g, again, NULL);
    for (int i = 0; i < outputs; i++) {
      const int best = largestOf(&g, x, i / g.outputWidth, i % g.outputWidth);
      expectSame(indices[i], best);
      expectSame(y[i], best < 0 ? -INFINITY : x[best]);
      expectSame(again[i], y[i]);
    }
  }
  end();
}

static void checkMaxPoolGradient(void) {
  begin("maxPoolGradient", 1e-6);
  const size_t n = 300, area = 77;
  const float *dy = randoms(n, -1, 1);
  float *dx = randoms(area, 5, 6);
  int32_t *indices = labelsBelow(area, n);
  indices[4] = -1;
  Sum *want = memory(area * sizeof(Sum));
  kernels->maxPoolGradient(dy, indices, n, dx, area);
  for (size_t i = 0; i < n; i++)
    if (indices[i] >= 0) addTerm(want + indices[i], dy[i]);
  for (size_t i = 0; i < area; i++) expectSum(dx[i], want[i]);
  end();
}

// What the mean of a window is divided by: its pixels in the image, or in the padded image.
static int divisorOf(const SKConvGeometry *g, int oy, int ox, int countPadding) {
  int count = 0;
  for (int ky = 0; ky < g->kernelHeight; ky++)
    for (int kx = 0; kx < g->kernelWidth; kx++) {
      const int y = oy * g->strideHeight + ky, x = ox * g->strideWidth + kx;
      const int isPadded = y < g->height + 2 * g->paddingHeight && x < g->width + 2 * g->paddingWidth;
      count += countPadding ? isPadded : pixelOf(g, oy, ox, ky, kx) >= 0;
    }
  return count;
}

static void checkAveragePool(void) {
  begin("averagePool", 1e-6);
  for (int k = 0; k < WINDOWS; k++)
    for (int countPadding = 0; countPadding < 2; countPadding++) {
      SKConvGeometry g = windowOf(windows[k]);
      if (g.dilationWidth > 1) continue;
      const float *x = randoms(g.height * g.width, -1, 1);
      float *y = zeros(g.outputHeight * g.outputWidth);
      kernels->averagePool(x, &g, countPadding, y);
      for (int i = 0; i < g.outputHeight * g.outputWidth; i++) {
        const int oy = i / g.outputWidth, ox = i % g.outputWidth, divisor = divisorOf(&g, oy, ox, countPadding);
        Sum want = {0};
        for (int tap = 0; tap < g.kernelHeight * g.kernelWidth; tap++) {
          const int pixel = pixelOf(&g, oy, ox, tap / g.kernelWidth, tap % g.kernelWidth);
          if (pixel >= 0) addTerm(&want, (double)x[pixel] / divisor);
        }
        expectSum(y[i], want);
      }
    }
  end();
}

static void checkAveragePoolGradient(void) {
  begin("averagePoolGradient", 1e-6);
  for (int k = 0; k < WINDOWS; k++)
    for (int countPadding = 0; countPadding < 2; countPadding++) {
      SKConvGeometry g = windowOf(windows[k]);
      if (g.dilationWidth > 1) continue;
      const int area = g.height * g.width, taps = g.kernelHeight * g.kernelWidth;
      const float *dy = randoms(g.outputHeight * g.outputWidth, -1, 1);
      float *dx = randoms(area, 5, 6), *scratch = zeros(kernels->averagePoolGradientScratch(&g));
      Sum *want = memory(area * sizeof(Sum));
      kernels->averagePoolGradient(dy, &g, countPadding, dx, scratch);
      for (int i = 0; i < g.outputHeight * g.outputWidth; i++) {
        const int oy = i / g.outputWidth, ox = i % g.outputWidth, divisor = divisorOf(&g, oy, ox, countPadding);
        for (int tap = 0; tap < taps; tap++) {
          const int pixel = pixelOf(&g, oy, ox, tap / g.kernelWidth, tap % g.kernelWidth);
          if (pixel >= 0) addTerm(want + pixel, (double)dy[i] / divisor);
        }
      }
      for (int i = 0; i < area; i++) expectSum(dx[i], want[i]);
    }
  end();
}

// Height and width, and those of the result.
static const int sizes[][4] = {
    {5, 7, 13, 29}, {9, 11, 4, 5}, {3, 300, 7, 611}, {1, 1, 5, 6}, {8, 8, 8, 8}, {6, 4, 11, 12},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

static Sum resizedAt(const float *x, int width, SKTap row, SKTap column) {
  const double v = row.fraction, u = column.fraction;
  Sum sum = {0};
  addTerm(&sum, (1 - v) * (1 - u) * x[row.low * width + column.low]);
  addTerm(&sum, (1 - v) * u * x[row.low * width + column.high]);
  addTerm(&sum, v * (1 - u) * x[row.high * width + column.low]);
  addTerm(&sum, v * u * x[row.high * width + column.high]);
  return sum;
}

static void checkResize(void) {
  begin("resize", 1e-6);
  for (int k = 0; k < SIZES; k++)
    for (int mode = CENTRES; mode <= NEAREST; mode++) {
      const int *s = sizes[k];
      const SKTap *rows = tapsOf(mode, s[0], s[2]), *columns = tapsOf(mode, s[1], s[3]);
      const float *x = randoms(s[0] * s[1], -1, 1);
      float *y = zeros(s[2] * s[3]), *scratch = zeros(2 * s[3]);
      kernels->resize(x, s[1], rows, columns, s[2], s[3], scratch, y);
      for (int i = 0; i < s[2] * s[3]; i++) expectSum(y[i], resizedAt(x, s[1], rows[i / s[3]], columns[i % s[3]]));
    }
  end();
}

// The channel that was found is as large as any other; the first one where nothing is rounded.
static void checkResizeArgmax(void) {
  begin("resizeArgmax", 1e-6);
  for (int k = 0; k < SIZES; k++)
    for (int mode = CENTRES; mode <= NEAREST; mode++) {
      const int *s = sizes[k], channels = 6, plane = s[0] * s[1] + 3;
      const SKTap *rows = tapsOf(mode, s[0], s[2]), *columns = tapsOf(mode, s[1], s[3]);
      const float *x = randoms(channels * plane, -1, 1);
      int32_t *y = integers(s[2] * s[3]);
      kernels->resizeArgmax(x, channels, plane, s[1], rows, columns, s[2], s[3], y);
      for (int i = 0; i < s[2] * s[3]; i++) {
        double best = -INFINITY;
        for (int c = 0; c < channels; c++)
          best = fmax(best, resizedAt(x + c * plane, s[1], rows[i / s[3]], columns[i % s[3]]).value);
        const int isChannel = y[i] >= 0 && y[i] < channels;
        expect(isChannel ? resizedAt(x + y[i] * plane, s[1], rows[i / s[3]], columns[i % s[3]]).value : NAN, best, 1);
      }
    }
  end();
}

static void checkResizeGradient(void) {
  begin("resizeGradient", 2e-6);
  for (int k = 0; k < SIZES; k++)
    for (int mode = CENTRES; mode <= NEAREST; mode++) {
      const int *s = sizes[k];
      const SKTap *rows = tapsOf(mode, s[0], s[2]), *columns = tapsOf(mode, s[1], s[3]);
      const float *dy = randoms(s[2] * s[3], -1, 1);
      float *dx = zeros(s[0] * s[1]), *scratch = zeros(2 * s[3]);
      Sum *want = memory(s[0] * s[1] * sizeof(Sum));
      kernels->resizeGradient(dy, s[1], rows, columns, s[2], s[3], scratch, dx);
      for (int i = 0; i < s[2] * s[3]; i++) {
        const SKTap r = rows[i / s[3]], c = columns[i % s[3]];
        const double v = r.fraction, u = c.fraction, d = dy[i];
        Sum *low = want + r.low * s[1], *high = want + r.high * s[1];
        addTerm(low + c.low, (1 - v) * (1 - u) * d);
        addTerm(low + c.high, (1 - v) * u * d);
        addTerm(high + c.low, v * (1 - u) * d);
        addTerm(high + c.high, v * u * d);
      }
      // A share is what the other one leaves of the whole: their errors are in proportion to that.
      for (int i = 0; i < s[0] * s[1]; i++) expect(dx[i], want[i].value, want[i].size + 1);
    }
  end();
}

void checkPlanes(void) {
  checkGatherColumns();
  checkScatterColumns();
  checkMaxPool();
  checkMaxPoolGradient();
  checkAveragePool();
  checkAveragePoolGradient();
  checkResize();
  checkResizeArgmax();
  checkResizeGradient();
}
