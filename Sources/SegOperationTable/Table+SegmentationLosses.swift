import SegKernels

extension OperationTable {
  static let segmentationLosses: [OperationCase] =
    crossEntropies + focalLosses
    + [
      ([2, 3, 4, 5] as Shape, LossReduction.none), ([2, 3, 4, 5], .sum), ([2, 3, 4, 5], .mean), ([6, 4], .mean),
      // Of six classes and four pixels, some do not occur.
      ([1, 6, 2, 2], .mean), ([1, 19, 61, 83], .mean), ([1, 19, 512, 1024], .mean),
    ].flatMap { shape, reduction in [dice(shape, reduction), lovasz(shape, reduction)] } + [
      mutualInformation([2, 2, 7, 8], stride: 1, .none), mutualInformation([2, 2, 7, 8], stride: 1, .sum),
      mutualInformation([1, 3, 11, 12], stride: 2, region: 2, .mean), mutualInformation([1, 5, 61, 83], .mean),
      mutualInformation([1, 19, 512, 1024], .mean),
    ]

  private static let ignored = 255

  private static let crossEntropies: [OperationCase] = [
    entropy("mean", [2, 3, 4, 5]), entropy("sum", [2, 3, 4, 5], reduction: .sum),
    entropy("none", [2, 3, 2, 3], reduction: .none), entropy("weights", [2, 4, 3, 3], weights: true),
    entropy("smoothing", [2, 4, 3, 3], smoothing: 0.1),
    entropy("weights and smoothing", [1, 5, 4, 3], weights: true, smoothing: 0.2),
    entropy("rows", [6, 4]), entropy("190 classes", [1, 190, 2], weights: true, smoothing: 0.1),
    entropy("401 classes", [1, 401, 2], weights: true, smoothing: 0.1, checksGradient: true),
    entropy("many pixels", [1, 19, 61, 83], weights: true),
    // The threshold decides, the minimum does, and there are fewer pixels than the minimum.
    entropy("hard", [2, 3, 4, 5], hard: (HardExamples(threshold: 0.3, minimum: .count(2)), 2)),
    entropy("hard, few", [2, 3, 4, 5], weights: true, hard: (HardExamples(threshold: 0.01, minimum: .count(9)), 9)),
    entropy("hard, all", [2, 3, 4, 5], hard: (HardExamples(threshold: 0.3, minimum: .count(100)), 100)),
    entropy("hard, none", [2, 3, 4, 5], reduction: .none, hard: (HardExamples(minimum: .count(4)), 4)),
    entropy("19 classes at 512×1024", [1, 19, 512, 1024]),
    entropy("19 classes at 512×1024, weights and smoothing", [1, 19, 512, 1024], weights: true, smoothing: 0.1),
    entropy("19 classes at 512×1024, hard", [1, 19, 512, 1024], hard: (HardExamples(), 0)),
  ]

  private static let focalLosses: [OperationCase] = [
    focal("mean", [2, 3, 4, 5], 2), focal("none", [2, 3, 2, 3], 2, reduction: .none),
    focal("weights", [2, 4, 3, 3], 0.5, weights: true), focal("19 classes at 512×1024", [1, 19, 512, 1024], 2),
  ]

  /// Labels N×… of scores N×C×…, some of them ignored.
  private static func labels(_ shape: Shape) -> Labels {
    let shape = (Shape([shape[0]] + shape[2...]), classes: shape[1])
    var random = RandomSource(seed: 5)
    return Labels(
      shape.0,
      (0..<shape.0.elementCount).map { _ in
        let value = Int32.random(in: -1..<Int32(shape.classes), using: &random)
        return value < 0 ? Int32(ignored) : value
      })
  }

  private static func weights(_ shape: Shape) -> Tensor {
    var random = RandomSource(seed: 6)
    return .uniform([shape[1]], in: 0.5..<2, using: &random)
  }

  private static func entropy(
    _ label: String, _ shape: Shape, weights: Bool = false, smoothing: Float = 0, reduction: LossReduction = .mean,
    hard: (examples: HardExamples, minimum: Int)? = nil, checksGradient: Bool? = nil
  ) -> OperationCase {
    let labels = labels(shape), classWeights = weights ? Self.weights(shape) : nil
    return OperationCase(
      "crossEntropy", label, [(shape, .normal)], checksGradient: checksGradient,
      run: {
        crossEntropy(
          $0[0], labels, ignoreIndex: ignored, classWeights: classWeights, labelSmoothing: smoothing,
          hardExamples: hard?.examples, reduction: reduction)
      },
      reference: {
        Reference.crossEntropy(
          $0[0], labels: labels.values.map(Int.init), ignoreIndex: ignored,
          classWeights: classWeights.map(ReferenceArray.init), labelSmoothing: Double(smoothing),
          hard: hard.map { (Double($0.examples.threshold), $0.minimum) }, reduction: reduction)
      })
  }

  private static func focal(
    _ label: String, _ shape: Shape, _ focusing: Float, weights: Bool = false, reduction: LossReduction = .mean
  ) -> OperationCase {
    let labels = labels(shape), classWeights = weights ? Self.weights(shape) : nil
    return OperationCase(
      "focalLoss", label, [(shape, .normal)],
      run: {
        focalLoss(
          $0[0], labels, focusing: focusing, ignoreIndex: ignored, classWeights: classWeights, reduction: reduction)
      },
      reference: {
        Reference.crossEntropy(
          $0[0], labels: labels.values.map(Int.init), ignoreIndex: ignored,
          classWeights: classWeights.map(ReferenceArray.init), focusing: Double(focusing), reduction: reduction)
      })
  }

  private static func dice(_ shape: Shape, _ reduction: LossReduction) -> OperationCase {
    let labels = labels(shape)
    return OperationCase(
      "diceLoss", "\(reduction.rawValue) of \(shape)", [(shape, .normal)],
      run: { diceLoss(softmax($0[0]), labels, ignoreIndex: ignored, smoothing: 0.5, reduction: reduction) },
      reference: {
        Reference.diceLoss(
          Reference.softmax($0[0], axis: 1), labels: labels.values.map(Int.init), ignoreIndex: ignored, smoothing: 0.5,
          reduction: reduction)
      })
  }

  private static func lovasz(_ shape: Shape, _ reduction: LossReduction) -> OperationCase {
    let labels = labels(shape)
    return OperationCase(
      "lovaszLoss", "\(reduction.rawValue) of \(shape)", [(shape, .normal)],
      // The definition counts anew for every pixel.
      checksGradient: shape.elementCount <= 120,
      run: { lovaszLoss(softmax($0[0]), labels, ignoreIndex: ignored, reduction: reduction) },
      reference: {
        Reference.lovaszLoss(
          Reference.softmax($0[0], axis: 1), labels: labels.values.map(Int.init), ignoreIndex: ignored,
          reduction: reduction)
      })
  }

  private static func mutualInformation(
    _ shape: Shape, stride: Int = 4, region: Int = 3, _ reduction: LossReduction
  ) -> OperationCase {
    let labels = labels(shape)
    return OperationCase(
      "regionMutualInformationLoss", "\(reduction.rawValue) of \(shape), stride \(stride)", [(shape, .normal)],
      // What little a regression of few samples leaves takes part in the result as its logarithm.
      tolerance: 1e-5,
      run: {
        regionMutualInformationLoss(
          softmax($0[0]), labels, ignoreIndex: ignored, region: region, stride: stride, regularization: 0.01,
          reduction: reduction)
      },
      reference: {
        Reference.regionMutualInformationLoss(
          Reference.softmax($0[0], axis: 1), labels: labels.values.map(Int.init), ignoreIndex: ignored, region: region,
          stride: stride, regularization: 0.01, reduction: reduction)
      })
  }
}
