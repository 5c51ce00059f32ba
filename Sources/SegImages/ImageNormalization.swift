import SegKernels

/// How pixels become the numbers that a network was trained on: (x / 255 - mean) / deviation, channel by channel.
public struct ImageNormalization: Sendable, Hashable, Codable {
  /// The mean of red, green and blue, as shares of full intensity.
  public let mean: [Float]
  /// The standard deviation of red, green and blue, as shares of full intensity.
  public let deviation: [Float]

  /// A normalisation by the statistics of a data set. Traps unless both have three values and deviations are positive.
  public init(mean: [Float], deviation: [Float]) {
    check(
      Self.isSound(mean, deviation), "ImageNormalization",
      "expected three means and three positive deviations, found \(mean) and \(deviation)")
    self.mean = mean
    self.deviation = deviation
  }

  /// Reads a normalisation that a file holds. Throws `DecodingError` where `init(mean:deviation:)` traps.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    mean = try container.decode([Float].self, forKey: .mean)
    deviation = try container.decode([Float].self, forKey: .deviation)
    guard Self.isSound(mean, deviation) else {
      throw DecodingError.dataCorruptedError(
        forKey: .mean, in: container, debugDescription: "expected three means and three positive deviations")
    }
  }

  private static func isSound(_ mean: [Float], _ deviation: [Float]) -> Bool {
    mean.count == 3 && deviation.count == 3 && mean.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0 > 0 && $0.isFinite }
  }

  /// The statistics of ImageNet, which most published encoders were trained with.
  public static let imageNet = ImageNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

  /// Intensities from 0 to 1, as they are.
  public static let unit = ImageNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

  /// The normalised value of each of the 256 intensities of a channel.
  func table(channel: Int) -> [Float] {
    (0..<256).map { (Float($0) / 255 - mean[channel]) / deviation[channel] }
  }
}

extension Tensor {
  /// An image as `[1, 3, H, W]`, normalised.
  public init(_ image: Image, normalization: ImageNormalization = .imageNet) {
    self.init([image], normalization: normalization)
  }

  /// A batch of images of one size as `[N, 3, H, W]`, normalised. Traps if their sizes differ.
  public init(_ images: [Image], normalization: ImageNormalization = .imageNet) {
    guard let first = images.first else { misuse("Tensor of images", "expected at least one image") }
    for image in images {
      check(
        image.width == first.width && image.height == first.height, "Tensor of images",
        "expected images of one size, found \(first.width)x\(first.height) and \(image.width)x\(image.height)")
    }
    let area = first.width * first.height
    self.init(uninitialized: [images.count, 3, first.height, first.width]) { target in
      for channel in 0..<3 {
        let table = normalization.table(channel: channel)
        for (index, image) in images.enumerated() {
          let plane = target.baseAddress! + (3 * index + channel) * area
          table.withUnsafeBufferPointer { table in
            image.pixels.withUnsafeBufferPointer { pixels in
              for pixel in 0..<area { plane[pixel] = table[Int(pixels[3 * pixel + channel])] }
            }
          }
        }
      }
    }
  }
}

extension Image {
  /// The picture that a normalised tensor `[3, H, W]` or `[1, 3, H, W]` came from, rounded and clamped: what an
  /// augmented sample looks like.
  public init(_ tensor: Tensor, normalization: ImageNormalization = .imageNet) {
    let shape = tensor.shape
    check(
      shape.rank == 3 && shape[0] == 3 || shape.rank == 4 && shape[0] == 1 && shape[1] == 3, "Image of a tensor",
      "expected 3×H×W or 1×3×H×W, found shape \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    self.init(uninitializedWidth: width, height: height) { target in
      tensor.withUnsafeBufferPointer { source in
        for channel in 0..<3 {
          let (mean, deviation) = (normalization.mean[channel], normalization.deviation[channel])
          for pixel in 0..<(width * height) {
            let value = (source[channel * width * height + pixel] * deviation + mean) * 255
            // NaN compares false everywhere and ends as black.
            target[3 * pixel + channel] = value > 0 ? UInt8(min(value, 255).rounded()) : 0
          }
        }
      }
    }
  }
}
