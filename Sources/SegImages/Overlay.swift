import SegKernels

extension Image {
  /// Labels `[H, W]` (or `[1, H, W]`) in the colours of a palette; labels beyond it are black.
  public init(_ labels: Labels, palette: Palette) {
    let (height, width) = labels.pictureSize(for: "Image of labels")
    self.init(uninitializedWidth: width, height: height) { target in
      labels.withUnsafeBufferPointer { labels in
        for pixel in labels.indices { target.store(palette.color(of: labels[pixel]) ?? .black, at: pixel) }
      }
    }
  }
}

/// An image with its labels laid over it in colour. Pixels whose label is beyond the palette stay as they are.
///
/// - Parameters:
///   - image: what lies below.
///   - labels: `[H, W]` or `[1, H, W]`, of the image's size; another size traps.
///   - palette: the labels' colours.
///   - opacity: 0 shows the image alone, 1 the colours alone.
///   - boundaries: draws the first pixel beyond every change of label, from the left and from above, white.
public func overlay(
  image: Image, labels: Labels, palette: Palette, opacity: Float = 0.5, boundaries: Bool = false
) -> Image {
  let (height, width) = labels.pictureSize(for: "overlay")
  check(
    (height, width) == (image.height, image.width), "overlay",
    "image of \(image.width)x\(image.height), labels of \(width)x\(height)")
  check((0...1).contains(opacity), "overlay", "expected an opacity of 0...1, found \(opacity)")
  return Image(uninitializedWidth: width, height: height) { target in
    image.pixels.withUnsafeBufferPointer { source in
      labels.withUnsafeBufferPointer { labels in
        for pixel in labels.indices {
          let label = labels[pixel]
          let own = RGB(source[3 * pixel], source[3 * pixel + 1], source[3 * pixel + 2])
          let isBoundary =
            boundaries
            && (pixel % width > 0 && labels[pixel - 1] != label || pixel >= width && labels[pixel - width] != label)
          let color = palette.color(of: label).map { own.blended(with: $0, opacity: opacity) } ?? own
          target.store(isBoundary ? .white : color, at: pixel)
        }
      }
    }
  }
}

/// Where a prediction is wrong: right pixels grey, wrong ones red, ignored ones black. Traps if shapes differ.
public func errorMap(prediction: Labels, truth: Labels, ignoreIndex: Int32?) -> Image {
  let (height, width) = truth.pictureSize(for: "errorMap")
  check(
    prediction.pictureSize(for: "errorMap") == (height, width), "errorMap",
    "prediction of shape \(prediction.shape), truth of shape \(truth.shape)")
  return Image(uninitializedWidth: width, height: height) { target in
    prediction.withUnsafeBufferPointer { prediction in
      truth.withUnsafeBufferPointer { truth in
        for pixel in truth.indices {
          let isRight = prediction[pixel] == truth[pixel]
          target.store(
            truth[pixel] == ignoreIndex ? .black : isRight ? RGB(128, 128, 128) : RGB(220, 20, 20), at: pixel)
        }
      }
    }
  }
}

/// Images side by side on white, row by row, each in the upper left corner of a cell as large as the largest of them.
public func contactSheet(_ images: [Image], columns: Int, margin: Int = 4) -> Image {
  check(
    !images.isEmpty && columns > 0 && margin >= 0, "contactSheet", "expected images, columns and no negative margin")
  let columns = min(columns, images.count)
  let rows = (images.count + columns - 1) / columns
  let cellWidth = images.reduce(0) { max($0, $1.width) } + margin
  let cellHeight = images.reduce(0) { max($0, $1.height) } + margin
  let (width, height) = (columns * cellWidth + margin, rows * cellHeight + margin)
  return Image(uninitializedWidth: width, height: height) { target in
    target.initialize(repeating: 255)
    for (index, image) in images.enumerated() {
      let left = margin + index % columns * cellWidth
      let top = margin + index / columns * cellHeight
      image.pixels.withUnsafeBufferPointer { source in
        for row in 0..<image.height {
          (target.baseAddress! + 3 * ((top + row) * width + left))
            .update(from: source.baseAddress! + 3 * row * image.width, count: 3 * image.width)
        }
      }
    }
  }
}
