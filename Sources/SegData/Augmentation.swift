import Foundation
import SegImages
import SegKernels

/// Random scale, crop and flip, of image and labels together; random colours and blur, of the image.
///
/// The scaled image is never made: each pixel of the crop is sampled where it comes from, bilinearly for the image and
/// nearest for the labels. What lies outside the image is the mean colour (0 after normalisation) and ignored.
public struct Augmentation: Sendable, Hashable {
  /// The factors that an image is scaled by, drawn evenly on a logarithmic scale.
  public var scale: ClosedRange<Float>
  /// Rows and columns of the crop.
  public var crop: Pair
  /// Whether half of the samples are mirrored.
  public var flips: Bool
  /// How colours change; nil leaves them.
  public var color: ColorJitter?
  /// Half of the samples are blurred by a Gaussian of up to this deviation, in pixels of the crop.
  public var blur: Float

  /// An augmentation; every part may be left at its default but the crop.
  public init(
    scale: ClosedRange<Float> = 0.5...2, crop: Pair, flips: Bool = true, color: ColorJitter? = nil, blur: Float = 0
  ) {
    self.scale = scale
    self.crop = crop
    self.flips = flips
    self.color = color
    self.blur = blur
  }

  /// One draw: where the crop lies and how large the image is.
  private struct Draw {
    let scale: Float
    let top: Float, left: Float
    let isFlipped: Bool
  }

  private func draw(_ height: Int, _ width: Int, _ random: inout RandomSource) -> Draw {
    let factor = scale.lowerBound * exp(log(scale.upperBound / scale.lowerBound) * random.nextUniform())
    // Where the scaled image is larger, the crop lies somewhere inside; where it is smaller, the image does.
    func offset(_ extent: Int, _ window: Int) -> Float {
      ((Float(extent) * factor - Float(window)) * random.nextUniform()).rounded()
    }
    let top = offset(height, crop.height), left = offset(width, crop.width)
    return Draw(scale: factor, top: top, left: left, isFlipped: flips && random.nextUniform() < 0.5)
  }

  /// Writes one augmented sample into a batch: the image as 3×h×w normalised floats, and its labels.
  ///
  /// - Returns: the image's scale, and for every pixel of the crop the sample's pixel that its label came from, -1
  ///   outside; none for samples without instances and depth, of which nobody asks.
  func apply(
    to sample: SegmentationSample, normalization: ImageNormalization, ignoreIndex: Int32,
    image target: UnsafeMutablePointer<Float>, labels labelTarget: UnsafeMutablePointer<Int32>,
    using random: inout RandomSource
  ) -> (scale: Float, places: [Int32]) {
    let (height, width) = (sample.image.height, sample.image.width)
    let isAsked = sample.instances != nil || sample.depth != nil
    var places = [Int32](repeating: -1, count: isAsked ? crop.height * crop.width : 0)
    let draw = draw(height, width, &random)
    let area = crop.height * crop.width
    // Source coordinate of each column: pixel centres at ½, as in `resize` without aligned corners.
    func source(_ position: Int, _ offset: Float) -> Float { (Float(position) + offset + 0.5) / draw.scale - 0.5 }
    let columns = (0..<crop.width).map { source(draw.isFlipped ? crop.width - 1 - $0 : $0, draw.left) }
    let factors = (0..<3).map {
      (1 / (255 * normalization.deviation[$0]), normalization.mean[$0] / normalization.deviation[$0])
    }
    let recolored = color.map { $0.draw(meanGrey: ColorJitter.meanGrey(sample.image), &random) }
    let deviation = blur > 0 && random.nextUniform() < 0.5 ? blur * random.nextUniform() : 0
    sample.image.pixels.withUnsafeBufferPointer { pixels in
      sample.labels.withUnsafeBufferPointer { labels in
        for row in 0..<crop.height {
          let y = source(row, draw.top)
          let isInside = y > -0.5 && y < Float(height) - 0.5
          let y0 = min(max(Int(y.rounded(.down)), 0), height - 1), y1 = min(y0 + 1, height - 1)
          let v = min(max(y - Float(y0), 0), 1)
          for (column, x) in columns.enumerated() {
            let place = row * crop.width + column
            guard isInside, x > -0.5, x < Float(width) - 0.5 else {
              for channel in 0..<3 { target[channel * area + place] = 0 }
              labelTarget[place] = ignoreIndex
              continue
            }
            let x0 = min(max(Int(x.rounded(.down)), 0), width - 1), x1 = min(x0 + 1, width - 1)
            let u = min(max(x - Float(x0), 0), 1)
            let (a, b, c, d) = (y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1)
            var rgb = SIMD3<Float>()
            for channel in 0..<3 {
              let upper = Float(pixels[3 * a + channel]) * (1 - u) + Float(pixels[3 * b + channel]) * u
              let lower = Float(pixels[3 * c + channel]) * (1 - u) + Float(pixels[3 * d + channel]) * u
              rgb[channel] = upper * (1 - v) + lower * v
            }
            if let recolored { rgb = recolored(rgb) }
            for channel in 0..<3 {
              target[channel * area + place] = rgb[channel] * factors[channel].0 - factors[channel].1
            }
            let nearest = (v < 0.5 ? y0 : y1) * width + (u < 0.5 ? x0 : x1)
            labelTarget[place] = labels[nearest]
            if !places.isEmpty { places[place] = Int32(nearest) }
          }
        }
      }
    }
    guard deviation > 0 else { return (draw.scale, places) }
    for channel in 0..<3 {
      SegData.blur(target + channel * area, height: crop.height, width: crop.width, deviation: deviation)
    }
    return (draw.scale, places)
  }
}
