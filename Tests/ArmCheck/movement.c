#include "check.h"

static void checkTranspose(void) {
  static const int shapes[][2] = {{1, 5}, {5, 1}, {8, 8}, {3, 40}, {17, 23}, {67, 19}, {16, 33}, {130, 9}};
  begin("transpose", 0);
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    const int rows = shapes[k][0], columns = shapes[k][1];
    const size_t strideX = columns + 3, strideY = rows + 2;
    const float *x = randoms(rows * strideX, -1, 1);
    float *y = zeros(columns * strideY);
    kernels->transpose(x, strideX, rows, columns, y, strideY);
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) expectSame(y[j * strideY + i], x[i * strideX + j]);
    for (int j = 0; j < columns; j++) expectSame(y[j * strideY + rows], 0);
  }
  end();
}

enum { LENGTH = 45, ROWS = 3 };
static const ptrdiff_t steps[] = {1, -1, 2, -2, 3};
enum { STEPS = sizeof steps / sizeof *steps };

// Where the first element lies in a row of memory, so that all others do, too.
static ptrdiff_t firstOf(ptrdiff_t step) { return step < 0 ? -step * (LENGTH - 1) : 0; }

static void checkPick(void) {
  begin("pick", 0);
  const size_t row = 3 * LENGTH;
  for (int k = 0; k < STEPS; k++) {
    const float *x = randoms(ROWS * row, -1, 1) + firstOf(steps[k]);
    float *y = zeros(ROWS * LENGTH);
    kernels->pick(x, row, steps[k], y, LENGTH, LENGTH, ROWS);
    for (int r = 0; r < ROWS; r++)
      for (int i = 0; i < LENGTH; i++) expectSame(y[r * LENGTH + i], x[(ptrdiff_t)(r * row) + i * steps[k]]);
  }
  end();
}

static void checkSpread(void) {
  begin("spread", 0);
  const size_t row = 3 * LENGTH;
  for (int k = 0; k < STEPS; k++) {
    const float *x = randoms(ROWS * LENGTH, -1, 1);
    float *y = randoms(ROWS * row, -1, 1), *want = zeros(ROWS * row);
    memcpy(want, y, ROWS * row * sizeof(float));
    kernels->spread(x, LENGTH, steps[k], y + firstOf(steps[k]), row, LENGTH, ROWS);
    for (int r = 0; r < ROWS; r++)
      for (int i = 0; i < LENGTH; i++)
        want[(ptrdiff_t)(r * row) + firstOf(steps[k]) + i * steps[k]] += x[r * LENGTH + i];
    for (size_t i = 0; i < ROWS * row; i++) expectSame(y[i], want[i]);
  }
  end();
}

static void checkTake(void) {
  begin("take", 0);
  for (size_t n = 1; n < 40; n += 19) {
    const size_t step = 40, rows = 5, sources = 9, rowStep = n + 3;
    const float *x = randoms(sources * step, -1, 1);
    const int32_t *indices = labelsBelow(sources, rows * rowStep);
    float *y = zeros(rows * rowStep);
    kernels->take(x, step, indices, rows, rowStep, y, n);
    for (size_t r = 0; r < rows; r++)
      for (size_t i = 0; i < n; i++) expectSame(y[r * rowStep + i], x[indices[r * rowStep + i] * step + i]);
  }
  end();
}

static void checkGive(void) {
  begin("give", 1e-6);
  for (size_t n = 1; n < 40; n += 19) {
    const size_t step = 40, rows = 5, sources = 3, rowStep = n + 3;
    const float *y = randoms(rows * rowStep, -1, 1);
    const int32_t *indices = labelsBelow(sources, rows * rowStep);
    float *x = zeros(sources * step);
    Sum *want = memory(sources * step * sizeof(Sum));
    kernels->give(y, step, indices, rows, rowStep, x, n);
    for (size_t r = 0; r < rows; r++)
      for (size_t i = 0; i < n; i++) addTerm(want + indices[r * rowStep + i] * step + i, y[r * rowStep + i]);
    for (size_t i = 0; i < sources * step; i++) expectSum(x[i], want[i]);
  }
  end();
}

enum { CLASSES = 7, IGNORED = 255, PIXELS = 333 };

static void checkMarkClasses(void) {
  begin("markClasses", 0);
  int32_t *labels = labelsBelow(CLASSES, PIXELS);
  labels[9] = IGNORED;
  float *y = randoms(CLASSES * (PIXELS + 5), 0, 1);
  kernels->markClasses(labels, CLASSES, PIXELS + 5, y, PIXELS);
  for (int c = 0; c < CLASSES; c++)
    for (int i = 0; i < PIXELS; i++) expectSame(y[c * (PIXELS + 5) + i], labels[i] == c);
  end();
}

static void checkHasStranger(void) {
  static const int32_t strangers[] = {CLASSES, -1, 1 << 30};
  begin("hasStranger", 0);
  int32_t *labels = labelsBelow(CLASSES, PIXELS);
  labels[9] = IGNORED;
  expectSame(kernels->hasStranger(labels, PIXELS, CLASSES, IGNORED) != 0, 0);
  for (int k = 0; k < 3; k++) {
    labels[PIXELS - 1 - 70 * k] = strangers[k];
    expectSame(kernels->hasStranger(labels, PIXELS, CLASSES, IGNORED) != 0, 1);
    labels[PIXELS - 1 - 70 * k] = 0;
  }
  end();
}

static void checkCountClasses(void) {
  static const int classes[] = {1, 19, 1500};
  begin("countClasses", 0);
  for (int k = 0; k < 3; k++) {
    int32_t *labels = labelsBelow(classes[k], PIXELS);
    int64_t *counts = memory(classes[k] * sizeof(int64_t)), *want = memory(classes[k] * sizeof(int64_t));
    for (int i = 0; i < 20; i++) labels[below(PIXELS)] = -1;
    kernels->countClasses(labels, PIXELS, classes[k], -1, counts);
    for (int i = 0; i < PIXELS; i++)
      if (labels[i] >= 0) want[labels[i]] += 1;
    for (int c = 0; c < classes[k]; c++) expectSame((double)counts[c], (double)want[c]);
  }
  end();
}

static void checkDropout(void) {
  begin("dropout", 1e-7);
  const float *x = randoms(PIXELS, -1, 1);
  float *y = zeros(PIXELS);
  const uint32_t limit = 5000000;
  kernels->dropout(x, 42, limit, 1.5f, y, PIXELS);
  uint64_t state = 42;
  for (int i = 0; i < PIXELS; i++) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    expectNear(y[i], z >> 40 < limit ? 0 : 1.5 * x[i], 1e-30);
  }
  end();
}

void checkMovement(void) {
  checkTranspose();
  checkPick();
  checkSpread();
  checkTake();
  checkGive();
  checkMarkClasses();
  checkHasStranger();
  checkCountClasses();
  checkDropout();
}
