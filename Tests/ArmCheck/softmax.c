#include "check.h"

// Channels of planes are `step` floats apart, channels of rows lie side by side: the same definitions for both.
static double largest(const float *x, size_t step, int n) {
  double best = -INFINITY;
  for (int i = 0; i < n; i++) best = fmax(best, x[i * step]);
  return best;
}

static double logOfSum(const float *x, size_t step, int n) {
  const double best = largest(x, step, n);
  double sum = 0;
  for (int i = 0; i < n; i++) sum += exp(x[i * step] - best);
  return best + log(sum);
}

static void expectSoftmax(const float *x, const float *y, size_t step, int n) {
  const double log = logOfSum(x, step, n);
  for (int i = 0; i < n; i++) expectNear(y[i * step], exp(x[i * step] - log), 1e-20);
}

static void expectLogSoftmax(const float *x, const float *y, size_t step, int n) {
  const double log = logOfSum(x, step, n);
  for (int i = 0; i < n; i++) expectNear(y[i * step], x[i * step] - log, 1);
}

static void expectSoftmaxGradient(const float *y, const float *dy, const float *dx, size_t step, int n) {
  Sum dot = {0};
  for (int i = 0; i < n; i++) addTerm(&dot, (double)y[i * step] * dy[i * step]);
  for (int i = 0; i < n; i++) {
    const double own = y[i * step], d = dy[i * step];
    expect(dx[i * step], own * (d - dot.value), own * (fabs(d) + dot.size) + 1e-30);
  }
}

static void expectLogSoftmaxGradient(const float *y, const float *dy, const float *dx, size_t step, int n) {
  Sum total = {0};
  for (int i = 0; i < n; i++) addTerm(&total, dy[i * step]);
  for (int i = 0; i < n; i++) {
    const double own = exp(y[i * step]), d = dy[i * step];
    expect(dx[i * step], d - own * total.value, fabs(d) + own * total.size + 1e-30);
  }
}

// The first of the largest; a NaN is larger than all.
static void expectArgmax(const float *x, int32_t y, size_t step, int n) {
  int best = 0;
  for (int i = 1; i < n; i++) {
    const float v = x[i * step], old = x[best * step];
    if (old == old && (v != v || v > old)) best = i;
  }
  expectSame(y, best);
}

enum { CHANNELS = 19, STRIDE = 2400, PIXELS = 2311, ROWS = 5 };

typedef void (*Values)(const float *, const float *, size_t, int);
typedef void (*Slopes)(const float *, const float *, const float *, size_t, int);

static void checkPlanesOf(const char *name, void (*run)(SK_CHANNELS), Values expectValues) {
  begin(name, 2e-6);
  const float *x = randoms(CHANNELS * STRIDE, -8, 8);
  for (size_t n = 1; n <= PIXELS; n += PIXELS / 3) {
    float *y = zeros(CHANNELS * STRIDE);
    run(x, y, CHANNELS, STRIDE, n);
    for (size_t i = 0; i < n; i++) expectValues(x + i, y + i, STRIDE, CHANNELS);
  }
  end();
}

static void checkRowsOf(const char *name, void (*run)(const float *, float *, size_t, size_t), Values expectValues) {
  begin(name, 2e-6);
  for (size_t n = 1; n < 200; n += 33) {
    const float *x = randoms(n * ROWS, -8, 8);
    float *y = zeros(n * ROWS);
    run(x, y, n, ROWS);
    for (int row = 0; row < ROWS; row++) expectValues(x + row * n, y + row * n, 1, (int)n);
  }
  end();
}

// What a softmax, or its logarithm, of some rows could be.
static float *probabilities(size_t rows, size_t rowStep, size_t n, size_t step, size_t count, int isLog) {
  float *y = randoms(count, -4, 4);
  for (size_t row = 0; row < rows; row++) {
    const double log = logOfSum(y + row * rowStep, step, (int)n);
    for (size_t i = 0; i < n; i++) {
      float *own = y + row * rowStep + i * step;
      *own = (float)(isLog ? *own - log : exp(*own - log));
    }
  }
  return y;
}

static void checkPlaneGradientOf(const char *name,
                                 void (*run)(const float *, const float *, float *, int, size_t, size_t),
                                 Slopes expectSlopes, int isLog) {
  begin(name, 2e-6);
  const size_t count = CHANNELS * STRIDE, n = 1111;
  const float *y = probabilities(n, 1, CHANNELS, STRIDE, count, isLog), *dy = randoms(count, -1, 1);
  float *dx = zeros(count);
  run(y, dy, dx, CHANNELS, STRIDE, n);
  for (size_t i = 0; i < n; i++) expectSlopes(y + i, dy + i, dx + i, STRIDE, CHANNELS);
  end();
}

static void checkRowGradientOf(const char *name, void (*run)(const float *, const float *, float *, size_t, size_t),
                               Slopes expectSlopes, int isLog) {
  begin(name, 2e-6);
  for (size_t n = 1; n < 200; n += 33) {
    const float *y = probabilities(ROWS, n, n, 1, n * ROWS, isLog), *dy = randoms(n * ROWS, -1, 1);
    float *dx = zeros(n * ROWS);
    run(y, dy, dx, n, ROWS);
    for (int row = 0; row < ROWS; row++) expectSlopes(y + row * n, dy + row * n, dx + row * n, 1, (int)n);
  }
  end();
}

static void checkArgmax(void) {
  begin("argmax", 0);
  float *x = randoms(CHANNELS * STRIDE, -8, 8);
  for (int i = 0; i < 50; i++) {
    x[3 * STRIDE + i] = x[11 * STRIDE + i] = 9;
    x[below(CHANNELS) * STRIDE + 50 + i] = NAN;
  }
  for (size_t n = 1; n <= PIXELS; n += PIXELS / 3) {
    int32_t *y = integers(n);
    kernels->argmax(x, y, CHANNELS, STRIDE, n);
    for (size_t i = 0; i < n; i++) expectArgmax(x + i, y[i], STRIDE, CHANNELS);
  }
  end();
}

static void checkArgmaxRows(void) {
  begin("argmaxRows", 0);
  for (size_t n = 1; n < 200; n += 33) {
    float *x = randoms(n * ROWS, -8, 8);
    x[n / 2] = NAN;
    int32_t *y = integers(ROWS);
    kernels->argmaxRows(x, y, n, ROWS);
    for (int row = 0; row < ROWS; row++) expectArgmax(x + row * n, y[row], 1, (int)n);
  }
  end();
}

void checkSoftmax(void) {
  checkPlanesOf("softmax", kernels->softmax, expectSoftmax);
  checkPlanesOf("logSoftmax", kernels->logSoftmax, expectLogSoftmax);
  checkPlaneGradientOf("softmaxGradient", kernels->softmaxGradient, expectSoftmaxGradient, 0);
  checkPlaneGradientOf("logSoftmaxGradient", kernels->logSoftmaxGradient, expectLogSoftmaxGradient, 1);
  checkArgmax();
  checkRowsOf("softmaxRows", kernels->softmaxRows, expectSoftmax);
  checkRowsOf("logSoftmaxRows", kernels->logSoftmaxRows, expectLogSoftmax);
  checkRowGradientOf("softmaxGradientRows", kernels->softmaxGradientRows, expectSoftmaxGradient, 0);
  checkRowGradientOf("logSoftmaxGradientRows", kernels->logSoftmaxGradientRows, expectLogSoftmaxGradient, 1);
  checkArgmaxRows();
}
