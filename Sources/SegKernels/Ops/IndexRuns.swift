/// What a map of indices along an axis copies, in runs whose elements lie a fixed step apart.
struct IndexRuns {
  /// Neighbours along the axis whose sources lie a step apart; a source of −1 has none.
  private struct Run {
    let first: Int, source: Int, step: Int, count: Int
  }

  /// Some columns of one block, of what lies behind and before the axis; or, if nothing lies behind it, some blocks,
  /// which are rows then.
  struct Part {
    fileprivate let block: Int, columns: Range<Int>
    let rows: Int
  }

  private let runs: [Run]
  /// Along the axis, of the result and of the source.
  private let extent: Int, sourceExtent: Int
  private let outer: Int, inner: Int
  /// From row to row of the result, and of the source, where nothing lies behind the axis.
  var row: Int { extent }
  var sourceRow: Int { sourceExtent }

  /// - Parameters:
  ///   - sources: for each element of the axis where it comes from, or −1.
  ///   - shape: of the source.
  init(_ sources: [Int], _ shape: Shape, axis: Int) {
    var runs: [Run] = []
    for (index, source) in sources.enumerated() {
      if let last = runs.last, (last.source < 0) == (source < 0) {
        // The second of a run decides how far apart its sources are.
        let step = source < 0 ? 0 : (last.count == 1 ? source - last.source : last.step)
        if source < 0 || last.source + last.count * step == source {
          runs[runs.count - 1] = Run(first: last.first, source: last.source, step: step, count: last.count + 1)
          continue
        }
      }
      runs.append(Run(first: index, source: source, step: 1, count: 1))
    }
    self.runs = runs
    (extent, sourceExtent) = (sources.count, shape[axis])
    outer = shape[..<axis].reduce(1, *)
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  /// Calls `body` with every part, in parallel.
  func forEachPart(_ body: (Part) -> Void) {
    let width = min(inner, 1 << 16), across = ceilingDivide(inner, max(width, 1))
    let elements = max(extent, sourceExtent) * width
    parallelRuns(outer * across, grain: max(1, (1 << 14) / max(elements, 1))) { tasks in
      if inner == 1 { return body(Part(block: tasks.lowerBound, columns: 0..<1, rows: tasks.count)) }
      for task in tasks {
        let (block, part) = task.quotientAndRemainder(dividingBy: across)
        body(Part(block: block, columns: (part * width)..<min((part + 1) * width, inner), rows: 1))
      }
    }
  }

  /// Calls `body` with runs of the result: where one begins there, and in the source, how far apart its elements are
  /// there, and how many there are; in the first of the part's rows.
  func forEach(in part: Part, _ body: (_ target: Int, _ source: Int?, _ step: Int, _ count: Int) -> Void) {
    let target = part.block * extent * inner + part.columns.lowerBound
    let source = part.block * sourceExtent * inner + part.columns.lowerBound
    for run in runs {
      let from = run.source < 0 ? nil : source + run.source * inner
      if inner == 1 {
        body(target + run.first, from, run.step, run.count)
      } else if part.columns.count == inner, from == nil || run.step == 1 {
        body(target + run.first * inner, from, 1, run.count * inner)
      } else {
        for k in 0..<run.count {
          body(target + (run.first + k) * inner, from.map { $0 + k * run.step * inner }, 1, part.columns.count)
        }
      }
    }
  }

  /// Calls `body` with all of the source that a part reads from: where a row begins, and its length.
  func forEachSource(in part: Part, _ body: (_ start: Int, _ count: Int) -> Void) {
    let start = part.block * sourceExtent * inner + part.columns.lowerBound
    if part.columns.count == inner { return body(start, part.rows * sourceExtent * inner) }
    for row in 0..<sourceExtent { body(start + row * inner, part.columns.count) }
  }
}
