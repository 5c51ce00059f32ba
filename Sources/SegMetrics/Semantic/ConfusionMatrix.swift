import SegKernels

/// Counts of (true class, predicted class) over a whole data set, and the scores that follow from them.
///
/// The field's mean IoU is that of the data set's counts, not the mean of the images' scores: add every image to one
/// matrix, then read ``meanIoU(void:)``. A class that occurs neither in truth nor in prediction has no score and is left
/// out of the means.
public struct ConfusionMatrix: Sendable, Hashable {
  /// What happens where the truth says "ignore".
  public enum VoidMode: String, Sendable, Hashable, Codable {
    /// The pixel does not count.
    case ignored
    /// The pixel counts as a false positive of the predicted class.
    case falsePositive
  }

  /// The number of classes.
  public let classes: Int
  /// The true label of pixels that do not count.
  public let ignoreIndex: Int?
  /// `counts[t * (classes + 1) + p]`: pixels of true class t (row `classes`: void) predicted as p (column `classes`:
  /// a label that is no class).
  private var counts: [Int]

  /// An empty matrix.
  ///
  /// - Parameters:
  ///   - classes: how many classes are counted.
  ///   - ignoreIndex: labels of the truth that equal it, or that are no class at all, are void.
  public init(classes: Int, ignoreIndex: Int? = 255) {
    check(classes > 0, "ConfusionMatrix", "needs at least one class, found \(classes)")
    self.classes = classes
    self.ignoreIndex = ignoreIndex
    counts = [Int](repeating: 0, count: (classes + 1) * (classes + 1))
  }

  /// Counts the pixels of one prediction. Traps if the shapes differ.
  public mutating func add(prediction: Labels, truth: Labels) {
    check(
      prediction.shape == truth.shape, "ConfusionMatrix.add",
      "prediction \(prediction.shape) and truth \(truth.shape) differ in shape")
    // Whole chunks go to threads; sums of integers do not depend on their order.
    let chunk = 1 << 18, chunks = (truth.count + chunk - 1) / chunk
    var parts = [Int](repeating: 0, count: chunks * counts.count)
    parts.withUnsafeMutableBufferPointer { parts in
      let base = parts.baseAddress
      prediction.withUnsafeBufferPointer { prediction in
        truth.withUnsafeBufferPointer { truth in
          parallelFor(chunks) { number in
            let pixels = (number * chunk)..<min((number + 1) * chunk, truth.count)
            count(
              UnsafeBufferPointer(rebasing: prediction[pixels]), UnsafeBufferPointer(rebasing: truth[pixels]),
              into: base! + number * counts.count)
          }
        }
      }
    }
    for (index, part) in parts.enumerated() { counts[index % counts.count] += part }
  }

  /// Pixels come in runs of one pair of labels: the table is touched once a run.
  private func count(
    _ prediction: UnsafeBufferPointer<Int32>, _ truth: UnsafeBufferPointer<Int32>, into table: UnsafeMutablePointer<Int>
  ) {
    let classes = UInt32(classes), side = self.classes + 1
    let ignored = ignoreIndex.flatMap { Int32(exactly: $0) }.map { UInt32(bitPattern: $0) } ?? classes
    var index = 0, first = 0
    var last: (UInt32, UInt32)?
    for i in truth.indices {
      let (t, p) = (UInt32(bitPattern: truth[i]), UInt32(bitPattern: prediction[i]))
      if let last, last == (t, p) { continue }
      table[index] += i - first
      (first, last) = (i, (t, p))
      index = Int(t == ignored ? classes : min(t, classes)) * side + Int(min(p, classes))
    }
    table[index] += truth.count - first
  }

  /// Adds the counts of another part of the data set.
  public static func += (a: inout ConfusionMatrix, b: ConfusionMatrix) {
    check(a.classes == b.classes, "ConfusionMatrix", "\(a.classes) and \(b.classes) classes do not add up")
    for index in a.counts.indices { a.counts[index] += b.counts[index] }
  }

  /// Pixels of a true class predicted as a class.
  public func count(truth: Int, prediction: Int) -> Int { counts[truth * (classes + 1) + prediction] }

  /// Pixels of a true class.
  public func truthCount(_ index: Int) -> Int { (0...classes).reduce(0) { $0 + count(truth: index, prediction: $1) } }

  /// Pixels predicted as a class, void left out or counted.
  public func predictionCount(_ index: Int, void: VoidMode = .ignored) -> Int {
    (0..<(void == .ignored ? classes : classes + 1)).reduce(0) { $0 + count(truth: $1, prediction: index) }
  }

  /// TP / (TP + FP + FN) of each class; nil for one that occurs neither in truth nor in prediction.
  public func iou(void: VoidMode = .ignored) -> [Double?] {
    scores { index in
      let hits = count(truth: index, prediction: index)
      return (Double(hits), Double(truthCount(index) + predictionCount(index, void: void) - hits))
    }
  }

  /// 2 TP / (2 TP + FP + FN) of each class.
  public func dice(void: VoidMode = .ignored) -> [Double?] {
    scores {
      (2 * Double(count(truth: $0, prediction: $0)), Double(truthCount($0) + predictionCount($0, void: void)))
    }
  }

  /// TP / (TP + FN) of each class; nil for one that does not occur in the truth.
  public var classAccuracy: [Double?] {
    scores { (Double(count(truth: $0, prediction: $0)), Double(truthCount($0))) }
  }

  /// The mean of ``iou(void:)`` over the classes that have one; NaN without any.
  public func meanIoU(void: VoidMode = .ignored) -> Double { mean(iou(void: void)) }

  /// The mean of ``classAccuracy``.
  public var meanClassAccuracy: Double { mean(classAccuracy) }

  /// The share of labelled pixels that are predicted right.
  public var pixelAccuracy: Double {
    Double((0..<classes).reduce(0) { $0 + count(truth: $1, prediction: $1) }) / Double(labelled)
  }

  /// IoU weighted by how frequent each class is in the truth.
  public var frequencyWeightedIoU: Double {
    zip(iou(), 0..<classes).reduce(0) { $0 + ($1.0 ?? 0) * Double(truthCount($1.1)) } / Double(labelled)
  }

  /// The number of pixels whose truth is a class.
  public var labelled: Int { (0..<classes).reduce(0) { $0 + truthCount($1) } }

  /// Classes that occur neither in truth nor in prediction.
  public var absentClasses: [Int] { zip(iou(), 0..<classes).compactMap { $0 == nil ? $1 : nil } }

  private func scores(_ ratio: (Int) -> (Double, Double)) -> [Double?] {
    (0..<classes).map {
      let (part, whole) = ratio($0)
      return whole > 0 ? part / whole : nil
    }
  }

  private func mean(_ scores: [Double?]) -> Double {
    let known = scores.compactMap { $0 }
    return known.reduce(0, +) / Double(known.count)
  }
}

// What a bootstrap over images adds up.
extension ConfusionMatrix {
  /// For each class in turn: pixels that are right, that are of the class, that are predicted as it (void left out).
  package var sums: [Double] {
    (0..<classes).flatMap {
      [Double(count(truth: $0, prediction: $0)), Double(truthCount($0)), Double(predictionCount($0))]
    }
  }

  /// ``meanIoU(void:)`` of such a list, or of the sum of several; nil without any class.
  package static func meanIoU(ofSums sums: [Double]) -> Double? {
    stride(from: 0, to: sums.count, by: 3).map { first -> Double? in
      let (hits, truth, predicted) = (sums[first], sums[first + 1], sums[first + 2])
      return truth + predicted > 0 ? hits / (truth + predicted - hits) : nil
    }.meanOfKnown
  }
}
