import Foundation
import SegImages
import SegKernels

/// What a camera does to the light: exposure, white balance, lens, noise, and the file.
public struct SensorModel: Sendable, Hashable {
  /// Factor on the light.
  public var exposure: Float = 1
  /// Factors on red, green and blue.
  public var whiteBalance = SIMD3<Float>(1, 1, 1)
  /// How much darker the corners are, 0…1.
  public var vignetting: Float = 0
  /// Standard deviation of the lens's blur, over the image's width.
  public var blur: Float = 0
  /// Standard deviation of the noise that light itself has, at full light, and of the sensor's own.
  public var shotNoise: Float = 0
  /// See ``shotNoise``.
  public var readNoise: Float = 0
  /// The share of each colour that its neighbour's light makes up, 0…1: filters of another make.
  public var crosstalk: Float = 0
  /// The steepness of the curve from light to value; 1 leaves it as it is.
  public var contrast: Float = 1
  /// How much of what a small blur would take away is added instead.
  public var sharpening: Float = 0
  /// The share of the time between two frames of a clip that the shutter is open: things blur along their way. 0 in
  /// single frames.
  public var shutter: Float = 0
  /// Quality of the JPEG that the picture passes through; nil for none.
  public var jpegQuality: Int?

  /// A perfect camera.
  public init() {}

  /// A camera drawn at random, as one frame has it. Dark streets make noise.
  init(_ domain: StreetDomain, _ random: inout RandomSource) {
    let (time, gain) = domain.exposure
    exposure = exp2(random.between(-0.55, 0.6)) * time
    let warmth = random.between(-0.14, 0.14), tint = random.between(-0.05, 0.05)
    whiteBalance = SIMD3(1 + warmth, 1 + tint, 1 - warmth)
    vignetting = random.between(0, 0.35)
    blur = random.chance(0.6) ? random.between(0.0004, 0.0014) : 0
    shotNoise = random.between(0.005, 0.03) * gain
    readNoise = random.between(0.001, 0.006) * gain
    jpegQuality = random.chance(0.7) ? random.whole(70...96) : nil
    guard domain == .foreignSensor else { return }
    crosstalk = random.between(0.12, 0.28)
    contrast = random.between(1.25, 1.6)
    sharpening = random.between(0.8, 1.8)
    vignetting = random.between(0.3, 0.6)
    whiteBalance *= Vector(random.between(0.75, 1.2), 1, random.between(0.75, 1.3))
    jpegQuality = random.whole(32...60)
  }

  /// The way of the light through lens and filters, before it is exposed.
  private func focused(_ light: [Vector], _ size: Pair) -> [Vector] {
    var light = blur > 0 ? SensorModel.blurred(light, size, deviation: blur * Float(size.width)) : light
    guard crosstalk > 0 || contrast != 1 || sharpening > 0 else { return light }
    if sharpening > 0 {
      let soft = SensorModel.blurred(light, size, deviation: 0.0018 * Float(size.width))
      for place in light.indices { light[place] += (light[place] - soft[place]) * sharpening }
    }
    // Middle grey keeps its place.
    let grey: Float = 0.3
    for place in light.indices {
      let seen = pointwiseMax(light[place], Vector(repeating: 0))
      let mixed = seen * (1 - crosstalk) + Vector(seen.y, seen.z, seen.x) * crosstalk
      let scaled = mixed / grey
      light[place] = Vector(pow(scaled.x, contrast), pow(scaled.y, contrast), pow(scaled.z, contrast)) * grey
    }
    return light
  }

  /// The picture of a scene's light, three linear colours a pixel.
  func develop(_ light: [Vector], size: Pair, _ seed: RandomSource) -> Image {
    let light = focused(light, size)
    let gains = whiteBalance * exposure
    let (middleX, middleY) = (Float(size.width) / 2, Float(size.height) / 2)
    let image = Image(uninitializedWidth: size.width, height: size.height) { target in
      light.withUnsafeBufferPointer { light in
        parallelFor(size.height) { row in
          var random = seed.stream(row)
          let y = (Float(row) + 0.5 - middleY) / middleX
          for column in 0..<size.width {
            let x = (Float(column) + 0.5 - middleX) / middleX
            let falloff = 1 - vignetting * (x * x + y * y) * 0.8
            let place = row * size.width + column
            let exposed = pointwiseMax(light[place] * gains * falloff, Vector(repeating: 0))
            let deviation = (shotNoise * shotNoise * exposed + readNoise * readNoise).squareRoot()
            // The sum of four bytes of one random word is near enough to the normal distribution.
            var bits = random.next()
            for channel in 0..<3 {
              var noise: Float = -510
              for _ in 0..<4 {
                noise += Float(bits & 0xFF)
                bits >>= 5
              }
              target[3 * place + channel] = SensorModel.encoded(exposed[channel] + noise * (deviation[channel] / 148))
            }
          }
        }
      }
    }
    guard let jpegQuality, let file = try? image.jpeg(quality: jpegQuality), let decoded = try? Image(data: file) else {
      return image
    }
    return decoded
  }

  /// A shoulder that keeps bright skies from burning out, then sRGB's curve.
  private static let curve: [UInt8] = (0..<4096).map { index in
    let x = Float(index) / 4096 * 2.5
    let toned = x * (1 + x / 4.4) / (1 + x * 0.85)
    let value = toned <= 0.003_130_8 ? 12.92 * toned : 1.055 * pow(toned, 1 / 2.4) - 0.055
    return UInt8(min(max(value, 0), 1) * 255 + 0.5)
  }

  @inline(__always) private static func encoded(_ x: Float) -> UInt8 {
    curve[Int(min(max(x * (4096 / 2.5), 0), 4095))]
  }

  private static func blurred(_ source: [Vector], _ size: Pair, deviation: Float) -> [Vector] {
    let reach = max(Int((deviation * 2.5).rounded(.up)), 1)
    let weights = (-reach...reach).map { exp(-Float($0 * $0) / (2 * deviation * deviation)) }
    let total = weights.reduce(0, +)
    let taps = weights.map { $0 / total }
    /// Along rows if `step` is 1, along columns if it is the width.
    func pass(_ source: [Vector], extent: Int, step: Int) -> [Vector] {
      [Vector](unsafeUninitializedCapacity: source.count) { target, count in
        source.withUnsafeBufferPointer { source in
          parallelFor(size.height) { row in
            for column in 0..<size.width {
              let place = row * size.width + column, position = step == 1 ? column : row
              var sum = Vector(repeating: 0)
              for (index, tap) in taps.enumerated() {
                let other = min(max(position + index - reach, 0), extent - 1)
                sum += tap * source[place + (other - position) * step]
              }
              (target.baseAddress! + place).initialize(to: sum)
            }
          }
        }
        count = source.count
      }
    }
    return pass(pass(source, extent: size.width, step: 1), extent: size.height, step: size.width)
  }
}
