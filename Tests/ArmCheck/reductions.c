#include "check.h"

static const size_t sizes[] = {1, 15, 67, 1003};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void checkSum(void) {
  begin("sum", 1e-14);
  for (int k = 0; k < SIZES; k++) {
    const float *x = randoms(sizes[k], -3, 3);
    Sum want = {0};
    for (size_t i = 0; i < sizes[k]; i++) addTerm(&want, x[i]);
    expectSum(kernels->sum(x, sizes[k]), want);
  }
  end();
}

static void checkSumOfSquaredDeviations(void) {
  begin("sumOfSquaredDeviations", 1e-14);
  for (int k = 0; k < SIZES; k++) {
    const float *x = randoms(sizes[k], 97, 103);
    Sum want = {0};
    for (size_t i = 0; i < sizes[k]; i++) addTerm(&want, (x[i] - 100.1) * (x[i] - 100.1));
    expectSum(kernels->sumOfSquaredDeviations(x, 100.1, sizes[k]), want);
  }
  end();
}

static void checkCentredDot(void) {
  begin("centredDot", 1e-14);
  for (int k = 0; k < SIZES; k++) {
    const float *x = randoms(sizes[k], 97, 103), *y = randoms(sizes[k], -1, 1);
    Sum want = {0};
    for (size_t i = 0; i < sizes[k]; i++) addTerm(&want, (x[i] - 100.1) * y[i]);
    expectSum(kernels->centredDot(x, 100.1, y, sizes[k]), want);
  }
  end();
}

static void checkMaximum(void) {
  begin("maximum", 0);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, -1);
    double want = -INFINITY;
    for (size_t i = 0; i < n; i++) want = x[i] > want ? x[i] : want;
    expectSame(kernels->maximum(x, n), want);
    x[n / 2] = NAN;
    expectSame(kernels->maximum(x, n), NAN);
  }
  end();
}

static void checkMaximumInto(void) {
  begin("maximumInto", 0);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, 3), *y = randoms(n, -3, 3), *old = zeros(n);
    if (n > 8) x[1] = NAN, y[2] = NAN;
    memcpy(old, y, n * sizeof(float));
    kernels->maximumInto(x, y, n);
    for (size_t i = 0; i < n; i++) expectSame(y[i], x[i] != x[i] || old[i] != old[i] ? NAN : fmax(x[i], old[i]));
  }
  end();
}

static void checkCumulate(void) {
  begin("cumulate", 1e-7);
  const int extent = 9;
  const size_t stride = 700, n = 613;
  const float *x = randoms(extent * stride, -3, 3);
  for (int reversed = 0; reversed < 2; reversed++) {
    float *y = zeros(extent * stride);
    kernels->cumulate(x, y, extent, stride, reversed, n);
    for (size_t i = 0; i < n; i++) {
      Sum want = {0};
      for (int step = 0; step < extent; step++) {
        const size_t place = (reversed ? extent - 1 - step : step) * stride + i;
        addTerm(&want, x[place]);
        expectSum(y[place], want);
      }
    }
  }
  end();
}

static void checkCumulateRows(void) {
  begin("cumulateRows", 1e-7);
  const size_t n = 37, rows = 7;
  const float *x = randoms(n * rows, -3, 3);
  for (int reversed = 0; reversed < 2; reversed++) {
    float *y = zeros(n * rows);
    kernels->cumulateRows(x, y, n, reversed, rows);
    for (size_t row = 0; row < rows; row++) {
      Sum want = {0};
      for (size_t step = 0; step < n; step++) {
        const size_t place = row * n + (reversed ? n - 1 - step : step);
        addTerm(&want, x[place]);
        expectSum(y[place], want);
      }
    }
  }
  end();
}

static void checkTileMaxima(void) {
  begin("tileMaxima", 0);
  const size_t stride = 50;
  for (int rows = 1; rows < 11; rows += 3)
    for (size_t n = 1; n < 50; n += 12) {
      const float *x = randoms(rows * stride, -3, 3);
      float *row = randoms(rows, 2, 3), *column = randoms(n, 0, 3), *oldRow = zeros(rows), *oldColumn = zeros(n);
      memcpy(oldRow, row, rows * sizeof(float));
      memcpy(oldColumn, column, n * sizeof(float));
      kernels->tileMaxima(x, stride, rows, n, row, column);
      for (int r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
          oldRow[r] = fmaxf(oldRow[r], x[r * stride + i]);
          oldColumn[i] = fmaxf(oldColumn[i], x[r * stride + i]);
        }
      for (int r = 0; r < rows; r++) expectSame(row[r], oldRow[r]);
      for (size_t i = 0; i < n; i++) expectSame(column[i], oldColumn[i]);
    }
  end();
}

static void checkNormalize(void) {
  begin("normalize", 2e-7);
  for (int k = 0; k < SIZES; k++) {
    const float *x = randoms(sizes[k], 97, 103);
    float *y = zeros(sizes[k]);
    kernels->normalize(x, 100.1f, 0.7f, -0.3f, y, sizes[k]);
    for (size_t i = 0; i < sizes[k]; i++) {
      const double product = ((double)x[i] - 100.1f) * 0.7f;
      expect(y[i], product - 0.3f, fabs(product) + 0.3);
    }
  }
  end();
}

static void checkNormalizeGradient(void) {
  begin("normalizeGradient", 3e-7);
  for (int k = 0; k < SIZES; k++) {
    const float *x = randoms(sizes[k], 97, 103), *dy = randoms(sizes[k], -1, 1);
    float *dx = zeros(sizes[k]);
    kernels->normalizeGradient(x, dy, 100.1f, 0.7f, 0.2f, -0.3f, dx, sizes[k]);
    for (size_t i = 0; i < sizes[k]; i++) {
      Sum want = {0};
      addTerm(&want, (double)0.7f * dy[i]);
      addTerm(&want, 0.2f * ((double)x[i] - 100.1f));
      addTerm(&want, -0.3f);
      expectSum(dx[i], want);
    }
  }
  end();
}

void checkReductions(void) {
  checkSum();
  checkSumOfSquaredDeviations();
  checkCentredDot();
  checkMaximum();
  checkMaximumInto();
  checkCumulate();
  checkCumulateRows();
  checkTileMaxima();
  checkNormalize();
  checkNormalizeGradient();
}
