import SegKernels

/// Which triangles may touch which square of a picture.
struct TriangleBins {
  /// Pixels of a square's edge.
  let edge: Int
  /// Squares in a row.
  let columns: Int
  /// The triangles of square i are `numbers[starts[i]..<starts[i + 1]]`, in their order.
  private let starts: [Int]
  private let numbers: [UInt32]

  init(_ triangles: [ScreenTriangle], edge: Int, size: Pair) {
    self.edge = edge
    let columns = (size.width + edge - 1) / edge, rows = (size.height + edge - 1) / edge
    func forEachBin(of triangle: ScreenTriangle, _ body: (Int) -> Void) {
      let edge = Int32(edge)
      for row in (triangle.top / edge)...(triangle.bottom / edge) {
        for column in (triangle.left / edge)...(triangle.right / edge) { body(Int(row) * columns + Int(column)) }
      }
    }
    var starts = [Int](repeating: 0, count: columns * rows + 1)
    for triangle in triangles { forEachBin(of: triangle) { starts[$0 + 1] += 1 } }
    for index in 1..<starts.count { starts[index] += starts[index - 1] }
    var next = starts, numbers = [UInt32](repeating: 0, count: starts.last!)
    for (number, triangle) in triangles.enumerated() {
      forEachBin(of: triangle) {
        numbers[next[$0]] = UInt32(number)
        next[$0] += 1
      }
    }
    self.columns = columns
    self.starts = starts
    self.numbers = numbers
  }

  /// How many squares there are, row by row.
  var count: Int { starts.count - 1 }

  /// The numbers of the triangles of a square.
  func members(_ bin: Int) -> ArraySlice<UInt32> { numbers[starts[bin]..<starts[bin + 1]] }

  /// The numbers of the triangles of the square about a pixel.
  func members(row: Int, column: Int) -> ArraySlice<UInt32> { members(row / edge * columns + column / edge) }
}
