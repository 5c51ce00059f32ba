// Distances on a pixel grid, and things gathered around their centres.
#include "check.h"

enum { HEIGHT = 19, WIDTH = 37, AREA = HEIGHT * WIDTH };

// Whether pixel `other` is a target of pixel `own`: it has another label, or is in the mask.
static int isTarget(const int32_t *labels, int own, int other, int toMask) {
  return toMask ? labels[other] != 0 : labels[other] != labels[own];
}

// Few boundaries, so that distances grow.
static int32_t *patches(int toMask, int kind) {
  int32_t *labels = integers(AREA);
  if (toMask) {
    for (int i = 0; i < kind; i++) labels[below(AREA)] = 1;
  } else {
    for (int i = 0; i < AREA; i++) labels[i] = kind ? (i % WIDTH / 13 + i / WIDTH / 8) % (kind + 1) : 7;
    for (int i = 0; i < kind; i++) labels[below(AREA)] = 9;
  }
  return labels;
}

static const int limits[] = {3, 11, 1 << 20};

static void checkColumnDistances(void) {
  begin("columnDistances", 0);
  for (int toMask = 0; toMask < 2; toMask++)
    for (int kind = 0; kind < 4; kind++)
      for (int k = 0; k < 3; k++) {
        const int32_t *labels = patches(toMask, kind);
        int32_t *d = integers(AREA);
        kernels->columnDistances(labels, HEIGHT, WIDTH, 0, 20, toMask, limits[k], d);
        kernels->columnDistances(labels, HEIGHT, WIDTH, 20, WIDTH, toMask, limits[k], d);
        for (int i = 0; i < AREA; i++) {
          int best = SK_FAR;
          for (int y = 0; y < HEIGHT; y++)
            if (isTarget(labels, i, y * WIDTH + i % WIDTH, toMask)) best = least(best, abs(y - i / WIDTH));
          expectSame(d[i], best <= limits[k] ? best : SK_FAR);
        }
      }
  end();
}

static int squaredDistanceAt(const int32_t *labels, int own, int toMask) {
  int best = SK_FAR;
  for (int other = 0; other < AREA; other++) {
    const int dy = other / WIDTH - own / WIDTH, dx = other % WIDTH - own % WIDTH;
    if (isTarget(labels, own, other, toMask)) best = least(best, dy * dy + dx * dx);
  }
  return best;
}

static void checkRowDistances(void) {
  begin("rowDistances", 0);
  double *halves = memory((WIDTH + 2) * sizeof(double));
  for (int i = 1; i < WIDTH + 2; i++) halves[i] = 1 / (2.0 * i);
  float *scratch = zeros(4 * (WIDTH + 2));
  for (int toMask = 0; toMask < 2; toMask++)
    for (int kind = 0; kind < 4; kind++)
      for (int k = 0; k < 3; k++) {
        const int32_t *labels = patches(toMask, kind);
        int32_t *d = integers(AREA);
        const int most = limits[k] < 46341 ? limits[k] * limits[k] : INT32_MAX;
        // Distances along columns by definition, as the kernel before leaves them.
        for (int i = 0; i < AREA; i++) {
          d[i] = SK_FAR;
          for (int y = 0; y < HEIGHT; y++)
            if (isTarget(labels, i, y * WIDTH + i % WIDTH, toMask)) d[i] = least(d[i], abs(y - i / WIDTH));
          if (d[i] > limits[k]) d[i] = SK_FAR;
        }
        for (int y = 0; y < HEIGHT; y++)
          kernels->rowDistances(toMask ? NULL : labels + y * WIDTH, WIDTH, limits[k], halves, d + y * WIDTH, scratch);
        for (int i = 0; i < AREA; i++) {
          const int want = squaredDistanceAt(labels, i, toMask);
          expectSame(d[i], want <= most ? want : SK_FAR);
        }
      }
  end();
}

static void checkMarkDifferences(void) {
  begin("markDifferences", 0);
  const int32_t *a = labelsBelow(4, AREA), *b = labelsBelow(4, AREA);
  float *marks = zeros(AREA);
  for (int i = 0; i < AREA; i++) marks[i] = i % 5 == 0 ? 1 : 0;
  kernels->markDifferences(a, b, 3, marks, AREA);
  for (int i = 0; i < AREA; i++) expectSame(marks[i], (a[i] != b[i] && a[i] != 3 && b[i] != 3) || i % 5 == 0);
  end();
}

void checkDistances(void) {
  checkColumnDistances();
  checkRowDistances();
  checkMarkDifferences();
}

static void checkFindPeaks(void) {
  begin("findPeaks", 0);
  const int width = 150, radius = 3;
  const float threshold = 0.6f;
  float *map = randoms(HEIGHT * width, 0, 1);
  memset(map + 5 * width, 0, width * sizeof(float));
  for (int row = 0; row < HEIGHT; row++) {
    int32_t *columns = integers(width);
    const int count = kernels->findPeaks(map, HEIGHT, width, row, threshold, radius, columns);
    int found = 0;
    for (int i = 0; i < width; i++) {
      int isPeak = map[row * width + i] > threshold;
      for (int other = 0; other < HEIGHT * width; other++)
        if (abs(other / width - row) <= radius && abs(other % width - i) <= radius)
          isPeak &= map[other] <= map[row * width + i];
      if (isPeak) expectSame(found < count ? columns[found] : -1, i);
      found += isPeak;
    }
    expectSame(count, found);
  }
  end();
}

enum { CLASSES = 5, CENTRES_MOST = 23, THINGS_WIDTH = 150 };

// The centre that was found is as near as any other.
static void checkNearestCentres(void) {
  static const int32_t things[CLASSES] = {0, 1, 0, 1, 1};
  begin("nearestCentres", 1e-5);
  for (int count = 0; count <= CENTRES_MOST; count += CENTRES_MOST) {
    const int row = 11;
    int32_t *labels = labelsBelow(CLASSES, THINGS_WIDTH), *instances = integers(THINGS_WIDTH);
    for (int i = 70; i < 140; i++) labels[i] = i % 2 ? 255 : 0;
    const float *down = randoms(THINGS_WIDTH, -20, 20), *right = randoms(THINGS_WIDTH, -20, 20);
    const float *rows = randoms(CENTRES_MOST, 0, 40), *columns = randoms(CENTRES_MOST, 0, THINGS_WIDTH);
    kernels->nearestCentres(labels, things, CLASSES, down, right, row, THINGS_WIDTH, rows, columns, count, instances);
    for (int i = 0; i < THINGS_WIDTH; i++) {
      const int isThing = labels[i] < CLASSES && things[labels[i]];
      if (!isThing || count == 0) {
        expectSame(instances[i], 0);
        continue;
      }
      double distances[CENTRES_MOST], best = INFINITY;
      for (int k = 0; k < count; k++) {
        distances[k] = hypot(row + (double)down[i] - rows[k], i + (double)right[i] - columns[k]);
        best = fmin(best, distances[k]);
      }
      const int isCentre = instances[i] > 0 && instances[i] <= count;
      expect(isCentre ? distances[instances[i] - 1] : NAN, best, best + 1);
    }
  }
  end();
}

// Runs of equal pixels, some of no class.
static int32_t *runsBelow(int classes) {
  int32_t *labels = integers(AREA);
  for (int i = 0, label = 0; i < AREA; i++) {
    if (below(5) == 0) label = below(classes);
    labels[i] = label;
  }
  return labels;
}

enum { INSTANCES = 4, OTHER = 77 };

static void checkCountVotes(void) {
  begin("countVotes", 0);
  const int32_t *labels = runsBelow(CLASSES + 1), *instances = runsBelow(INSTANCES);
  int32_t *votes = integers(INSTANCES * CLASSES), *want = integers(INSTANCES * CLASSES);
  kernels->countVotes(labels, instances, CLASSES, AREA, votes);
  for (int i = 0; i < AREA; i++)
    if (labels[i] < CLASSES) want[instances[i] * CLASSES + labels[i]] += 1;
  for (int i = 0; i < INSTANCES * CLASSES; i++) expectSame(votes[i], want[i]);
  end();
}

static void checkReplaceLabels(void) {
  begin("replaceLabels", 0);
  const int32_t *labels = runsBelow(CLASSES + 1), *instances = runsBelow(INSTANCES);
  const int32_t *table = labelsBelow(1000, INSTANCES * CLASSES);
  int32_t *y = integers(AREA);
  kernels->replaceLabels(labels, instances, table, CLASSES, OTHER, y, AREA);
  for (int i = 0; i < AREA; i++)
    expectSame(y[i], labels[i] < CLASSES ? table[instances[i] * CLASSES + labels[i]] : OTHER);
  end();
}

void checkGrouping(void) {
  checkFindPeaks();
  checkNearestCentres();
  checkCountVotes();
  checkReplaceLabels();
}
