import Foundation
import SegImages
import SegKernels

/// Random changes of colour, as those of light and cameras: brightness, contrast, saturation and hue, in this order.
///
/// Each factor is drawn evenly from 1 ± its amount; the hue is turned about the grey axis by up to ± its amount, in turns.
/// All four together are one affine map of (red, green, blue), so that a pixel costs one small product.
public struct ColorJitter: Sendable, Hashable {
  /// Every colour times 1 ± this.
  public var brightness: Float
  /// Differences from the image's mean grey times 1 ± this.
  public var contrast: Float
  /// Differences from the pixel's own grey times 1 ± this.
  public var saturation: Float
  /// Turns about the grey axis, ± this.
  public var hue: Float

  /// Amounts of 0 change nothing.
  public init(brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  /// How much red, green and blue make of a grey (ITU-R BT.601).
  static let grey = SIMD3<Float>(0.299, 0.587, 0.114)

  /// y = matrix · x + offset on colours of 0…255, cut off there.
  package struct Transform {
    /// The rows of the matrix.
    var rows: [SIMD3<Float>] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    var offset: SIMD3<Float> = [0, 0, 0]

    package func callAsFunction(_ color: SIMD3<Float>) -> SIMD3<Float> {
      let y = SIMD3((rows[0] * color).sum(), (rows[1] * color).sum(), (rows[2] * color).sum()) + offset
      return y.clamped(lowerBound: SIMD3(repeating: 0), upperBound: SIMD3(repeating: 255))
    }

    /// This map and then that.
    func followed(by next: [SIMD3<Float>]) -> Transform {
      func row(_ weights: SIMD3<Float>) -> SIMD3<Float> {
        weights.x * rows[0] + weights.y * rows[1] + weights.z * rows[2]
      }
      return Transform(
        rows: next.map(row),
        offset: SIMD3((next[0] * offset).sum(), (next[1] * offset).sum(), (next[2] * offset).sum()))
    }

    /// Both matrix and offset times a factor.
    func scaled(by factor: Float) -> Transform { Transform(rows: rows.map { $0 * factor }, offset: offset * factor) }
  }

  /// Draws a map for an image of the given mean grey (0…255).
  package func draw(meanGrey: Float, _ random: inout RandomSource) -> Transform {
    func factor(_ amount: Float) -> Float { 1 + amount * (2 * random.nextUniform() - 1) }
    let light = factor(brightness), contrast = factor(contrast), saturation = factor(saturation)
    let turn = (factor(hue) - 1) * 2 * .pi
    var map = Transform().scaled(by: light * contrast)
    map.offset = SIMD3(repeating: (1 - contrast) * light * meanGrey)
    map = map.followed(
      by: (0..<3).map { axis in
        var row = (1 - saturation) * ColorJitter.grey
        row[axis] += saturation
        return row
      })
    guard hue > 0 else { return map }
    // Rodrigues' rotation about (1, 1, 1)/√3.
    let (c, s) = (cos(turn), sin(turn) / Float(3).squareRoot())
    let same = (1 - c) / 3
    return map.followed(by: [
      [c + same, same - s, same + s], [same + s, c + same, same - s], [same - s, same + s, c + same],
    ])
  }

  /// The mean grey of an image, from every 16th pixel.
  static func meanGrey(_ image: Image) -> Float {
    let pixels = image.pixels
    var sum: Float = 0, count: Float = 0
    for place in stride(from: 0, to: pixels.count - 2, by: 48) {
      sum += (SIMD3(Float(pixels[place]), Float(pixels[place + 1]), Float(pixels[place + 2])) * grey).sum()
      count += 1
    }
    return count > 0 ? sum / count : 0
  }
}
