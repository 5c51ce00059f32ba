import Glibc
import SegKernels

extension Reference {
  /// Images sampled at the places of a grid `[N, h, w, 2]` of columns and rows in −1…1. A coordinate g is at pixel
  ///
  ///     alignCorners: (g + 1) / 2 · (extent − 1)        else: ((g + 1) · extent − 1) / 2
  ///
  /// Outside the image there are zeros, or the coordinate is first held at the edge (border), or first mirrored at it
  /// (reflection) until it is inside.
  public static func gridSample(
    _ x: ReferenceArray, grid: ReferenceArray, interpolation: Interpolation, edge: SampleEdge, alignCorners: Bool
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("gridSample")
    func place(_ g: Double, _ extent: Int) -> Double {
      let last = Double(extent - 1)
      var place = alignCorners ? (g + 1) / 2 * last : ((g + 1) * Double(extent) - 1) / 2
      if edge == .reflection {
        let (low, high) = alignCorners ? (0, last) : (-0.5, last + 0.5)
        if low == high { return 0 }
        while place < low || place > high { place = place < low ? 2 * low - place : 2 * high - place }
      }
      return edge == .zeros ? place : min(max(place, 0), last)
    }
    return ReferenceArray([batch, channels, grid.shape[1], grid.shape[2]]) { index in
      let (n, c, i, j) = (index[0], index[1], index[2], index[3])
      let column = place(grid[n, i, j, 0], width), row = place(grid[n, i, j, 1], height)
      if interpolation == .nearest { return x.pixel(n, c, Int(rint(row)), Int(rint(column))) }
      let (top, left) = (floor(row), floor(column))
      let (v, u) = (row - top, column - left)
      func pixel(_ down: Int, _ right: Int) -> Double { x.pixel(n, c, Int(top) + down, Int(left) + right) }
      return (1 - v) * ((1 - u) * pixel(0, 0) + u * pixel(0, 1)) + v * ((1 - u) * pixel(1, 0) + u * pixel(1, 1))
    }
  }

  /// The pixels under every window as columns: y[n, (c, i, j), (r, q)] = x[n, c, r·s − p + i·a, q·s − p + j·a].
  public static func unfold(
    _ x: ReferenceArray, kernel: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("unfold")
    let rows = windowCount("unfold", height, kernel.height, stride.height, padding.height, dilation.height)
    let columns = windowCount("unfold", width, kernel.width, stride.width, padding.width, dilation.width)
    return ReferenceArray([batch, channels * kernel.height * kernel.width, rows * columns]) { index in
      let (c, place) = index[1].quotientAndRemainder(dividingBy: kernel.height * kernel.width)
      let (i, j) = place.quotientAndRemainder(dividingBy: kernel.width)
      let (r, q) = index[2].quotientAndRemainder(dividingBy: columns)
      return x.pixel(
        index[0], c, r * stride.height - padding.height + i * dilation.height,
        q * stride.width - padding.width + j * dilation.width)
    }
  }
}
