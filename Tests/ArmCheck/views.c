#include "check.h"

enum { CHANNELS = 2, HEIGHT = 7, WIDTH = 21, AREA = HEIGHT * WIDTH };

// How far apart two points are at which a slope is measured: errors of about 1e-10.
static const double STEP = 1e-5;

static int mirrored(int place, int extent) {
  return place < 0 ? -place : place >= extent ? 2 * extent - 2 - place : place;
}

// The error of a pixel, by the definition.
static double errorAt(const SKPhotometric *p, const double *x, const double *y, int row, int column) {
  double sum = 0;
  for (int c = 0; c < p->channels; c++, x += AREA, y += AREA) {
    double a[9], b[9], ma = 0, mb = 0, va = 0, vb = 0, vab = 0;
    for (int k = 0; k < 9; k++) {
      const int i = mirrored(row + k / 3 - 1, HEIGHT), j = mirrored(column + k % 3 - 1, WIDTH);
      a[k] = x[i * WIDTH + j], b[k] = y[i * WIDTH + j];
      ma += a[k] / 9, mb += b[k] / 9;
    }
    for (int k = 0; k < 9; k++) {
      va += (a[k] - ma) * (a[k] - ma) / 9;
      vb += (b[k] - mb) * (b[k] - mb) / 9;
      vab += (a[k] - ma) * (b[k] - mb) / 9;
    }
    const double likeness =
        (2 * ma * mb + 1e-4) * (2 * vab + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4));
    sum += p->structure * fmin(fmax((1 - likeness) / 2, 0), 1) + (1 - p->structure) * fabs(a[4] - b[4]);
  }
  return sum / p->channels;
}

static double *widened(const float *x, size_t n) {
  double *wide = memory(n * sizeof(double));
  for (size_t i = 0; i < n; i++) wide[i] = x[i];
  return wide;
}

static double sumOfErrors(const SKPhotometric *p, const double *x, const double *y, const float *weights) {
  double sum = 0;
  for (int i = 0; i < AREA; i++) sum += weights[i] * errorAt(p, x, y, i / WIDTH, i % WIDTH);
  return sum;
}

static void checkPhotometric(void) {
  const SKPhotometric p = {CHANNELS, HEIGHT, WIDTH, 0.85f};
  begin("photometricError", 2e-6);
  float *x = randoms(CHANNELS * AREA, 0, 1), *y = randoms(CHANNELS * AREA, 0, 1);
  float *error = zeros(AREA), *scratch = zeros(kernels->photometricScratch(&p));
  double *wideX = widened(x, CHANNELS * AREA), *wideY = widened(y, CHANNELS * AREA);
  // In two bands, as several threads would.
  kernels->photometricError(&p, x, y, 0, 3, error, scratch);
  kernels->photometricError(&p, x, y, 3, HEIGHT, error, scratch);
  for (int i = 0; i < AREA; i++) expect(error[i], errorAt(&p, wideX, wideY, i / WIDTH, i % WIDTH), 1);
  end();

  begin("photometricSlopes", 5e-6);
  x = randoms(CHANNELS * AREA, 0, 1), y = randoms(CHANNELS * AREA, 0, 1);
  scratch = zeros(kernels->photometricScratch(&p));
  const float *dError = randoms(AREA, -1, 1);
  float *dx = zeros(CHANNELS * AREA), *dy = zeros(CHANNELS * AREA);
  kernels->photometricSlopes(&p, x, y, dError, 0, 3, dx, dy, scratch);
  kernels->photometricSlopes(&p, x, y, dError, 3, HEIGHT, dx, dy, scratch);
  double *sides[2] = {widened(x, CHANNELS * AREA), widened(y, CHANNELS * AREA)};
  for (int side = 0; side < 2; side++)
    for (int i = 0; i < CHANNELS * AREA; i++) {
      double *own = sides[side] + i, value = *own;
      *own = value + STEP;
      const double above = sumOfErrors(&p, sides[0], sides[1], dError);
      *own = value - STEP;
      const double below = sumOfErrors(&p, sides[0], sides[1], dError);
      *own = value;
      expect((side ? dy : dx)[i], (above - below) / (2 * STEP), 10);
    }
  float *alone = zeros(CHANNELS * AREA);
  kernels->photometricSlopes(&p, x, y, dError, 0, HEIGHT, NULL, alone, scratch);
  for (int i = 0; i < CHANNELS * AREA; i++) expectSame(alone[i], dy[i]);
  end();
}

// A column or a row of the grid for a pixel of a depth, by the definition; motion: R and t.
static double placeAt(const SKView *c, const double *motion, double depth, int row, int column, int axis) {
  const double point[3] = {depth * (column - (double)c->cx) / c->fx, depth * (row - (double)c->cy) / c->fy, depth};
  double moved[3];
  for (int i = 0; i < 3; i++) {
    moved[i] = motion[9 + i];
    for (int k = 0; k < 3; k++) moved[i] += motion[3 * i + k] * point[k];
  }
  const double focal = axis ? c->fy : c->fx, centre = axis ? c->cy : c->cx, extent = axis ? HEIGHT : WIDTH;
  return (moved[axis] / fmax(moved[2], 1e-3) * focal + centre) * 2 / (extent - 1) - 1;
}

static double sumOfPlaces(const SKView *c, const double *motion, const double *depth, const float *weights) {
  double sum = 0;
  for (int i = 0; i < 2 * AREA; i++)
    sum += weights[i] * placeAt(c, motion, depth[i / 2], i / 2 / WIDTH, i / 2 % WIDTH, i % 2);
  return sum;
}

// The sum's slope by one of its depths or the motion's numbers.
static double slopeOfPlaces(double *own, const SKView *c, const double *motion, const double *depth,
                            const float *weights) {
  const double value = *own;
  *own = value + STEP;
  const double above = sumOfPlaces(c, motion, depth, weights);
  *own = value - STEP;
  const double below = sumOfPlaces(c, motion, depth, weights);
  *own = value;
  return (above - below) / (2 * STEP);
}

static SKView randomView(void) {
  SKView c = {HEIGHT, WIDTH, 12, 13, 9.5f, 3.25f, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {0}};
  for (int i = 0; i < 9; i++) c.rotation[i] += (float)uniform(-0.02, 0.02);
  for (int i = 0; i < 3; i++) c.translation[i] = (float)uniform(-0.3, 0.3);
  return c;
}

static double *motionOf(const SKView *c) {
  double *motion = memory(12 * sizeof(double));
  for (int i = 0; i < 12; i++) motion[i] = i < 9 ? c->rotation[i] : c->translation[i - 9];
  return motion;
}

static void checkPlaces(void) {
  begin("viewPlaces", 2e-6);
  SKView c = randomView();
  const double *motion = motionOf(&c);
  float *depth = randoms(AREA, 2, 8), *grid = zeros(2 * AREA);
  kernels->viewPlaces(&c, depth, 0, 3, grid);
  kernels->viewPlaces(&c, depth, 3, HEIGHT, grid);
  for (int i = 0; i < 2 * AREA; i++)
    expectNear(grid[i], placeAt(&c, motion, depth[i / 2], i / 2 / WIDTH, i / 2 % WIDTH, i % 2), 1);
  // Behind the camera: the place is where a point just ahead of it would be, and does not change with the depth ahead.
  c.translation[2] = -20;
  const double *behind = motionOf(&c);
  kernels->viewPlaces(&c, depth, 0, HEIGHT, grid);
  for (int i = 0; i < 2 * AREA; i++)
    expectNear(grid[i], placeAt(&c, behind, depth[i / 2], i / 2 / WIDTH, i / 2 % WIDTH, i % 2), 1e4);
  end();

  begin("viewSlopes", 2e-6);
  c = randomView();
  double *moving = motionOf(&c);
  depth = randoms(AREA, 2, 8);
  const float *dGrid = randoms(2 * AREA, -1, 1);
  float *dDepth = zeros(AREA), *scratch = zeros(3 * WIDTH);
  double *dMotion = memory(12 * sizeof(double)), *wide = widened(depth, AREA);
  kernels->viewSlopes(&c, depth, dGrid, 0, 3, dDepth, dMotion, scratch);
  kernels->viewSlopes(&c, depth, dGrid, 3, HEIGHT, dDepth, dMotion, scratch);
  for (int i = 0; i < AREA; i++) expect(dDepth[i], slopeOfPlaces(wide + i, &c, moving, wide, dGrid), 1);
  // Sums over all pixels.
  for (int i = 0; i < 12; i++) expect(dMotion[i], slopeOfPlaces(moving + i, &c, moving, wide, dGrid), AREA);
  float *alone = zeros(AREA);
  kernels->viewSlopes(&c, depth, dGrid, 0, HEIGHT, alone, NULL, scratch);
  for (int i = 0; i < AREA; i++) expectSame(alone[i], dDepth[i]);
  end();
}

void checkViews(void) {
  checkPhotometric();
  checkPlaces();
}
