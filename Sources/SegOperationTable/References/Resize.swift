import SegKernels

extension Reference {
  /// y[n, c, r, q] = x[n, c, ⌊r · H / H′⌋, ⌊q · W / W′⌋], where H′ × W′ is the output's size.
  ///
  /// The ratio H / H′ is rounded to a float and so is its product with r, as in PyTorch: from 2 to 82 pixels, for
  /// example, row 41 takes row 0, where exact arithmetic would take row 1.
  public static func resizeNearest(_ x: ReferenceArray, size: Pair) -> ReferenceArray {
    func source(_ place: Int, _ extent: Int, _ count: Int) -> Int {
      min(Int(Float(place) * (Float(extent) / Float(count))), extent - 1)
    }
    return resize("resizeNearest", x, size) { n, c, r, q in
      x[n, c, source(r, x.shape[2], size.height), source(q, x.shape[3], size.width)]
    }
  }

  /// Linear interpolation between the two nearest rows and columns. Row r of H′ lies at row
  ///
  ///     alignCorners: r · (H − 1) / (H′ − 1), or 0 if H′ = 1 (the centres of the corner pixels coincide)
  ///     else:         max(0, (r + ½) · H / H′ − ½)            (the corners of the images coincide)
  ///
  /// of `x`, columns likewise; beyond the last row the last row repeats. There is no smoothing when shrinking.
  public static func resizeBilinear(_ x: ReferenceArray, size: Pair, alignCorners: Bool) -> ReferenceArray {
    func source(_ place: Int, _ extent: Int, _ count: Int) -> (lower: Int, upper: Int, fraction: Double) {
      let position: Double
      if alignCorners {
        position = count > 1 ? Double(place * (extent - 1)) / Double(count - 1) : 0
      } else {
        position = max(0, (Double(place) + 0.5) * Double(extent) / Double(count) - 0.5)
      }
      let lower = min(Int(position), extent - 1)
      return (lower, min(lower + 1, extent - 1), position - Double(lower))
    }
    return resize("resizeBilinear", x, size) { n, c, r, q in
      let row = source(r, x.shape[2], size.height)
      let column = source(q, x.shape[3], size.width)
      func between(_ a: Double, _ b: Double, _ fraction: Double) -> Double { a * (1 - fraction) + b * fraction }
      return between(
        between(x[n, c, row.lower, column.lower], x[n, c, row.lower, column.upper], column.fraction),
        between(x[n, c, row.upper, column.lower], x[n, c, row.upper, column.upper], column.fraction), row.fraction)
    }
  }

  /// An image batch of another size, made of `pixel(n, c, row, column)`.
  private static func resize(
    _ operation: String, _ x: ReferenceArray, _ size: Pair, _ pixel: (Int, Int, Int, Int) -> Double
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents(operation)
    check(height > 0 && width > 0, operation, "the image \(x.shape) has no pixels")
    check(size.height >= 0 && size.width >= 0, operation, "the size must not be negative: \(size)")
    return ReferenceArray([batch, channels, size.height, size.width]) { pixel($0[0], $0[1], $0[2], $0[3]) }
  }
}
