#include "check.h"

#include <float.h>

static const size_t sizes[] = {1, 7, 31, 67, 1003};
enum { SIZES = sizeof sizes / sizeof *sizes };

typedef struct Binary {
  const char *name;
  void (*run)(SK_BINARY);
  double (*reference)(double, double);
  double tolerance;
} Binary;

static double sumOf(double a, double b) { return a + b; }
static double differenceOf(double a, double b) { return a - b; }
static double productOf(double a, double b) { return a * b; }
static double quotientOf(double a, double b) { return a / b; }
static double smallerOf(double a, double b) { return a != a || b != b ? NAN : (a < b ? a : b); }
static double largerOf(double a, double b) { return a != a || b != b ? NAN : (a > b ? a : b); }

// Both operands advance, or one repeats, or both do.
static void checkBinary(const Binary *b) {
  begin(b->name, b->tolerance);
  for (int strides = 0; strides < 4; strides++)
    for (int k = 0; k < SIZES; k++) {
      const size_t n = sizes[k];
      const ptrdiff_t strideA = strides & 1, strideB = strides >> 1;
      float *u = randoms(n, -3, 3), *v = randoms(n, -3, 3), *y = zeros(n);
      if (n > 8) u[3] = NAN, v[5] = NAN, u[6] = v[6];
      b->run(u, strideA, v, strideB, y, n);
      for (size_t i = 0; i < n; i++) expectNear(y[i], b->reference(u[i * strideA], v[i * strideB]), 1e-30);
    }
  end();
}

static void checkBinaries(void) {
  const Binary all[] = {
      {"add", kernels->add, sumOf, 1e-7},
      {"subtract", kernels->subtract, differenceOf, 1e-7},
      {"multiply", kernels->multiply, productOf, 1e-7},
      {"divide", kernels->divide, quotientOf, 2e-7},
      {"minimumOf", kernels->minimumOf, smallerOf, 0},
      {"maximumOf", kernels->maximumOf, largerOf, 0},
      {"arcTangent2", kernels->arcTangent2, atan2, 2e-7},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) checkBinary(all + i);
}

typedef struct BinaryGradient {
  const char *name;
  void (*run)(SK_BINARY_GRADIENT);
  double (*reference)(double, double, double);
} BinaryGradient;

static double divisorGradient(double a, double b, double d) { return -d * a / (b * b); }
static double largerGradient(double a, double b, double d) { return a > b ? d : (a < b ? 0 : d / 2); }
static double ordinateGradient(double a, double b, double d) { return d * b / (a * a + b * b); }
static double abscissaGradient(double a, double b, double d) { return -d * a / (a * a + b * b); }

static void checkBinaryGradient(const BinaryGradient *b) {
  begin(b->name, 5e-7);
  for (int strides = 0; strides < 4; strides++)
    for (int k = 0; k < SIZES; k++) {
      const size_t n = sizes[k];
      const ptrdiff_t strideA = strides & 1, strideB = strides >> 1;
      float *u = randoms(n, -3, 3), *v = randoms(n, -3, 3), *dy = randoms(n, -1, 1), *dx = zeros(n);
      if (n > 8) u[6] = v[6];
      b->run(u, strideA, v, strideB, dy, dx, n);
      for (size_t i = 0; i < n; i++) expectNear(dx[i], b->reference(u[i * strideA], v[i * strideB], dy[i]), 1e-30);
    }
  end();
}

static void checkBinaryGradients(void) {
  const BinaryGradient all[] = {
      {"divisorGradient", kernels->divisorGradient, divisorGradient},
      {"largerGradient", kernels->largerGradient, largerGradient},
      {"ordinateGradient", kernels->ordinateGradient, ordinateGradient},
      {"abscissaGradient", kernels->abscissaGradient, abscissaGradient},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) checkBinaryGradient(all + i);
}

// Errors are relative; results below `least` count as that.
typedef struct Unary {
  const char *name;
  void (*run)(SK_UNARY);
  double (*reference)(double);
  double low, high, least, tolerance;
} Unary;

static double minus(double x) { return -x; }
static double squared(double x) { return x * x; }
static double inverse(double x) { return 1 / x; }
static double positive(double x) { return x < 0 ? 0 : x; }
static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double gelu(double x) { return x * 0.5 * erfc(-x / sqrt(2)); }

static void checkUnary(const Unary *u) {
  static const float special[] = {0, -0.0f, 1, -1, 0.5f, -0.5f, 100, -100, INFINITY, -INFINITY, NAN};
  enum { SPECIAL = sizeof special / sizeof *special };
  begin(u->name, u->tolerance);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, u->low, u->high), *y = zeros(n);
    for (int i = 0; n > SPECIAL && i < SPECIAL; i++) x[i] = special[i];
    u->run(x, y, n);
    for (size_t i = 0; i < n; i++) {
      const double want = u->reference(x[i]);
      expectNear(y[i], want > FLT_MAX ? INFINITY : want, u->least);
    }
  }
  end();
}

static void checkUnaries(void) {
  const Unary all[] = {
      {"negate", kernels->negate, minus, -4, 4, 0, 0},
      {"absolute", kernels->absolute, fabs, -4, 4, 0, 0},
      {"square", kernels->square, squared, -4, 4, 1e-30, 1e-7},
      {"squareRoot", kernels->squareRoot, sqrt, 0, 100, 1e-30, 2e-7},
      {"reciprocal", kernels->reciprocal, inverse, -4, 4, 1e-30, 2e-7},
      {"exponential", kernels->exponential, exp, -88, 88.7, 1e-30, 3e-7},
      {"logarithm", kernels->logarithm, log, 0, 50, 1e-30, 3e-7},
      {"relu", kernels->relu, positive, -4, 4, 0, 0},
      {"sigmoid", kernels->sigmoid, logistic, -30, 30, 1e-30, 5e-7},
      {"hyperbolicTangent", kernels->hyperbolicTangent, tanh, -5, 5, 1e-30, 5e-7},
      {"softplus", kernels->softplus, softplus, -30, 30, 1e-30, 5e-7},
      {"gelu", kernels->gelu, gelu, -6, 6, 0.1, 5e-7},
      {"errorFunction", kernels->errorFunction, erf, -4, 4, 1e-30, 5e-7},
      {"sine", kernels->sine, sin, -9000, 9000, 1, 2e-7},
      {"cosine", kernels->cosine, cos, -9000, 9000, 1, 2e-7},
      {"arcCosine", kernels->arcCosine, acos, -1, 1, 1e-30, 5e-7},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) checkUnary(all + i);
}

// The gradient by what the operation kept: its input, or its output.
typedef struct UnaryGradient {
  const char *name;
  void (*run)(SK_UNARY_GRADIENT);
  double (*reference)(double);
  double low, high, least;
} UnaryGradient;

static double absoluteSlope(double x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }
static double squareSlope(double x) { return 2 * x; }
static double squareRootSlope(double y) { return 0.5 / y; }
static double reciprocalSlope(double y) { return -y * y; }
static double reluSlope(double y) { return y > 0 ? 1 : 0; }
static double sigmoidSlope(double y) { return y * (1 - y); }
static double tanhSlope(double y) { return 1 - y * y; }
static double geluSlope(double x) { return 0.5 * erfc(-x / sqrt(2)) + x * exp(-0.5 * x * x) / sqrt(2 * M_PI); }
static double erfSlope(double x) { return 2 / sqrt(M_PI) * exp(-x * x); }
static double cosineSlope(double x) { return -sin(x); }
static double arcCosineSlope(double x) { return -1 / sqrt((1 - x) * (1 + x)); }

static void checkUnaryGradient(const UnaryGradient *u) {
  begin(u->name, 1e-6);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *kept = randoms(n, u->low, u->high), *dy = randoms(n, -1, 1), *dx = zeros(n);
    if (n > 8) kept[3] = u->low < 0 ? 0 : kept[3];
    u->run(kept, dy, dx, n);
    for (size_t i = 0; i < n; i++) {
      const double slope = u->reference(kept[i]), larger = fabs(slope) > u->least ? fabs(slope) : u->least;
      expect(dx[i], dy[i] * slope, fabs(dy[i]) * larger + 1e-30);
    }
  }
  end();
}

static void checkUnaryGradients(void) {
  const UnaryGradient all[] = {
      {"absoluteGradient", kernels->absoluteGradient, absoluteSlope, -3, 3, 1e-30},
      {"squareGradient", kernels->squareGradient, squareSlope, -3, 3, 1e-30},
      {"squareRootGradient", kernels->squareRootGradient, squareRootSlope, 0.01, 3, 1e-30},
      {"reciprocalGradient", kernels->reciprocalGradient, reciprocalSlope, -3, 3, 1e-30},
      {"logarithmGradient", kernels->logarithmGradient, inverse, 0.01, 3, 1e-30},
      {"reluGradient", kernels->reluGradient, reluSlope, -3, 3, 1e-30},
      {"sigmoidGradient", kernels->sigmoidGradient, sigmoidSlope, 0, 1, 1e-30},
      {"hyperbolicTangentGradient", kernels->hyperbolicTangentGradient, tanhSlope, -1, 1, 0.1},
      {"softplusGradient", kernels->softplusGradient, logistic, -20, 20, 1e-30},
      {"geluGradient", kernels->geluGradient, geluSlope, -5, 5, 0.5},
      {"errorFunctionGradient", kernels->errorFunctionGradient, erfSlope, -2, 2, 1e-30},
      {"sineGradient", kernels->sineGradient, cos, -9000, 9000, 1},
      {"cosineGradient", kernels->cosineGradient, cosineSlope, -9000, 9000, 1},
      {"arcCosineGradient", kernels->arcCosineGradient, arcCosineSlope, -1, 1, 1e-30},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) checkUnaryGradient(all + i);
}

static void checkAccumulate(void) {
  begin("accumulate", 1e-7);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, 3), *y = randoms(n, -3, 3), *old = zeros(n);
    memcpy(old, y, n * sizeof(float));
    kernels->accumulate(x, y, n);
    for (size_t i = 0; i < n; i++) expectNear(y[i], (double)old[i] + x[i], 1e-30);
  }
  end();
}

static void checkScale(void) {
  begin("scale", 1e-7);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, 3), *y = zeros(n);
    kernels->scale(x, 1.7f, y, n);
    for (size_t i = 0; i < n; i++) expectNear(y[i], (double)1.7f * x[i], 1e-30);
  }
  end();
}

static void checkClamp(void) {
  begin("clamp", 0);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, 3), *y = zeros(n);
    if (n > 8) x[2] = NAN;
    kernels->clamp(x, -1, 2, y, n);
    for (size_t i = 0; i < n; i++) expectSame(y[i], x[i] < -1 ? -1 : (x[i] > 2 ? 2 : x[i]));
  }
  end();
}

static void checkClampGradient(void) {
  begin("clampGradient", 0);
  for (int k = 0; k < SIZES; k++) {
    const size_t n = sizes[k];
    float *x = randoms(n, -3, 3), *dy = randoms(n, -1, 1), *dx = zeros(n);
    kernels->clampGradient(x, dy, -1, 2, dx, n);
    for (size_t i = 0; i < n; i++) expectSame(dx[i], x[i] < -1 || x[i] > 2 ? 0 : dy[i]);
  }
  end();
}

void checkElementwise(void) {
  checkBinaries();
  checkBinaryGradients();
  checkUnaries();
  checkUnaryGradients();
  checkAccumulate();
  checkScale();
  checkClamp();
  checkClampGradient();
}
