import SegImages
import SegKernels
import SegMetrics

/// Perceptual consistency of two segmented frames: does the pixel that looks most alike have the same label?
///
/// With R the cosine similarities between the features of A's and B's positions, for a position i of A
///
///     u = max over j of R(i, j)                                       (1)
///     v = max over j of R(i, j) · [label of i = label of j]           (2)
///     pc(i) = (v − mean R(i, ·)) / (u − mean R(i, ·))                 (3)
///
/// PC(A → B) is the mean of pc over A, PC(A, B) the smaller of both directions, and a video's score the mean over
/// neighbouring frames (4). A constant or frozen prediction scores 1: read it beside mIoU.
///
/// The condition in (2) is a factor, so a label that B lacks has v = 0 and, where similarities are positive, a negative
/// pc. Where u − mean is at most 10⁻⁶ all of B looks alike (or features are 0), and the quotient is replaced by its
/// sense: 1 if the own label is matched as well as any, else 0. R is never in memory: its maxima come from tiles, its
/// means from mean R(i, ·) = a_i · mean(b).
///
/// Zhang et al., "Perceptual Consistency in Video Segmentation", WACV 2022 (arXiv 2110.12385), equations 1 to 4, and its
/// published function.
public struct PerceptualConsistency: Sendable {
  /// Where matches are looked for.
  public enum Search: Sendable, Hashable {
    /// In the whole frame, as published.
    case everywhere
    /// At most so many positions to each side: much faster, and blind to larger motion. Means stay those of the whole
    /// frame, and frames must have one size. A label that the window lacks counts as one that B lacks.
    case window(radius: Int)
  }

  /// pc of each position of A: h×w.
  public let mapA: Tensor
  /// pc of each position of B.
  public let mapB: Tensor
  /// PC(A → B) and PC(B → A).
  public let aToB, bToA: Double

  /// PC(A, B): the smaller of both directions.
  public var score: Double { min(aToB, bToA) }

  /// Below this, u − mean carries no information.
  static let epsilon = 1e-6

  /// Compares two frames; both directions come from one pass over R.
  ///
  /// - Parameters:
  ///   - featuresA: C×h×w; vectors need not be normalised. A vector of zeros is similar to nothing.
  ///   - labelsA: h×w, at the features' resolution; see ``resizedLabels(_:to:)``.
  ///   - featuresB: C×h'×w'.
  ///   - labelsB: h'×w'.
  ///   - search: which positions are compared.
  ///
  /// Traps if shapes do not fit or a frame is empty.
  public init(
    featuresA: Tensor, labelsA: Labels, featuresB: Tensor, labelsB: Labels, search: Search = .everywhere
  ) {
    for (features, labels) in [(featuresA, labelsA), (featuresB, labelsB)] {
      check(
        features.rank == 3 && features.shape[0] == featuresA.shape[0]
          && labels.shape.suffix(2) == features.shape.suffix(2)
          && labels.count == features.shape[1] * features.shape[2] && labels.count > 0, "PerceptualConsistency",
        "expected features C×h×w and labels h×w, found \(features.shape) and \(labels.shape)")
    }
    let a = FeatureRows(featuresA), b = FeatureRows(featuresB)
    let matches: GroupedMatches
    switch search {
    case .everywhere: matches = groupedMatches(a.rows, groups: labelsA.values, b.rows, groups: labelsB.values)
    case .window(let radius):
      check(
        featuresA.shape == featuresB.shape, "PerceptualConsistency",
        "a window needs frames of one size, found \(featuresA.shape) and \(featuresB.shape)")
      matches = windowedMatches(
        a.rows, groups: labelsA.values, b.rows, groups: labelsB.values,
        size: Pair(height: featuresA.shape[1], width: featuresA.shape[2]), radius: radius)
    }
    (mapA, aToB) = PerceptualConsistency.map(
      matches.ownA, matches.otherA, means: a.products(with: b.mean), shape: labelsA.shape)
    (mapB, bToA) = PerceptualConsistency.map(
      matches.ownB, matches.otherB, means: b.products(with: a.mean), shape: labelsB.shape)
  }

  /// PC(A, B) of two frames as a function of their labels, which may have any size.
  public static func scorer(_ featuresA: Tensor, _ featuresB: Tensor) -> (Labels, Labels) -> Double {
    { labelsA, labelsB in
      PerceptualConsistency(
        featuresA: featuresA, labelsA: resizedLabels(labelsA, to: featuresA), featuresB: featuresB,
        labelsB: resizedLabels(labelsB, to: featuresB)
      ).score
    }
  }

  /// Equation 3 at every position, and its mean.
  private static func map(
    _ own: [Float], _ other: [Float], means: [Double], shape: Shape
  ) -> (map: Tensor, mean: Double) {
    var sum = 0.0
    let map = Tensor(uninitialized: shape) { map in
      for place in own.indices {
        let u = Double(max(own[place], other[place]))
        // Positions of other labels take part in equation 2 with 0.
        let v = other[place] == -.infinity ? Double(own[place]) : max(Double(own[place]), 0)
        let span = u - means[place]
        let pc = span > epsilon ? (v - means[place]) / span : (v >= u - epsilon ? 1 : 0)
        map[place] = Float(pc)
        sum += pc
      }
    }
    return (map, sum / Double(own.count))
  }

  /// Labels at the size of features, by the nearest pixel: what equation 2 compares.
  ///
  /// - Parameters:
  ///   - labels: of any size.
  ///   - features: C×h×w.
  public static func resizedLabels(_ labels: Labels, to features: Tensor) -> Labels {
    labels.resizedNearest(width: features.shape[2], height: features.shape[1])
      .reshaped([features.shape[1], features.shape[2]])
  }
}

/// Features as rows of length 1, one a position.
struct FeatureRows {
  /// n×C; rows without any feature stay 0.
  let rows: Tensor
  /// The mean of the rows.
  let mean: [Double]

  /// - Parameter features: C×h×w.
  init(_ features: Tensor) {
    let (channels, count) = (features.shape[0], features.shape[1] * features.shape[2])
    rows = Tensor(uninitialized: [count, channels]) { rows in
      features.withUnsafeBufferPointer { features in
        guard let rows = rows.baseAddress, let features = features.baseAddress else { return }
        parallelRuns(count, grain: 256) { run in
          var squares = [Double](repeating: 0, count: run.count)
          for channel in 0..<channels {
            for place in run {
              let value = Double(features[channel * count + place])
              squares[place - run.lowerBound] += value * value
            }
          }
          let scales = squares.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
          for place in run {
            let scale = scales[place - run.lowerBound]
            for channel in 0..<channels {
              rows[place * channels + channel] = Float(Double(features[channel * count + place]) * scale)
            }
          }
        }
      }
    }
    var sums = [Double](repeating: 0, count: channels)
    rows.withUnsafeBufferPointer { rows in
      for place in 0..<count {
        for channel in 0..<channels { sums[channel] += Double(rows[place * channels + channel]) }
      }
    }
    mean = sums.map { $0 / Double(count) }
  }

  /// The inner product of every row with a vector.
  func products(with vector: [Double]) -> [Double] {
    let channels = vector.count, count = channels > 0 ? rows.count / channels : rows.shape[0]
    return [Double](unsafeUninitializedCapacity: count) { result, initialized in
      let result = result.baseAddress
      rows.withUnsafeBufferPointer { rows in
        vector.withUnsafeBufferPointer { vector in
          parallelRuns(count, grain: 1024) { run in
            for place in run {
              var sum = 0.0
              for channel in 0..<channels { sum += Double(rows[place * channels + channel]) * vector[channel] }
              (result! + place).initialize(to: sum)
            }
          }
        }
      }
      initialized = count
    }
  }
}
