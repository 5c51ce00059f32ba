#include "check.h"

enum { CLASSES = 11, STRIDE = 320, PIXELS = 301, IGNORED = 255 };

// A cross entropy of one pixel and its slopes, by the definition: one without focusing, or one without smoothing.
static void expectCrossEntropy(const SKEntropy *p, const float *x, int32_t label, double loss, const float *dx) {
  if (label == p->ignored) {
    expectSame(loss, 0);
    for (int c = 0; dx && c < CLASSES; c++) expectSame(dx[c * STRIDE], 0);
    return;
  }
  double best = -INFINITY, sum = 0, a[CLASSES], logs[CLASSES], total = 0;
  for (int c = 0; c < CLASSES; c++) best = fmax(best, x[c * STRIDE]);
  for (int c = 0; c < CLASSES; c++) sum += exp(x[c * STRIDE] - best);
  Sum entropy = {0};
  for (int c = 0; c < CLASSES; c++) {
    logs[c] = x[c * STRIDE] - best - log(sum);
    a[c] = ((1 - (double)p->smoothing) * (c == label) + (double)p->smoothing / CLASSES) * p->weights[c];
    total += a[c];
    addTerm(&entropy, -a[c] * logs[c]);
  }
  const double own = exp(logs[label]), focus = pow(1 - own, p->focusing);
  expect(loss, focus * entropy.value, focus * entropy.size + 1e-2);
  // By log p of the label, which the focus depends on too.
  const double pull = focus - p->focusing * pow(1 - own, p->focusing - 1.0) * own * logs[label];
  for (int c = 0; dx && c < CLASSES; c++) {
    const double slope = p->reach * pull * (total * exp(logs[c]) - a[c]);
    expect(dx[c * STRIDE], slope, p->reach * (1 + fabs(pull)) * (total * exp(logs[c]) + a[c]) + 1e-6);
  }
}

static void checkCrossEntropy(void) {
  static const float kinds[][2] = {{0, 0}, {0.1f, 0}, {0, 2}, {0, 0.5f}};
  begin("crossEntropy", 5e-6);
  const float *x = randoms(CLASSES * STRIDE, -5, 5), *weights = randoms(CLASSES, 0.5, 2);
  int32_t *labels = labelsBelow(CLASSES, PIXELS);
  for (int i = 0; i < 20; i++) labels[below(PIXELS)] = IGNORED;
  float sum = 0;
  for (int c = 0; c < CLASSES; c++) sum += weights[c];
  for (int kind = 0; kind < 4; kind++)
    for (int hasSlopes = 0; hasSlopes < 2; hasSlopes++) {
      const SKEntropy p = {weights, sum, kinds[kind][0], kinds[kind][1], 0.25f, IGNORED};
      float *losses = zeros(PIXELS), *dx = hasSlopes ? zeros(CLASSES * STRIDE) : NULL;
      kernels->crossEntropy(&p, x, labels, losses, dx, CLASSES, STRIDE, PIXELS);
      for (int i = 0; i < PIXELS; i++) expectCrossEntropy(&p, x + i, labels[i], losses[i], dx ? dx + i : NULL);
    }
  end();
}

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static void checkBinaryCrossEntropy(void) {
  begin("binaryCrossEntropy", 1e-6);
  const size_t n = 611;
  const float reach = 0.25f, *x = randoms(n, -12, 12), *t = randoms(n, 0, 1);
  for (int strides = 0; strides < 4; strides++) {
    const ptrdiff_t strideW = strides & 1, strideP = strides >> 1;
    const float *w = randoms(n, 0.5, 2), *p = randoms(n, 0.5, 4);
    float *losses = zeros(n), *dx = zeros(n);
    const double got = kernels->binaryCrossEntropy(x, t, w, strideW, p, strideP, reach, losses, dx, n);
    expectSame(kernels->binaryCrossEntropy(x, t, w, strideW, p, strideP, reach, NULL, NULL, n), got);
    Sum total = {0};
    for (size_t i = 0; i < n; i++) {
      const double weight = w[i * strideW], yes = (double)p[i * strideP] * t[i], no = 1 - (double)t[i];
      const double loss = weight * (yes * softplus(-x[i]) + no * softplus(x[i]));
      const double up = no / (1 + exp(-x[i])), down = yes / (1 + exp(x[i]));
      expectNear(losses[i], loss, 1e-30);
      expect(dx[i], reach * weight * (up - down), reach * weight * (up + down));
      addTerm(&total, loss);
    }
    expectSum(got, total);
  }
  end();
}

static void checkRegressionLoss(void) {
  begin("regressionLoss", 1e-6);
  const size_t n = 611;
  const double beta = 0.75, reach = 0.25;
  float *x = randoms(n, -2, 2);
  const float *t = randoms(n, -2, 2);
  x[7] = t[7];
  for (int kind = SK_LOSS_L1; kind <= SK_LOSS_SMOOTH; kind++) {
    float *losses = zeros(n), *dx = zeros(n);
    const double got = kernels->regressionLoss(x, t, kind, (float)beta, (float)reach, losses, dx, n);
    expectSame(kernels->regressionLoss(x, t, kind, (float)beta, (float)reach, NULL, NULL, n), got);
    Sum total = {0};
    for (size_t i = 0; i < n; i++) {
      const double d = (double)x[i] - t[i], sign = d > 0 ? 1 : (d < 0 ? -1 : 0);
      const int isNear = fabs(d) < beta;
      const double losses3[] = {fabs(d), d * d, isNear ? d * d / (2 * beta) : fabs(d) - beta / 2};
      const double slopes3[] = {sign, 2 * d, isNear ? d / beta : sign};
      expectNear(losses[i], losses3[kind], 1e-30);
      expectNear(dx[i], reach * slopes3[kind], 1e-30);
      addTerm(&total, losses3[kind]);
    }
    expectSum(got, total);
  }
  end();
}

void checkLosses(void) {
  checkCrossEntropy();
  checkBinaryCrossEntropy();
  checkRegressionLoss();
}
