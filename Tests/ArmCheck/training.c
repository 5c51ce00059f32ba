// Batch normalisation in channel blocks, and optimizers.
#include "check.h"

enum { PIXELS = 77 };

static void checkMomentsOfBlock(void) {
  begin("momentsOfBlock", 1e-14);
  const int block = kernels->channelBlock();
  const float *x = randoms(PIXELS * block, 97, 103), *origin = randoms(block, 99, 101);
  double *sums = memory(2 * block * sizeof(double));
  for (int i = 0; i < 2 * block; i++) sums[i] = i;
  kernels->momentsOfBlock(x, origin, PIXELS, sums);
  for (int lane = 0; lane < block; lane++) {
    Sum first = {0}, second = {0};
    addTerm(&first, lane);
    addTerm(&second, block + lane);
    for (int i = 0; i < PIXELS; i++) {
      const double d = (double)x[i * block + lane] - origin[lane];
      addTerm(&first, d);
      addTerm(&second, d * d);
    }
    expectSum(sums[lane], first);
    expectSum(sums[block + lane], second);
  }
  end();
}

// A normalisation of one block, with data of which no result lies at the rectifier's edge.
typedef struct Norm {
  SKBlockNorm norm;
  float *x, *addend, *dy;
} Norm;

static double productAt(const Norm *n, int i) {
  const int lane = i % kernels->channelBlock();
  return ((double)n->x[i] - n->norm.mean[lane]) * n->norm.scale[lane];
}

static double valueAt(const Norm *n, int i) { return productAt(n, i) + n->norm.shift[i % kernels->channelBlock()]; }

static Norm someNorm(int rectifies) {
  const int block = kernels->channelBlock();
  Norm n = {{randoms(block, 99, 101), randoms(block, 0.5, 2), randoms(block, -1, 1), rectifies}, NULL, NULL, NULL};
  n.x = randoms(PIXELS * block, 97, 103);
  n.addend = randoms(PIXELS * block, -1, 1);
  n.dy = randoms(PIXELS * block, -1, 1);
  for (int i = 0; i < PIXELS * block; i++)
    while (fabs(valueAt(&n, i)) < 1e-3) n.x[i] = (float)uniform(97, 103);
  return n;
}

static void checkNormalizeBlock(void) {
  begin("normalizeBlock", 3e-7);
  const int block = kernels->channelBlock();
  for (int kind = 0; kind < 4; kind++) {
    const int rectifies = kind & 1, hasAddend = kind >> 1;
    const Norm n = someNorm(rectifies);
    float *y = zeros(PIXELS * block);
    kernels->normalizeBlock(&n.norm, n.x, hasAddend ? n.addend : NULL, y, PIXELS);
    for (int i = 0; i < PIXELS * block; i++) {
      Sum want = {0};
      addTerm(&want, productAt(&n, i));
      addTerm(&want, n.norm.shift[i % block]);
      if (hasAddend) addTerm(&want, n.addend[i]);
      if (rectifies && want.value < 0) want.value = 0;
      expectSum(y[i], want);
    }
  }
  end();
}

// The gradient that passes the rectifier, whose result is given or is worked out once more.
static double passedAt(const Norm *n, int i) { return !n->norm.rectifies || valueAt(n, i) > 0 ? n->dy[i] : 0; }

static float *resultOf(const Norm *n) {
  const int count = PIXELS * kernels->channelBlock();
  float *y = zeros(count);
  for (int i = 0; i < count; i++) y[i] = (float)fmax(0, valueAt(n, i));
  return y;
}

static void checkBlockGradientSums(void) {
  begin("blockGradientSums", 1e-6);
  const int block = kernels->channelBlock();
  for (int kind = 0; kind < 4; kind++) {
    const Norm n = someNorm(kind & 1);
    double *sums = memory(2 * block * sizeof(double));
    kernels->blockGradientSums(&n.norm, n.x, kind >> 1 ? resultOf(&n) : NULL, n.dy, PIXELS, sums);
    for (int lane = 0; lane < block; lane++) {
      Sum first = {0}, second = {0};
      for (int i = lane; i < PIXELS * block; i += block) {
        addTerm(&first, passedAt(&n, i));
        addTerm(&second, passedAt(&n, i) * ((double)n.x[i] - n.norm.mean[lane]));
      }
      expectSum(sums[lane], first);
      expectSum(sums[block + lane], second);
    }
  }
  end();
}

static void checkBlockGradient(void) {
  begin("blockGradient", 3e-7);
  const int block = kernels->channelBlock();
  for (int kind = 0; kind < 4; kind++) {
    const Norm n = someNorm(kind & 1);
    const float *factors = randoms(3 * block, -1, 1);
    float *dx = zeros(PIXELS * block), *dAddend = kind & 1 ? zeros(PIXELS * block) : NULL;
    kernels->blockGradient(&n.norm, factors, n.x, kind >> 1 ? resultOf(&n) : NULL, n.dy, dx, dAddend, PIXELS);
    for (int i = 0; i < PIXELS * block; i++) {
      const int lane = i % block;
      Sum want = {0};
      addTerm(&want, factors[lane] * passedAt(&n, i));
      addTerm(&want, factors[block + lane] * ((double)n.x[i] - n.norm.mean[lane]));
      addTerm(&want, factors[2 * block + lane]);
      expectSum(dx[i], want);
      if (dAddend) expectSame(dAddend[i], passedAt(&n, i));
    }
  }
  end();
}

void checkNormalization(void) {
  checkMomentsOfBlock();
  checkNormalizeBlock();
  checkBlockGradientSums();
  checkBlockGradient();
}

enum { PARAMETERS = 103 };

static void checkSGDStep(void) {
  begin("sgdStep", 5e-7);
  const float rate = 0.1f, momentum = 0.9f, decay = 1e-3f;
  for (int nesterov = 0; nesterov < 2; nesterov++) {
    const float *p = randoms(PARAMETERS, -1, 1), *v = randoms(PARAMETERS, -1, 1), *g = randoms(PARAMETERS, -1, 1);
    float *newP = zeros(PARAMETERS), *newV = zeros(PARAMETERS);
    memcpy(newP, p, PARAMETERS * sizeof(float));
    memcpy(newV, v, PARAMETERS * sizeof(float));
    kernels->sgdStep(newP, newV, g, rate, momentum, decay, nesterov, PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++) {
      const double d = g[i] + (double)decay * p[i], velocity = (double)momentum * v[i] + d;
      expect(newV[i], velocity, fabs(d) + fabs(v[i]));
      expect(newP[i], p[i] - rate * (nesterov ? d + momentum * velocity : velocity), fabs(p[i]) + fabs(d) + fabs(v[i]));
    }
  }
  end();
}

static void checkAdamStep(void) {
  begin("adamStep", 5e-7);
  const float rate = 0.01f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, decay = 0.01f;
  const float correction1 = 0.271f, correction2 = 0.002997f;
  const float *p = randoms(PARAMETERS, -1, 1), *g = randoms(PARAMETERS, -1, 1);
  const float *m = randoms(PARAMETERS, -1, 1), *v = randoms(PARAMETERS, 0.01, 1);
  float *newP = zeros(PARAMETERS), *newM = zeros(PARAMETERS), *newV = zeros(PARAMETERS);
  memcpy(newP, p, PARAMETERS * sizeof(float));
  memcpy(newM, m, PARAMETERS * sizeof(float));
  memcpy(newV, v, PARAMETERS * sizeof(float));
  kernels->adamStep(newP, newM, newV, g, rate, beta1, beta2, epsilon, decay, correction1, correction2, PARAMETERS);
  for (int i = 0; i < PARAMETERS; i++) {
    const double first = (double)beta1 * m[i] + (1 - (double)beta1) * g[i];
    const double second = (double)beta2 * v[i] + (1 - (double)beta2) * g[i] * g[i];
    const double update = rate * (first / correction1) / (sqrt(second / correction2) + epsilon);
    expect(newM[i], first, fabs(m[i]) + fabs(g[i]));
    expectNear(newV[i], second, 1e-30);
    expect(newP[i], p[i] * (1 - (double)rate * decay) - update, fabs(p[i]) + fabs(update));
  }
  end();
}

void checkOptimizers(void) {
  checkSGDStep();
  checkAdamStep();
}
