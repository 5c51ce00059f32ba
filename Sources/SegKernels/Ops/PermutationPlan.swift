/// How axes come into another order: matrices that are turned over, or, where the last axis stays the last, runs that are
/// copied.
struct PermutationPlan {
  /// From row to row of a matrix in the input, and from row to row of what it becomes; both 1 for runs.
  private(set) var stepX = 1, stepY = 1
  /// A row of the input becomes a column; runs have one row.
  private var rows = 1, columns = 1
  /// The axes that select a matrix or run.
  private var outer: [(extent: Int, x: Int, y: Int)] = []

  /// Axis `i` of the result is axis `axes[i]` of `shape`.
  init(_ shape: Shape, _ axes: [Int]) {
    let result = Shape(axes.map { shape[$0] })
    // Axes that stay neighbours are one axis.
    var walk: [(extent: Int, x: Int, y: Int)] = []
    for (axis, y) in zip(axes, result.strides) where shape[axis] != 1 {
      let (extent, x) = (shape[axis], shape.strides[axis])
      if let last = walk.last, last.x == x * extent {
        walk[walk.count - 1] = (last.extent * extent, x, y)
      } else {
        walk.append((extent, x, y))
      }
    }
    guard let last = walk.popLast() else { return }
    if last.x == 1 {
      columns = last.extent
    } else if let row = walk.firstIndex(where: { $0.x == 1 }) {
      (rows, stepX) = (last.extent, last.x)
      (columns, stepY) = (walk[row].extent, walk[row].y)
      walk.remove(at: row)
    }
    outer = walk
  }

  /// Calls `body` with parts of the matrices or runs, in parallel: where one begins in the input and in the result, its
  /// rows and its columns.
  func forEach(_ body: (_ source: Int, _ target: Int, _ rows: Int, _ columns: Int) -> Void) {
    // Of a matrix, bands of a few cache lines of the input.
    let height = min(rows, 1024), width = min(columns, rows == 1 ? 1 << 15 : max(64, (1 << 14) / height / 64 * 64))
    let (down, across) = (ceilingDivide(rows, height), ceilingDivide(columns, width))
    let count = outer.reduce(down * across) { $0 * $1.extent }
    parallelRuns(count, grain: max(1, (1 << 14) / (height * width))) { tasks in
      for task in tasks {
        let (matrix, part) = task.quotientAndRemainder(dividingBy: down * across)
        let row = part / across * height, column = part % across * width
        var (rest, source, target) = (matrix, row * stepX + column, row + column * stepY)
        for axis in outer.reversed() {
          let (quotient, place) = rest.quotientAndRemainder(dividingBy: axis.extent)
          source += place * axis.x
          target += place * axis.y
          rest = quotient
        }
        body(source, target, min(height, rows - row), min(width, columns - column))
      }
    }
  }
}
