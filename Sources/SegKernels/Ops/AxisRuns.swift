/// A tensor seen along one axis: `outer` blocks of `extent` rows of `inner` elements.
struct AxisRuns {
  let outer: Int, extent: Int, inner: Int

  init(_ shape: Shape, axis: Int, for operation: String) {
    let axis = shape.axis(axis, for: operation)
    outer = shape[..<axis].reduce(1, *)
    extent = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  /// Calls `body` with runs of neighbouring columns, in parallel: where a run starts in the tensor, where in one
  /// without the axis, and how many columns it has.
  func forEach(_ body: (_ start: Int, _ flatStart: Int, _ count: Int) -> Void) {
    let width = 4096, runs = (inner + width - 1) / width
    // Where blocks are small, a task takes several of them.
    parallelRuns(outer * runs, grain: grain(extent * min(inner, width))) { tasks in
      for task in tasks {
        let (block, run) = task.quotientAndRemainder(dividingBy: max(runs, 1))
        let first = run * width
        body(block * extent * inner + first, block * inner + first, min(width, inner - first))
      }
    }
  }

  /// The same for an axis that may be the last one, whose columns are rows in memory: `rows` is called with the first of
  /// some rows and their number.
  func forEach(
    rows: (_ first: Int, _ count: Int) -> Void, runs: (_ start: Int, _ flatStart: Int, _ count: Int) -> Void
  ) {
    guard inner == 1 else { return forEach(runs) }
    parallelRuns(outer, grain: grain(extent)) { rows($0.lowerBound, $0.count) }
  }

  /// How many pieces of so many elements make a task.
  private func grain(_ elements: Int) -> Int { max(1, (1 << 15) / max(elements, 1)) }
}
