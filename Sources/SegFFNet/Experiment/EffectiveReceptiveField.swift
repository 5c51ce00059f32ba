import SegData
import SegImages
import SegKernels

/// How far from a pixel the image still matters for it: Σ |∂ logit_centre / ∂x| over images and channels, by distance.
///
/// For each image one class is drawn at random, and the gradient of its logit in the middle of the map is taken with
/// respect to the image; absolute values are summed over the image's channels and over images, each image's sum
/// counting the same. Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
/// 2016 (whose own measure is the number of pixels above a share of the largest; the radius that holds a share of the
/// sum has no threshold in units of the gradient).
public struct EffectiveReceptiveField: Sendable {
  /// The summed gradients of pixels by whole pixels of distance from the centre.
  private let rings: [Double]

  /// Measures a network on the first images of a data set. The network's parameters and statistics stay as they are.
  ///
  /// - Parameters:
  ///   - network: makes logits of images.
  ///   - dataset: where images come from.
  ///   - images: how many of them.
  ///   - usesBatchStatistics: whether norms take the image's own statistics, for networks whose running ones have seen
  ///     nothing yet.
  ///   - seed: draws the channels.
  /// - Throws: what reading the data throws.
  public init(
    _ network: any UnaryModule, on dataset: any SegmentationDataset, images: Int, usesBatchStatistics: Bool = false,
    seed: UInt64
  ) throws {
    var random = RandomSource(seed: seed, name: "effective receptive field"), rings: [Double] = []
    let parameters = network.parameters, values = parameters.map(\.value)
    network.setTraining(usesBatchStatistics)
    defer {
      network.setTraining(false)
      for (parameter, value) in zip(parameters, values) { parameter.value = value }
    }
    for index in 0..<min(images, dataset.count) {
      let x = Tensor(try dataset.sample(at: index).image, normalization: .imageNet)
      EffectiveReceptiveField.add(network, x, &random, to: &rings)
    }
    self.rings = rings
  }

  private static func add(
    _ network: any UnaryModule, _ x: Tensor, _ random: inout RandomSource, to rings: inout [Double]
  ) {
    var rows = 0, columns = 0
    let gradient = valueAndGradient(at: [x]) { inputs in
      let logits = network(inputs[0])
      (rows, columns) = (logits.shape[2], logits.shape[3])
      let channel = Int.random(in: 0..<logits.shape[1], using: &random)
      return logits.slice(axis: 1, channel..<(channel + 1)).slice(axis: 2, (rows / 2)..<(rows / 2 + 1))
        .slice(axis: 3, (columns / 2)..<(columns / 2 + 1))
    }.gradients[0].scalars
    let (height, width) = (x.shape[2], x.shape[3]), area = height * width
    // The middle of the logit, in pixels of the image.
    let centre = (
      y: (Double(rows / 2) + 0.5) * Double(height) / Double(rows) - 0.5,
      x: (Double(columns / 2) + 0.5) * Double(width) / Double(columns) - 0.5
    )
    let total = gradient.reduce(0.0) { $0 + Double(abs($1)) }
    guard total > 0 else { return }
    for pixel in 0..<area {
      let value = (0..<x.shape[1]).reduce(0.0) { $0 + Double(abs(gradient[$1 * area + pixel])) }
      guard value > 0 else { continue }
      let (dy, dx) = (Double(pixel / width) - centre.y, Double(pixel % width) - centre.x)
      let ring = Int((dy * dy + dx * dx).squareRoot())
      if ring >= rings.count { rings += [Double](repeating: 0, count: ring + 1 - rings.count) }
      rings[ring] += value / total
    }
  }

  /// The radius in pixels within which a share of the sum lies, between whole pixels in proportion; nil if no gradient
  /// is other than 0.
  public func radius(holding share: Double) -> Double? {
    let total = rings.reduce(0, +)
    guard total > 0 else { return nil }
    var below = 0.0
    for (ring, value) in rings.enumerated() {
      if below + value >= share * total { return Double(ring) + (share * total - below) / value }
      below += value
    }
    return Double(rings.count)
  }
}
