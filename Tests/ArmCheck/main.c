#include "check.h"

#include <stdio.h>

const SKKernels *kernels;

enum { GUARD = 64, MOST_PIECES = 4096, MOST_CHECKS = 512 };

typedef struct Piece {
  unsigned char *start;
  size_t bytes;
} Piece;

static Piece pieces[MOST_PIECES];
static int pieceCount;
static uint64_t state;

static const char *name, *names[MOST_CHECKS];
static double tolerance, worst;
static int checks, failures;

void begin(const char *kernel, double limit) {
  name = kernel;
  tolerance = limit;
  worst = 0;
  state = 1;
}

void expect(double got, double want, double scale) {
  double error = fabs(got - want) / scale;
  if (got == want || (got != got && want != want)) error = 0;
  if (error != error) error = INFINITY;
  if (error > worst) worst = error;
}

void end(void) {
  int isWhole = 1;
  for (; pieceCount > 0; pieceCount--) {
    const Piece p = pieces[pieceCount - 1];
    for (int i = 0; i < GUARD; i++) isWhole &= p.start[i] == 0xA5 && p.start[GUARD + p.bytes + i] == 0xA5;
    free(p.start);
  }
  const int isOK = worst <= tolerance && isWhole;
  printf("%-30s %9.2e  of %8.1e  %s%s\n", name, worst, tolerance, isOK ? "ok" : "FAILED",
         isWhole ? "" : ": wrote beyond its memory");
  failures += !isOK;
  if (checks < MOST_CHECKS) names[checks++] = name;
}

void *memory(size_t bytes) {
  bytes = (bytes + 63) / 64 * 64;
  unsigned char *start = aligned_alloc(64, bytes + 2 * GUARD);
  if (!start || pieceCount == MOST_PIECES) {
    fprintf(stderr, "no memory\n");
    exit(2);
  }
  memset(start, 0xA5, bytes + 2 * GUARD);
  memset(start + GUARD, 0, bytes);
  pieces[pieceCount++] = (Piece){start, bytes};
  return start + GUARD;
}

// SplitMix64
static uint64_t nextBits(void) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double uniform(double low, double high) { return low + (high - low) * (double)(nextBits() >> 11) * 0x1p-53; }
int below(int n) { return (int)(nextBits() % (uint64_t)n); }

float *randoms(size_t n, double low, double high) {
  float *x = zeros(n);
  for (size_t i = 0; i < n; i++) x[i] = (float)uniform(low, high);
  return x;
}

int32_t *labelsBelow(int classes, size_t n) {
  int32_t *labels = integers(n);
  for (size_t i = 0; i < n; i++) labels[i] = below(classes);
  return labels;
}

float *blocked(Shape s, const float *x) {
  float *y = zeros(blockedCountOf(s));
  for (int n = 0; n < s.batch; n++)
    for (int c = 0; c < s.channels; c++)
      for (int i = 0; i < s.height; i++)
        for (int j = 0; j < s.width; j++) y[blockedPlaceOf(s, n, c, i, j)] = x[placeOf(s, n, c, i, j)];
  return y;
}

SKConvGeometry window(int height, int width, int kernel, int stride, int padding, int dilation) {
  const int reach = (kernel - 1) * dilation + 1;
  return (SKConvGeometry){
      height, width, kernel, kernel, stride, stride, padding, padding, dilation, dilation,
      (height + 2 * padding - reach) / stride + 1, (width + 2 * padding - reach) / stride + 1};
}

SKTap *tapsOf(int mode, int size, int outputSize) {
  SKTap *taps = memory(outputSize * sizeof(SKTap));
  for (int i = 0; i < outputSize; i++) {
    const double ratio = (double)size / outputSize, corners = outputSize > 1 ? (size - 1.0) / (outputSize - 1.0) : 0;
    double place = mode == CORNERS ? i * corners : (mode == NEAREST ? floor(i * ratio) : (i + 0.5) * ratio - 0.5);
    place = place < 0 ? 0 : (place > size - 1 ? size - 1 : place);
    const int low = (int)place;
    taps[i] = (SKTap){low, least(low + 1, size - 1), (float)(place - low)};
  }
  return taps;
}

// Names the kernels of the table that have no line: those that say how much memory others need, which is guarded, and
// those whose result is seen in that of others.
static void countTable(void) {
  static const char *const all[] = {
#define X(result, kernel, parameters) #kernel,
      SK_KERNELS(X)
#undef X
  };
  const int count = sizeof all / sizeof *all;
  int found = 0;
  printf("without a line of their own:");
  for (int i = 0; i < count; i++) {
    int isNamed = 0;
    for (int j = 0; j < checks; j++) isNamed |= strcmp(all[i], names[j]) == 0;
    found += isNamed;
    if (!isNamed) printf(" %s", all[i]);
  }
  printf("\n%d of the table's %d kernels have one\n", found, count);
}

int main(void) {
  static const char *const levels[] = {"baseline", "avx2", "avx512"};
  for (int level = SK_BASELINE; level <= SK_AVX512; level++) {
    kernels = sk_kernels(level);
    if (!kernels) continue;
    checks = 0;
    printf("%s: blocks of %d channels, tiles of %d pixels\n", levels[level], kernels->channelBlock(),
           kernels->tilePixels());
    checkElementwise();
    checkReductions();
    checkSoftmax();
    checkLosses();
    checkMovement();
    checkSampling();
    checkViews();
    checkPlanes();
    checkConvolutions();
    checkWeightGradients();
    checkBlocked();
    checkNormalization();
    checkOptimizers();
    checkDistances();
    checkGrouping();
    countTable();
  }
  if (failures) printf("%d FAILED\n", failures);
  return failures > 0;
}
