import SegKernels

/// An 8-bit RGB picture: rows from the top, pixels from the left, three interleaved bytes a pixel.
public struct Image: Sendable, Hashable {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// `3 * width * height` bytes: red, green, blue of each pixel.
  public private(set) var pixels: [UInt8]

  /// A picture of given bytes. Traps unless there are `3 * width * height` of them and at least one pixel.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    check(width > 0 && height > 0, "Image", "expected at least one pixel, found \(width)x\(height)")
    check(pixels.count == 3 * width * height, "Image", "\(pixels.count) bytes given for \(width)x\(height) RGB pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, filledWith color: RGB = .black) {
    self.init(uninitializedWidth: width, height: height) { target in
      for pixel in 0..<(width * height) { target.store(color, at: pixel) }
    }
  }

  /// Makes a picture by filling uninitialised memory; `fill` must write every byte.
  package init(
    uninitializedWidth width: Int, height: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
  ) rethrows {
    check(width > 0 && height > 0, "Image", "expected at least one pixel, found \(width)x\(height)")
    let count = 3 * width * height
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// One pixel, by its row from the top and its column from the left.
  public subscript(row: Int, column: Int) -> RGB {
    get {
      let offset = offset(row, column)
      return RGB(pixels[offset], pixels[offset + 1], pixels[offset + 2])
    }
    set {
      let offset = offset(row, column)
      pixels[offset] = newValue.red
      pixels[offset + 1] = newValue.green
      pixels[offset + 2] = newValue.blue
    }
  }

  private func offset(_ row: Int, _ column: Int) -> Int {
    check(
      (0..<height).contains(row) && (0..<width).contains(column), "Image subscript",
      "row \(row), column \(column) is outside \(width)x\(height)")
    return 3 * (row * width + column)
  }
}

extension UnsafeMutableBufferPointer<UInt8> {
  /// Writes one pixel of interleaved RGB memory.
  func store(_ color: RGB, at pixel: Int) {
    self[3 * pixel] = color.red
    self[3 * pixel + 1] = color.green
    self[3 * pixel + 2] = color.blue
  }
}
