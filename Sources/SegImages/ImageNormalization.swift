import SegKernels

/// How samples of 0…255 become the numbers that a network was trained on: (x / 255 − mean) / deviation.
public struct ImageNormalization: Sendable, Hashable, Codable {
  /// A mean a channel, red first.
  public let mean: [Float]
  /// A deviation a channel.
  public let deviation: [Float]

  public init(mean: [Float], deviation: [Float]) {
    check(
      mean.count == 3 && deviation.count == 3 && deviation.allSatisfy { $0 > 0 }, "ImageNormalization",
      "expected three means and three positive deviations, found \(mean) and \(deviation)")
    self.mean = mean
    self.deviation = deviation
  }

  /// ImageNet's, which nearly all published weights expect.
  public static let imageNet = ImageNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
}

extension Tensor {
  /// An image as a network's input, 1×3×H×W.
  public init(_ image: Image, normalization: ImageNormalization = .imageNet) {
    let area = image.width * image.height
    self.init(uninitialized: [1, 3, image.height, image.width]) { target in
      image.pixels.withUnsafeBufferPointer { pixels in
        for channel in 0..<3 {
          let scale = 1 / (255 * normalization.deviation[channel])
          let shift = normalization.mean[channel] / normalization.deviation[channel]
          for i in 0..<area { target[channel * area + i] = Float(pixels[3 * i + channel]) * scale - shift }
        }
      }
    }
  }
}
