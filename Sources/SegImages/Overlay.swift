import SegKernels

extension Image {
  /// The picture with the classes' colours laid over it; labels that are no class leave it as it is.
  ///
  /// - Parameters:
  ///   - labels: H×W, of the picture's size.
  ///   - opacity: of the colours, 0…1.
  public func overlaid(with labels: Labels, classes: ClassTable, opacity: Float = 0.5) -> Image {
    check(labels.shape == [height, width], "overlaid", "a \(height)×\(width) picture takes labels of its size, found \(labels.shape)")
    let weight = Int((opacity * 256).rounded())
    return recolored { index in
      let label = Int(labels.values[index])
      guard classes.palette.indices.contains(label) else { return nil }
      let color = classes.palette[label]
      func mixed(_ old: UInt8, _ new: UInt8) -> UInt8 { UInt8((Int(old) * (256 - weight) + Int(new) * weight) >> 8) }
      return Color(
        mixed(pixels[3 * index], color.red), mixed(pixels[3 * index + 1], color.green),
        mixed(pixels[3 * index + 2], color.blue))
    }
  }

  /// Labels H×W painted in their colours; labels that are no class are black.
  public init(_ labels: Labels, classes: ClassTable) {
    check(labels.shape.rank == 2, "Image", "expected labels H×W, found \(labels.shape)")
    let blank = Image(width: labels.shape[1], height: labels.shape[0])
    self = blank.recolored { index in
      let label = Int(labels.values[index])
      return classes.palette.indices.contains(label) ? classes.palette[label] : nil
    }
  }

  /// Where a prediction is wrong: red; right: grey; ignored by the truth: black.
  public init(errorsOf prediction: Labels, truth: Labels, ignoreIndex: Int) {
    check(
      prediction.shape == truth.shape && truth.shape.rank == 2, "Image",
      "expected prediction and truth H×W, found \(prediction.shape) and \(truth.shape)")
    let blank = Image(width: truth.shape[1], height: truth.shape[0])
    self = blank.recolored { index in
      if truth.values[index] == Int32(ignoreIndex) { return nil }
      return truth.values[index] == prediction.values[index] ? Color(160, 160, 160) : Color(220, 30, 30)
    }
  }

  /// Pictures in a grid, row by row, with a margin around each; all are taken to be as large as the first.
  public init(sheet images: [Image], columns: Int, margin: Int = 4) {
    check(!images.isEmpty && columns > 0, "Image", "a sheet needs pictures and columns")
    let (cellWidth, cellHeight) = (images[0].width + margin, images[0].height + margin)
    let rows = (images.count + columns - 1) / columns
    var sheet = Image(
      width: columns * cellWidth + margin, height: rows * cellHeight + margin, color: Color(255, 255, 255))
    for (index, image) in images.enumerated() {
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      for y in 0..<min(image.height, cellHeight - margin) {
        let width = min(image.width, cellWidth - margin)
        let target = 3 * ((row * cellHeight + margin + y) * sheet.width + column * cellWidth + margin)
        sheet.pixels.replaceSubrange(
          target..<(target + 3 * width), with: image.pixels[(3 * y * image.width)..<(3 * (y * image.width + width))])
      }
    }
    self = sheet
  }

  private func recolored(_ color: (Int) -> Color?) -> Image {
    var result = self
    result.pixels.withUnsafeMutableBufferPointer { pixels in
      for index in 0..<(width * height) {
        guard let color = color(index) else { continue }
        pixels[3 * index] = color.red
        pixels[3 * index + 1] = color.green
        pixels[3 * index + 2] = color.blue
      }
    }
    return result
  }
}
