import CSegKernels

/// For every row of two matrices, its largest inner product with rows of the other matrix: of those in its own group,
/// and of all others.
public struct GroupedMatches: Sendable, Hashable {
  /// Of each row of A: the largest within its group; −∞ where B has no row of the group (or none is searched).
  public fileprivate(set) var ownA: [Float]
  /// Of each row of A: the largest with rows of other groups; −∞ where there are none.
  public fileprivate(set) var otherA: [Float]
  /// Of each row of B, as ``ownA``.
  public fileprivate(set) var ownB: [Float]
  /// Of each row of B, as ``otherA``.
  public fileprivate(set) var otherB: [Float]
}

/// The largest inner products of the rows of two matrices, by group, in both directions from one pass over A·Bᵀ.
///
///     ownA(i) = max over j with group(j) = group(i) of a_i · b_j,  otherA(i) = max over all other j
///
/// A·Bᵀ exists a tile at a time: memory does not grow with the product of both numbers of rows. Rows are sorted by group
/// first, so that a group is a range of a tile. Not differentiable.
///
/// - Parameters:
///   - a: n×k.
///   - groupsA: n numbers.
///   - b: m×k.
///   - groupsB: m numbers.
public func groupedMatches(
  _ a: Tensor, groups groupsA: [Int32], _ b: Tensor, groups groupsB: [Int32]
) -> GroupedMatches {
  checkRows(a, groupsA, b, groupsB, for: "groupedMatches")
  let a = GroupedRows(a, groupsA), b = GroupedRows(b, groupsB), kernels = kernels
  let (n, m, k) = (a.count, b.count, a.matrix.shape[1])
  // Each stripe of A's rows has column maxima of its own. How many there are depends on the shape alone.
  let stripes = min(max(n / MatchTile.rows, 1), 32)
  var rowMaxima = [Float](repeating: -.infinity, count: 2 * n)
  var columnMaxima = [Float](repeating: -.infinity, count: 2 * m * stripes)
  rowMaxima.withUnsafeMutableBufferPointer { rowMaxima in
    columnMaxima.withUnsafeMutableBufferPointer { columnMaxima in
      guard let ownRows = rowMaxima.baseAddress, let columnBase = columnMaxima.baseAddress else { return }
      let otherRows = ownRows + n
      let (p, q) = (a.matrix.pointer(for: "groupedMatches"), b.matrix.pointer(for: "groupedMatches"))
      parallelFor(stripes) { stripe in
        let stripeRows = (stripe * n / stripes)..<((stripe + 1) * n / stripes)
        let ownColumns = columnBase + 2 * m * stripe, otherColumns = ownColumns + m
        withWorkspace(MatchTile.rows * MatchTile.columns) { tile in
          for left in stride(from: 0, to: m, by: MatchTile.columns) {
            let columns = left..<min(left + MatchTile.columns, m)
            for top in stride(from: stripeRows.lowerBound, to: stripeRows.upperBound, by: MatchTile.rows) {
              let rows = top..<min(top + MatchTile.rows, stripeRows.upperBound)
              BLAS.multiply(
                m: rows.count, n: columns.count, k: k, .init(p + top * k, rowStride: k),
                .init(q + left * k, rowStride: k, transposed: true), into: tile, rowStride: MatchTile.columns)
              a.forEachGroup(in: rows) { group, run in
                func take(_ part: Range<Int>, _ row: UnsafeMutablePointer<Float>, _ column: UnsafeMutablePointer<Float>)
                {
                  guard !part.isEmpty else { return }
                  kernels.tileMaxima(
                    tile + (run.lowerBound - top) * MatchTile.columns + part.lowerBound - left, MatchTile.columns,
                    Int32(run.count), part.count, row + run.lowerBound, column + part.lowerBound)
                }
                let own = (b.ranges[group] ?? left..<left).clamped(to: columns)
                take(columns.lowerBound..<own.lowerBound, otherRows, otherColumns)
                take(own, ownRows, ownColumns)
                take(own.upperBound..<columns.upperBound, otherRows, otherColumns)
              }
            }
          }
        }
      }
      for stripe in 1..<max(stripes, 2) where stripe < stripes {
        kernels.maximumInto(columnBase + 2 * m * stripe, columnBase, 2 * m)
      }
    }
  }
  return GroupedMatches(
    ownA: a.unsorted(rowMaxima[..<n]), otherA: a.unsorted(rowMaxima[n...]), ownB: b.unsorted(columnMaxima[..<m]),
    otherB: b.unsorted(columnMaxima[m..<(2 * m)]))
}

/// A tile of A·Bᵀ and the columns of B that make it stay in a core's second cache.
private enum MatchTile {
  static let rows = 128, columns = 512
}

/// Rows of a matrix sorted by group.
private struct GroupedRows {
  let matrix: Tensor
  /// Sorted place → row.
  let order: [Int]
  /// Where the rows of a group lie.
  let ranges: [Int32: Range<Int>]
  /// The groups in their order.
  private let groups: [(group: Int32, range: Range<Int>)]

  var count: Int { order.count }

  init(_ rows: Tensor, _ labels: [Int32]) {
    var counts: [Int32: Int] = [:]
    for label in labels { counts[label, default: 0] += 1 }
    var groups: [(group: Int32, range: Range<Int>)] = [], next: [Int32: Int] = [:], first = 0
    for group in counts.keys.sorted() {
      groups.append((group, first..<(first + counts[group]!)))
      next[group] = first
      first += counts[group]!
    }
    var order = [Int](repeating: 0, count: labels.count)
    for (row, label) in labels.enumerated() {
      order[next[label]!] = row
      next[label]! += 1
    }
    let k = rows.shape[1], plain = rows.rowMajor()
    matrix = Tensor(uninitialized: rows.shape) { target in
      guard let target = target.baseAddress, plain.count > 0 else { return }
      let source = plain.pointer(for: "groupedMatches")
      parallelRuns(order.count, grain: 256) { run in
        for place in run { (target + place * k).update(from: source + order[place] * k, count: k) }
      }
    }
    withExtendedLifetime(plain) {}
    self.order = order
    self.groups = groups
    ranges = Dictionary(uniqueKeysWithValues: groups.map { ($0.group, $0.range) })
  }

  /// Calls `body` with each group that has rows among the given ones, and with these.
  func forEachGroup(in rows: Range<Int>, _ body: (Int32, Range<Int>) -> Void) {
    // The first group that ends behind the first row.
    var (low, high) = (0, groups.count)
    while low < high {
      let middle = (low + high) / 2
      if groups[middle].range.upperBound <= rows.lowerBound { low = middle + 1 } else { high = middle }
    }
    while low < groups.count, groups[low].range.lowerBound < rows.upperBound {
      body(groups[low].group, groups[low].range.clamped(to: rows))
      low += 1
    }
  }

  /// Numbers of sorted rows in the order of the rows.
  func unsorted(_ values: ArraySlice<Float>) -> [Float] {
    var result = [Float](repeating: 0, count: count)
    for (place, value) in values.enumerated() { result[order[place]] = value }
    return result
  }
}

/// Traps unless both are matrices of as many columns, with a group a row.
func checkRows(_ a: Tensor, _ groupsA: [Int32], _ b: Tensor, _ groupsB: [Int32], for operation: String) {
  check(
    a.rank == 2 && b.rank == 2 && a.shape[1] == b.shape[1] && groupsA.count == a.shape[0]
      && groupsB.count == b.shape[0], operation,
    "expected n×k with n groups and m×k with m, found \(a.shape) with \(groupsA.count) and \(b.shape) with "
      + "\(groupsB.count)")
}

/// ``groupedMatches(_:groups:_:groups:)`` among positions of two images that lie near each other: at most `radius` rows
/// and columns apart.
///
/// - Parameters:
///   - a: one row for each position of an image of `size`, row-major; b likewise.
///   - groupsA: the group of each row of a.
///   - b: one row for each position of the other image, of the same size.
///   - groupsB: the group of each row of b.
///   - size: rows and columns of both images.
///   - radius: 0 compares equal positions alone.
public func windowedMatches(
  _ a: Tensor, groups groupsA: [Int32], _ b: Tensor, groups groupsB: [Int32], size: Pair, radius: Int
) -> GroupedMatches {
  checkRows(a, groupsA, b, groupsB, for: "windowedMatches")
  check(
    a.shape == b.shape && a.shape[0] == size.height * size.width && radius >= 0, "windowedMatches",
    "expected two matrices of \(size) rows and no negative radius, found \(a.shape), \(b.shape) and \(radius)")
  let (a, b) = (a.rowMajor(), b.rowMajor())
  let (ownA, otherA) = windowMaxima(a, groupsA, b, groupsB, size, radius)
  let (ownB, otherB) = windowMaxima(b, groupsB, a, groupsA, size, radius)
  return GroupedMatches(ownA: ownA, otherA: otherA, ownB: ownB, otherB: otherB)
}

/// One direction of the windowed search: short pieces of a row of A against the rows of B around them.
private func windowMaxima(
  _ a: Tensor, _ groupsA: [Int32], _ b: Tensor, _ groupsB: [Int32], _ size: Pair, _ radius: Int
) -> (own: [Float], other: [Float]) {
  let k = a.shape[1], piece = 32
  var own = [Float](repeating: -.infinity, count: groupsA.count), other = own
  own.withUnsafeMutableBufferPointer { own in
    other.withUnsafeMutableBufferPointer { other in
      guard let own = own.baseAddress, let other = other.baseAddress else { return }
      let (p, q) = (a.pointer(for: "windowedMatches"), b.pointer(for: "windowedMatches"))
      groupsA.withUnsafeBufferPointer { groupsA in
        groupsB.withUnsafeBufferPointer { groupsB in
          parallelFor(size.height) { y in
            withWorkspace(piece * (piece + 2 * radius)) { tile in
              for left in stride(from: 0, to: size.width, by: piece) {
                let right = min(left + piece, size.width)
                let (low, high) = (max(left - radius, 0), min(right + radius, size.width))
                for row in max(y - radius, 0)...min(y + radius, size.height - 1) {
                  BLAS.multiply(
                    m: right - left, n: high - low, k: k, .init(p + (y * size.width + left) * k, rowStride: k),
                    .init(q + (row * size.width + low) * k, rowStride: k, transposed: true), into: tile,
                    rowStride: high - low)
                  for x in left..<right {
                    let i = y * size.width + x, group = groupsA[i]
                    var (best, rest) = (own[i], other[i])
                    let line = tile + (x - left) * (high - low) - low
                    for column in max(x - radius, 0)...min(x + radius, size.width - 1) {
                      let value = line[column]
                      if groupsB[row * size.width + column] == group {
                        best = max(best, value)
                      } else {
                        rest = max(rest, value)
                      }
                    }
                    (own[i], other[i]) = (best, rest)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  withExtendedLifetime((a, b)) {}
  return (own, other)
}
