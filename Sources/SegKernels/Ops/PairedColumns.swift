/// Two arrays of one rank walked side by side along an axis, in runs of neighbouring columns.
///
/// A column of the first array goes with the column of the second that has the same index on all other axes; there the
/// second may reach further. Columns are independent, so that runs may be taken in parallel.
struct PairedColumns {
  /// The number of elements in a column of the first array.
  let extent: Int
  /// From one element of a column to the next, in the first array and in the second.
  let step: Int, otherStep: Int
  /// The columns that lie side by side: those along the last axis, or one if that is the one they run along.
  private let width: Int
  /// How many of them are taken together.
  private let chunk: Int
  private let grain: Int
  private let axes: [(extent: Int, step: Int, otherStep: Int)]

  init(_ shape: Shape, _ other: Shape, axis: Int) {
    let (strides, otherStrides) = (shape.strides, other.strides)
    let last = shape.rank - 1
    extent = shape[axis]
    step = strides[axis]
    otherStep = otherStrides[axis]
    width = axis == last ? 1 : shape[last]
    axes = shape.indices.filter { $0 != axis && $0 != last }.map { (shape[$0], strides[$0], otherStrides[$0]) }
    // Long columns share few tasks: 16 floats are a cache line.
    let length = max(shape[axis], other[axis], 1)
    chunk = max(16, (1 << 15) / length)
    grain = max(1, (1 << 15) / (length * max(1, min(chunk, width))))
  }

  /// Calls `body` with every run, in parallel: where it starts in the first array and in the second, and how many
  /// columns it has.
  func forEach(_ body: (_ start: Int, _ otherStart: Int, _ count: Int) -> Void) {
    let chunks = (width + chunk - 1) / chunk
    parallelRuns(axes.reduce(chunks) { $0 * $1.extent }, grain: grain) { tasks in
      for task in tasks {
        var (rest, place) = task.quotientAndRemainder(dividingBy: chunks)
        let first = place * chunk
        var (start, otherStart) = (first, first)
        for axis in axes.reversed() {
          (rest, place) = rest.quotientAndRemainder(dividingBy: axis.extent)
          start += place * axis.step
          otherStart += place * axis.otherStep
        }
        body(start, otherStart, min(chunk, width - first))
      }
    }
  }
}
