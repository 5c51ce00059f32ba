import Glibc

/// What a network that finds things by centres and offsets should predict: Panoptic-DeepLab's targets.
///
/// Every counted thing draws a Gaussian around its centroid (the larger of two where they meet), and its pixels point to
/// the centroid. Void and groups of things count in no loss; offsets count on counted things alone; pixels of small
/// things count for more in the semantic loss. Cheng et al. 2020, section 3.1; the released code draws groups like
/// things, without effect but where their Gaussian reaches their neighbours.
public struct PanopticTargets: Sendable {
  /// What follows from the size of the images.
  public struct Rules: Sendable, Hashable {
    /// σ of the Gaussians, pixels. They span 3σ + 1 to each side.
    public var sigma: Float
    /// A thing of fewer pixels is small.
    public var smallArea: Int
    /// How much pixels of small things count.
    public var smallWeight: Float

    /// The published rules for images of 1024×2048.
    public init(sigma: Float = 8, smallArea: Int = 4096, smallWeight: Float = 3) {
      self.sigma = sigma
      self.smallArea = smallArea
      self.smallWeight = smallWeight
    }
  }

  /// N×H×W classes, groups of things ignored.
  public let semantic: Labels
  /// N×H×W.
  public let semanticWeights: Tensor
  /// N×1×H×W, 0…1.
  public let center: Tensor
  /// N×1×H×W: 1 where a pixel's class is known and it is in no group.
  public let centerWeights: Tensor
  /// N×2×H×W, pixels down and right to the centroid.
  public let offset: Tensor
  /// N×1×H×W: 1 on counted things.
  public let offsetWeights: Tensor
  /// The centroids (row, column) of each image's things, in the order of their numbers.
  public let centroids: [[SIMD2<Double>]]

  /// The targets of a batch.
  ///
  /// - Parameters:
  ///   - labels: N×H×W; labels that are no class are void.
  ///   - instances: N×H×W, above 0 on counted things, another number for each of an image; looked at on things alone.
  ///   - things: which classes are things.
  ///   - ignoreIndex: what semantic targets have where nothing is known.
  ///   - rules: the size of Gaussians, and how much small things count.
  public init(labels: Labels, instances: Labels, things: [Bool], ignoreIndex: Int, rules: Rules = Rules()) {
    let shape = labels.shape
    check(
      shape.rank == 3 && instances.shape == shape, "PanopticTargets",
      "expected labels and instances N×H×W, found \(shape) and \(instances.shape)")
    let (height, width) = (shape[1], shape[2]), area = height * width
    var semantic = labels.values, weights = [Float](repeating: 1, count: shape.elementCount)
    var center = [Float](repeating: 0, count: shape.elementCount), offset = [Float](repeating: 0, count: 2 * center.count)
    var centerWeights = center, offsetWeights = center, centroids: [[SIMD2<Double>]] = []
    for first in stride(from: 0, to: shape.elementCount, by: max(area, 1)) {
      var sums: [Int32: (row: Int, column: Int, count: Int)] = [:]
      for pixel in first..<(first + area) {
        let label = Int(labels.values[pixel])
        guard things.indices.contains(label) else {
          semantic[pixel] = Int32(ignoreIndex)
          continue
        }
        centerWeights[pixel] = 1
        guard things[label] else { continue }
        let number = instances.values[pixel]
        guard number > 0 else {
          (semantic[pixel], centerWeights[pixel]) = (Int32(ignoreIndex), 0)
          continue
        }
        offsetWeights[pixel] = 1
        let place = pixel - first
        sums[number, default: (0, 0, 0)].row += place / width
        sums[number]!.column += place % width
        sums[number]!.count += 1
      }
      let centres = sums.mapValues {
        SIMD2(Double($0.row) / Double($0.count), Double($0.column) / Double($0.count))
      }
      for pixel in first..<(first + area) where offsetWeights[pixel] > 0 {
        let number = instances.values[pixel], centre = centres[number]!, place = pixel - first
        // Two planes an image.
        offset[first + pixel] = Float(centre.x - Double(place / width))
        offset[first + pixel + area] = Float(centre.y - Double(place % width))
        if sums[number]!.count < rules.smallArea { weights[pixel] = rules.smallWeight }
      }
      let order = centres.keys.sorted()
      for number in order {
        center.withUnsafeMutableBufferPointer {
          draw(centres[number]!, rules.sigma, on: $0.baseAddress! + first, height: height, width: width)
        }
      }
      centroids.append(order.map { centres[$0]! })
    }
    let map: Shape = [shape[0], 1, height, width]
    self.semantic = Labels(shape, semantic)
    semanticWeights = Tensor(shape, weights)
    self.center = Tensor(map, center)
    self.centerWeights = Tensor(map, centerWeights)
    self.offset = Tensor([shape[0], 2, height, width], offset)
    self.offsetWeights = Tensor(map, offsetWeights)
    self.centroids = centroids
  }
}

/// The larger of a map and a Gaussian around a centre, whose fraction is cut off.
private func draw(
  _ centre: SIMD2<Double>, _ sigma: Float, on map: UnsafeMutablePointer<Float>, height: Int, width: Int
) {
  let row = Int(centre.x), column = Int(centre.y), reach = Int((3 * sigma).rounded(.up)) + 1
  for y in max(row - reach, 0)...min(row + reach, height - 1) {
    for x in max(column - reach, 0)...min(column + reach, width - 1) {
      let distance = Float((y - row) * (y - row) + (x - column) * (x - column))
      map[y * width + x] = max(map[y * width + x], expf(-distance / (2 * sigma * sigma)))
    }
  }
}
