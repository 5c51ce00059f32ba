import SegKernels

/// Every operation once more, written as its mathematical definition: the judge of the fast operations.
///
/// All functions compute in doubles with plain loops and follow PyTorch where the definition leaves a choice. They are
/// meant to be checked by eye, and are far too slow for anything but tests. `Tests/Fixtures/operations` holds what
/// PyTorch itself computes.
public enum Reference {}

/// Every index of a shape in row-major order; a scalar has one index, the empty one.
func indices(of shape: Shape) -> [[Int]] {
  shape.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
}

extension ReferenceArray {
  /// An array of `element(index)` at every index.
  init(_ shape: Shape, _ element: ([Int]) -> Double) {
    self.init(shape, indices(of: shape).map(element))
  }

  /// The number of axes.
  var rank: Int { shape.rank }

  /// One element, by its index on every axis.
  subscript(at index: [Int]) -> Double {
    get { values[offset(index)] }
    set { values[offset(index)] = newValue }
  }

  /// One pixel of an image batch `[N, C, H, W]`, or `outside` beyond its borders.
  func pixel(_ n: Int, _ c: Int, _ row: Int, _ column: Int, outside: Double = 0) -> Double {
    let (height, width) = (shape[2], shape[3])
    guard row >= 0, row < height, column >= 0, column < width else { return outside }
    return values[((n * shape[1] + c) * height + row) * width + column]
  }

  /// The four extents of an image batch, or a trap that names `operation`.
  func imageExtents(_ operation: String) -> (batch: Int, channels: Int, height: Int, width: Int) {
    check(shape.rank == 4, operation, "expected shape (N, C, H, W), found \(shape)")
    return (shape[0], shape[1], shape[2], shape[3])
  }
}
