import CSegKernels

/// How centres and offsets become things.
public struct GroupingRules: Sendable, Hashable {
  /// Which classes are things.
  public var things: [Bool]
  /// A score at or below this makes no centre.
  public var threshold: Float
  /// The side of the square in which a centre is the largest; odd.
  public var window: Int
  /// The most centres of an image: those with the highest scores.
  public var maximumCentres: Int
  /// The pixels that a class of stuff must have; smaller regions become void.
  public var stuffArea: Int
  /// The label of pixels that belong to nothing.
  public var void: Int32

  /// Panoptic-DeepLab's rules for Cityscapes at 1024×2048, but for the things.
  public init(
    things: [Bool], threshold: Float = 0.1, window: Int = 7, maximumCentres: Int = 200, stuffArea: Int = 2048,
    void: Int32 = 255
  ) {
    self.things = things
    self.threshold = threshold
    self.window = window
    self.maximumCentres = maximumCentres
    self.stuffArea = stuffArea
    self.void = void
  }
}

/// A class and a thing for every pixel of an image.
public struct PanopticLabels: Sendable, Hashable {
  /// H×W classes; the rules' void where a pixel belongs to nothing.
  public let labels: Labels
  /// H×W: the number of the thing that a pixel belongs to, from 1; 0 for stuff and void.
  public let instances: Labels

  /// Labels of given parts. Traps unless both have one shape H×W.
  public init(labels: Labels, instances: Labels) {
    check(
      labels.shape.rank == 2 && labels.shape == instances.shape, "PanopticLabels",
      "expected labels and instances H×W, found \(labels.shape) and \(instances.shape)")
    self.labels = labels
    self.instances = instances
  }
}

/// Things from classes, centres and offsets: Panoptic-DeepLab's post-processing.
///
/// Centres are the pixels above the threshold that no other of their window exceeds, the best of them. A pixel of a thing
/// class belongs to the centre nearest to where its offset points; a thing has the class that most of its pixels have.
/// Classes of stuff keep their pixels if they have enough of them. Thing pixels stay void where there is no centre.
///
/// Cheng et al., "Panoptic-DeepLab", 2020, section 3.2 and the released code, which keeps one centre fewer where there
/// are more than it may keep; here as many are kept as the rules say, the upper and left of equals first. Not
/// differentiable, and not capturable: it is the last step.
///
/// - Parameters:
///   - semantic: H×W classes; other labels are void.
///   - centers: H×W scores.
///   - offsets: 2×H×W, pixels down and right from a pixel to the centre of its thing.
///   - rules: thresholds, window, least area, and which classes are things.
/// - Returns: things are numbered from 1 in the order of their centres, row by row.
public func groupInstances(
  semantic: Labels, centers: Tensor, offsets: Tensor, rules: GroupingRules
) -> PanopticLabels {
  let name = "groupInstances", shape = semantic.shape
  check(
    shape.rank == 2 && centers.shape == shape && offsets.shape == Shape([2] + shape), name,
    "expected classes and centres H×W and offsets 2×H×W, found \(shape), \(centers.shape) and \(offsets.shape)")
  let (height, width) = (shape[0], shape[1]), classes = rules.things.count, kernels = kernels
  let centers = centers.rowMajor(), offsets = offsets.rowMajor()
  let peaks = CentrePeak.found(
    in: centers.pointer(for: name), height: height, width: width, threshold: rules.threshold, window: rules.window
  ).best(rules.maximumCentres).sorted { ($0.row, $0.column) < ($1.row, $1.column) }
  let rows = peaks.map { Float($0.row) }, columns = peaks.map { Float($0.column) }
  let things = rules.things.map { Int32($0 ? 1 : 0) }, down = offsets.pointer(for: name)
  // Bands are the same for any number of threads; so are the sums of whole numbers.
  let grain = 32, bands = (height + grain - 1) / grain
  func pixels(_ band: Int) -> Range<Int> { (band * grain * width)..<(min((band + 1) * grain, height) * width) }
  var votes = [[Int32]](repeating: [], count: bands)
  let instances = Labels(uninitialized: shape) { instances in
    guard let instances = instances.baseAddress, shape.elementCount > 0 else { return }
    semantic.withUnsafeBufferPointer { semantic in
      let semantic = semantic.baseAddress!
      votes = concurrentMap(Array(0..<bands)) { band in
        let all = pixels(band)
        for first in stride(from: all.lowerBound, to: all.upperBound, by: width) {
          kernels.nearestCentres(
            semantic + first, things, Int32(classes), down + first, down + height * width + first, Int32(first / width),
            Int32(width), rows, columns, Int32(peaks.count), instances + first)
        }
        var votes = [Int32](repeating: 0, count: (peaks.count + 1) * classes)
        kernels.countVotes(
          semantic + all.lowerBound, instances + all.lowerBound, Int32(classes), all.count, &votes)
        return votes
      }
    }
  }
  let table = classTable(votes, things: peaks.count, rules)
  let labels = Labels(uninitialized: shape) { labels in
    guard let labels = labels.baseAddress, shape.elementCount > 0 else { return }
    semantic.withUnsafeBufferPointer { semantic in
      instances.withUnsafeBufferPointer { instances in
        parallelFor(bands) { band in
          let all = pixels(band), first = all.lowerBound
          kernels.replaceLabels(
            semantic.baseAddress! + first, instances.baseAddress! + first, table, Int32(classes), rules.void,
            labels + first, all.count)
        }
      }
    }
  }
  withExtendedLifetime((centers, offsets)) {}
  return PanopticLabels(labels: labels, instances: instances)
}

/// What becomes of each class within each thing, and, in the first row, outside them.
private func classTable(_ votes: [[Int32]], things: Int, _ rules: GroupingRules) -> [Int32] {
  let classes = rules.things.count
  var sums = [Int](repeating: 0, count: (things + 1) * classes)
  for band in votes { for (place, count) in band.enumerated() where count > 0 { sums[place] += Int(count) } }
  return (0...things).flatMap { thing -> [Int32] in
    let own = sums[(thing * classes)..<((thing + 1) * classes)]
    guard thing > 0 else {
      return own.enumerated().map { !rules.things[$0] && $1 >= rules.stuffArea ? Int32($0) : rules.void }
    }
    let most = own.indices.max { own[$0] < own[$1] || own[$0] == own[$1] && $0 > $1 }
    return [Int32](repeating: Int32((most ?? own.startIndex) - own.startIndex), count: classes)
  }
}

/// A pixel that may be the centre of a thing.
struct CentrePeak {
  let row: Int, column: Int
  let score: Float

  /// The largest pixels of their windows above a threshold, row by row.
  static func found(
    in map: UnsafePointer<Float>, height: Int, width: Int, threshold: Float, window: Int
  ) -> [CentrePeak] {
    check(window >= 1 && window % 2 == 1, "CentrePeak", "expected an odd window, found \(window)")
    let kernels = kernels, grain = 16
    return concurrentMap(Array(0..<((height + grain - 1) / grain))) { band in
      var peaks: [CentrePeak] = []
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(width, 1)) { columns in
        for row in (band * grain)..<min((band + 1) * grain, height) {
          let count = kernels.findPeaks(
            map, Int32(height), Int32(width), Int32(row), threshold, Int32(window / 2), columns.baseAddress!)
          for place in 0..<Int(count) {
            let column = Int(columns[place])
            peaks.append(CentrePeak(row: row, column: column, score: map[row * width + column]))
          }
        }
      }
      return peaks
    }.flatMap { $0 }
  }
}

extension [CentrePeak] {
  /// The highest scores, highest first; of equals the first.
  func best(_ count: Int) -> [CentrePeak] {
    enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }.prefix(count).map(\.element)
  }
}
