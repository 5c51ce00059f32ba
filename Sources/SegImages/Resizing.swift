import SegKernels

extension Image {
  /// The picture at another size, bilinear with half-pixel centres: PyTorch's
  /// `interpolate(mode: "bilinear", align_corners: false)` without antialiasing, rounded to bytes.
  public func resized(width newWidth: Int, height newHeight: Int) -> Image {
    check(newWidth > 0 && newHeight > 0, "Image.resized", "expected at least one pixel, found \(newWidth)x\(newHeight)")
    if newWidth == width && newHeight == height { return self }
    let columns = (0..<newWidth).map { BilinearTap(at: $0, from: width, to: newWidth) }
    return Image(uninitializedWidth: newWidth, height: newHeight) { target in
      pixels.withUnsafeBufferPointer { source in
        columns.withUnsafeBufferPointer { columns in
          for row in 0..<newHeight {
            let tap = BilinearTap(at: row, from: height, to: newHeight)
            let (upper, lower) = (3 * width * tap.first, 3 * width * tap.second)
            for column in 0..<newWidth {
              let across = columns[column]
              for channel in 0..<3 {
                let (left, right) = (3 * across.first + channel, 3 * across.second + channel)
                let top = mix(source[upper + left], source[upper + right], across.weight)
                let bottom = mix(source[lower + left], source[lower + right], across.weight)
                target[3 * (row * newWidth + column) + channel] = UInt8(top + (bottom - top) * tap.weight + 0.5)
              }
            }
          }
        }
      }
    }
  }
}

@inline(__always)
private func mix(_ a: UInt8, _ b: UInt8, _ weight: Float) -> Float { Float(a) + (Float(b) - Float(a)) * weight }

extension Labels {
  /// Labels `[H, W]` (or `[1, H, W]`) at another size: each pixel takes the label under its centre.
  public func resizedNearest(width newWidth: Int, height newHeight: Int) -> Labels {
    let (height, width) = pictureSize(for: "Labels.resizedNearest")
    check(
      newWidth > 0 && newHeight > 0 && width > 0 && height > 0, "Labels.resizedNearest",
      "expected at least one pixel, found \(width)x\(height) to \(newWidth)x\(newHeight)")
    let columns = (0..<newWidth).map { nearestIndex(at: $0, from: width, to: newWidth) }
    return Labels(uninitialized: Shape(shape.dimensions.dropLast(2) + [newHeight, newWidth])) { target in
      withUnsafeBufferPointer { source in
        columns.withUnsafeBufferPointer { columns in
          for row in 0..<newHeight {
            let start = nearestIndex(at: row, from: height, to: newHeight) * width
            for column in 0..<newWidth { target[row * newWidth + column] = source[start + columns[column]] }
          }
        }
      }
    }
  }
}

/// The two samples that one resized sample lies between, and how far it is from the first to the second.
package struct BilinearTap {
  package let first, second: Int
  package let weight: Float

  /// The taps of sample `index` when `extent` samples become `newExtent`, their centres at halves.
  package init(at index: Int, from extent: Int, to newExtent: Int) {
    let position = max(0, (Float(index) + 0.5) * (Float(extent) / Float(newExtent)) - 0.5)
    first = min(Int(position), extent - 1)
    second = min(first + 1, extent - 1)
    weight = min(position - Float(first), 1)
  }
}

/// The sample under the centre of sample `index` when `extent` samples become `newExtent`.
package func nearestIndex(at index: Int, from extent: Int, to newExtent: Int) -> Int {
  // In integers: (index + 1/2) · extent / newExtent, rounded down.
  (2 * index + 1) * extent / (2 * newExtent)
}
