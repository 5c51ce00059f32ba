import SegKernels

/// The boundary F-score, class by class, at several distances.
///
/// For a class, precision is the share of the prediction's boundary pixels that lie within d pixels of a boundary pixel
/// of the truth, recall the share of the truth's that lie within d of the prediction's, and F = 2 P R / (P + R), from
/// counts summed over the data set. Boundaries are one pixel wide; there is none along the frame, and none towards
/// void. Boundary pixels within d of void do not count on either side, though others may match them.
///
/// A class has no score if it does not occur in the truth, or if neither side has a boundary pixel that counts; where
/// only one side has some, F is 0.
///
/// Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation" (DAVIS), 2016;
/// Takikawa et al., "Gated-SCNN", 2019, section 4.
public struct BoundaryF: Sendable, Hashable {
  /// Boundary pixels of one class: how many count, and how many of these have a partner.
  public struct Counts: Sendable, Hashable {
    /// Boundary pixels of the truth, and those with a partner; of the prediction, and those with a partner.
    public internal(set) var truth = 0, truthMatched = 0, prediction = 0, predictionMatched = 0

    /// The share of predicted boundary pixels that are right; nil without any.
    public var precision: Double? { share(predictionMatched, of: prediction) }
    /// The share of true boundary pixels that are found; nil without any.
    public var recall: Double? { share(truthMatched, of: truth) }

    /// 2 P R / (P + R); 0 if one side is empty, nil if both are.
    public var f: Double? {
      guard let precision, let recall else { return truth + prediction > 0 ? 0 : nil }
      return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }
  }

  /// The number of classes.
  public let classes: Int
  /// The true label of pixels that do not count.
  public let ignoreIndex: Int?
  /// The distances.
  public let tolerances: [BoundaryTolerance]
  /// By distance, then class.
  private var counts: [[Counts]]
  /// Pixels of each class in the truth.
  private var truthPixels: [Int]
  /// By distance: the sum of the images' scores, and how many have one.
  private var imageSums: [Double], imageCounts: [Int]

  /// No image yet.
  ///
  /// - Parameters:
  ///   - classes: how many classes are scored.
  ///   - ignoreIndex: labels of the truth that equal it, or that are no class, are void.
  ///   - tolerances: the distances d.
  public init(classes: Int, ignoreIndex: Int? = 255, tolerances: [BoundaryTolerance] = BoundaryTolerance.standard) {
    check(classes > 0, "BoundaryF", "needs at least one class, found \(classes)")
    self.classes = classes
    self.ignoreIndex = ignoreIndex
    self.tolerances = tolerances
    counts = Array(repeating: Array(repeating: Counts(), count: classes), count: tolerances.count)
    truthPixels = Array(repeating: 0, count: classes)
    imageSums = Array(repeating: 0, count: tolerances.count)
    imageCounts = Array(repeating: 0, count: tolerances.count)
  }

  /// Counts the boundaries of one image, H×W. Traps if the shapes differ.
  public mutating func add(prediction: Labels, truth: Labels) {
    checkPair(prediction, truth, "BoundaryF.add")
    let (height, width) = (truth.shape[-2], truth.shape[-1])
    let radii = tolerances.map { $0.radius(height: height, width: width) }
    guard let reach = radii.max() else { return }
    let void = voidMask(truth, classes: classes, ignoreIndex: ignoreIndex)
    let toVoid = DistanceTransform.squared(to: void, within: reach).values
    let found = ClassBoundaries(prediction, void: void, classes: classes).positions
    let wanted = ClassBoundaries(truth, void: void, classes: classes).positions

    let image = concurrentMap(Array(0..<classes)) { index in
      let toTruth = ClassBoundaries.squaredDistances(from: found[index], to: wanted[index], width: width, within: reach)
      let toFound = ClassBoundaries.squaredDistances(from: wanted[index], to: found[index], width: width, within: reach)
      return radii.map { radius in
        let square = Int32(radius * radius)
        var counts = Counts()
        for (pixel, distance) in zip(found[index], toTruth) where toVoid[pixel] > square {
          counts.prediction += 1
          if distance <= square { counts.predictionMatched += 1 }
        }
        for (pixel, distance) in zip(wanted[index], toFound) where toVoid[pixel] > square {
          counts.truth += 1
          if distance <= square { counts.truthMatched += 1 }
        }
        return counts
      }
    }
    var present = [Int](repeating: 0, count: classes)
    for label in truth.values where label >= 0 && label < classes && Int(label) != ignoreIndex {
      present[Int(label)] += 1
    }
    for index in 0..<classes { truthPixels[index] += present[index] }
    for level in tolerances.indices {
      for index in 0..<classes { counts[level][index] += image[index][level] }
      let scores = (0..<classes).map { present[$0] > 0 ? image[$0][level].f : nil }
      if let mean = scores.meanOfKnown {
        imageSums[level] += mean
        imageCounts[level] += 1
      }
    }
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout BoundaryF, b: BoundaryF) {
    check(
      a.classes == b.classes && a.tolerances == b.tolerances, "BoundaryF",
      "parts of \(a.classes) and \(b.classes) classes, or of other distances, do not add up")
    for level in a.tolerances.indices {
      for index in 0..<a.classes { a.counts[level][index] += b.counts[level][index] }
      a.imageSums[level] += b.imageSums[level]
      a.imageCounts[level] += b.imageCounts[level]
    }
    for index in 0..<a.classes { a.truthPixels[index] += b.truthPixels[index] }
  }

  /// The counts of each class at the distance of that number; nil for a class that the truth lacks.
  public func counts(at level: Int) -> [Counts?] {
    (0..<classes).map { truthPixels[$0] > 0 ? counts[level][$0] : nil }
  }

  /// The mean of the classes' F; nil without any.
  public func meanF(at level: Int) -> Double? { counts(at: level).map { $0?.f }.meanOfKnown }

  /// The mean over images of the mean over the classes that each image's truth holds; nil without any.
  public func meanFOverImages(at level: Int) -> Double? {
    imageCounts[level] > 0 ? imageSums[level] / Double(imageCounts[level]) : nil
  }
}

extension BoundaryF.Counts {
  static func += (a: inout Self, b: Self) {
    a.truth += b.truth
    a.truthMatched += b.truthMatched
    a.prediction += b.prediction
    a.predictionMatched += b.predictionMatched
  }
}

// What a bootstrap over images adds up.
extension BoundaryF {
  /// All counts in one list: the pixels of each class, then level by level and class by class four numbers.
  package var sums: [Double] {
    truthPixels.map(Double.init)
      + counts.joined().flatMap { [$0.truth, $0.truthMatched, $0.prediction, $0.predictionMatched].map(Double.init) }
  }

  /// ``meanF(at:)`` of such a list, or of the sum of several.
  package static func meanF(ofSums sums: [Double], classes: Int, level: Int) -> Double? {
    (0..<classes).map { index -> Double? in
      guard sums[index] > 0 else { return nil }
      let start = classes + 4 * (level * classes + index)
      let numbers = sums[start..<(start + 4)].map { Int($0) }
      return Counts(
        truth: numbers[0], truthMatched: numbers[1], prediction: numbers[2], predictionMatched: numbers[3]
      ).f
    }.meanOfKnown
  }
}
