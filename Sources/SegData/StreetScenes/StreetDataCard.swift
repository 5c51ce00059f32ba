import Foundation
import SegImages
import SegKernels
import SegMetrics

/// How hard StreetScenes is, in numbers: what could be known without looking at shapes, and how crowded the streets are.
///
/// The bounds are the specification's; `segkernels inspect --data streets --card` prints both.
public struct StreetDataCard: Sendable, Codable {
  /// A number and the range that it should lie in.
  public struct Entry: Sendable, Codable {
    /// What was measured.
    public let name: String
    /// What was found.
    public let value: Double
    /// The least value allowed; nil for none.
    public let least: Double?
    /// The largest value allowed; nil for none.
    public let most: Double?

    /// A number that was measured, and its bounds.
    public init(name: String, value: Double, least: Double?, most: Double?) {
      self.name = name
      self.value = value
      self.least = least
      self.most = most
    }

    /// Whether the value lies within its bounds.
    public var holds: Bool { value >= least ?? -.infinity && value <= most ?? .infinity }
  }

  /// Every number of the card.
  public let entries: [Entry]

  /// The shares of Cityscapes' classes in %, trainIds 0 to 18, on the 119 quarter-size frames of one of its cities.
  static let cityscapesShares = [
    33.6153, 8.1060, 25.3230, 1.8991, 1.5535, 1.0563, 0.1071, 0.3876, 16.3721, 0.6160, 2.7510, 1.5185, 0.1709, 5.4431,
    0.1130, 0.2183, 0.3092, 0.0449, 0.3951,
  ]

  /// Learns the simple predictors from the first frames of one split and measures the first frames of another.
  ///
  /// - Parameters:
  ///   - train: the split that is learned from.
  ///   - frames: how many of its frames.
  ///   - test: the split that is measured.
  ///   - testFrames: how many of its frames.
  ///   - report: called with the number of frames done.
  public init(
    learning train: StreetScenes, frames: Int, measuring test: StreetScenes, frames testFrames: Int,
    _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) {
    check(
      train.size == test.size, "StreetDataCard", "expected frames of one size, found \(train.size) and \(test.size)")
    let total = frames + testFrames
    var predictors = SimplePredictors(size: train.size), crowding = Crowding()
    var done = 0
    func look(at streets: StreetScenes, _ count: Int, _ body: (StreetFrame) -> Void) {
      for first in stride(from: 0, to: count, by: 8) {
        let indices = Array(first..<min(first + 8, count))
        for (frame, scene) in concurrentMap(indices, streets.frameWithScene) {
          body(frame)
          crowding.add(frame, scene)
        }
        done += indices.count
        report(done, total)
      }
    }
    look(at: train, frames) { predictors.learn($0) }
    predictors.settle()
    look(at: test, testFrames) { predictors.measure($0) }
    var entries = [
      Entry(
        name: "mIoU of the most frequent label at each place", value: predictors.byPlace.meanIoU(), least: nil,
        most: 0.15),
      Entry(
        name: "mIoU of the most frequent label of each colour", value: predictors.byColor.meanIoU(), least: nil,
        most: 0.25),
      Entry(name: "AbsRel of the median depth of each row", value: predictors.absoluteRelative, least: 0.25, most: nil),
      Entry(name: "things a frame, median", value: crowding.perFrame(quantile: 0.5), least: 12, most: nil),
      Entry(name: "things a frame, 90th percentile", value: crowding.perFrame(quantile: 0.9), least: 30, most: nil),
      Entry(
        name: "things that touch one of their class", value: crowding.share(crowding.touching), least: 0.25, most: nil),
      Entry(name: "things more than half hidden", value: crowding.share(crowding.hidden), least: 0.2, most: nil),
    ]
    let shares = crowding.classShares
    for (index, name) in train.classes.names.enumerated() {
      let usual = StreetDataCard.cityscapesShares[index] / 100
      entries.append(
        Entry(name: "share of \(name)", value: shares[index], least: max(usual / 3, 0.001), most: usual * 3))
    }
    self.entries = entries
  }
}

extension StreetDataCard {
  /// Frames a second with labels, instances and depth, on the threads that `Threads` allows: single ones of a small size
  /// and a large, and those of a clip.
  public static func speed() -> [Entry] {
    func measure(_ size: Pair, _ count: Int) -> Double {
      let streets = StreetScenes(split: "dev", size: size), clock = ContinuousClock()
      _ = streets.frame(at: 0)
      return Double(count) / clock.measure { _ = streets.frames(at: Array(1...count)) }.seconds
    }
    return [
      Entry(name: "frames a second at 256×512", value: measure([256, 512], 40), least: 10, most: nil),
      Entry(name: "frames a second at 1024×2048", value: measure([1024, 2048], 6), least: 1, most: nil),
      Entry(name: "frames of clips a second at 256×512", value: measureClip(withFlow: false), least: 10, most: nil),
      Entry(name: "the same with flow and occlusion", value: measureClip(withFlow: true), least: nil, most: nil),
    ]
  }

  private static func measureClip(withFlow: Bool) -> Double {
    let clip = StreetScenes(split: "dev").clip(at: 0), clock = ContinuousClock(), indices = Array(1...40)
    let time = clock.measure {
      _ = concurrentMap(indices) { index -> Int in
        let frame = clip.frame(at: index)
        return frame.labels.count + (withFlow ? clip.flow(from: index, to: index - 1).occluded.count : 0)
      }
    }
    return Double(indices.count) / time.seconds
  }
}

/// Predictors that see neither shape nor context: the place of a pixel, its colour, its row.
private struct SimplePredictors {
  private let size: Pair
  private let classes = 19
  private var placeCounts: [UInt16]
  private var colorCounts: [UInt32]
  private var rowDepths: [[Float]]
  private var placeLabels: [Int32] = [], colorLabels: [Int32] = [], rowMedians: [Float?] = []
  private var errors: [Double] = []
  private(set) var byPlace = ConfusionMatrix(classes: 19), byColor = ConfusionMatrix(classes: 19)

  init(size: Pair) {
    self.size = size
    placeCounts = [UInt16](repeating: 0, count: size.height * size.width * classes)
    colorCounts = [UInt32](repeating: 0, count: SimplePredictors.colors * classes)
    rowDepths = [[Float]](repeating: [], count: size.height)
  }

  /// Five bits a channel.
  private static let colors = 1 << 15

  private func color(_ pixels: [UInt8], _ place: Int) -> Int {
    (0..<3).reduce(0) { $0 << 5 | Int(pixels[3 * place + $1] >> 3) }
  }

  mutating func learn(_ frame: StreetFrame) {
    let labels = frame.labels.values, depth = frame.depth.scalars
    for place in labels.indices where labels[place] != 255 {
      placeCounts[place * classes + Int(labels[place])] += 1
      colorCounts[color(frame.image.pixels, place) * classes + Int(labels[place])] += 1
    }
    // Every 16th pixel is enough for a median.
    for place in stride(from: 0, to: depth.count, by: 16) where depth[place] > 0 && depth[place] < 80 {
      rowDepths[place / size.width].append(depth[place])
    }
  }

  mutating func settle() {
    func likeliest(_ counts: some Collection<some BinaryInteger>) -> Int32 {
      let best = counts.enumerated().max { $0.element < $1.element }!
      return Int32(best.offset)
    }
    placeLabels = (0..<(size.height * size.width)).map { likeliest(placeCounts[($0 * classes)..<(($0 + 1) * classes)]) }
    colorLabels = (0..<SimplePredictors.colors).map { likeliest(colorCounts[($0 * classes)..<(($0 + 1) * classes)]) }
    rowMedians = rowDepths.map { $0.isEmpty ? nil : $0.sorted()[$0.count / 2] }
  }

  mutating func measure(_ frame: StreetFrame) {
    let shape = frame.labels.shape
    byPlace.add(prediction: Labels(shape, placeLabels), truth: frame.labels)
    let colors = frame.labels.values.indices.map { colorLabels[color(frame.image.pixels, $0)] }
    byColor.add(prediction: Labels(shape, colors), truth: frame.labels)
    var (sum, count) = (0.0, 0.0)
    for (place, depth) in frame.depth.scalars.enumerated() where depth > 0 && depth < 80 {
      guard let median = rowMedians[place / size.width] else { continue }
      sum += Double(abs(median - depth) / depth)
      count += 1
    }
    if count > 0 { errors.append(sum / count) }
  }

  /// mean |d̂ − d| / d up to 80 m, the mean over images.
  var absoluteRelative: Double { errors.reduce(0, +) / Double(max(errors.count, 1)) }
}

/// What a finished frame does not tell: the world's own numbers of things, and how large each would be in full.
struct SceneFacts: Sendable {
  /// A thing's number a pixel, 0 where there is none.
  let instances: [Int32]
  /// Pixels of each visible thing if nothing stood before it.
  let silhouettes: [Int32: Int]

  init(_ street: Street, _ rendering: Rendering) {
    instances = rendering.pixels.map { Int32($0.instance) }
    let visibility = Visibility(street.mesh, street.camera, size: rendering.size)
    silhouettes = visibility.silhouettes(street.mesh, of: Set(instances).subtracting([0]))
  }
}

/// How many things there are, how they touch and hide each other, and what the classes' shares are.
private struct Crowding {
  private var counts: [Int] = []
  private var things = 0
  private(set) var touching = 0, hidden = 0
  private var pixels = [Int](repeating: 0, count: 19)

  /// A thing of fewer pixels than this in 256×512 is not counted.
  private static let leastPixels = 8

  mutating func add(_ frame: StreetFrame, _ scene: SceneFacts) {
    for label in frame.labels.values where label != 255 { pixels[Int(label)] += 1 }
    let (height, width) = (frame.labels.shape[0], frame.labels.shape[1])
    let labels = frame.labels.values, instances = scene.instances
    var visible: [Int32: Int] = [:], touches: Set<Int32> = []
    for row in 0..<height {
      for column in 0..<width {
        let place = row * width + column, own = instances[place]
        guard own > 0 else { continue }
        visible[own, default: 0] += 1
        for other in [column + 1 < width ? place + 1 : place, row + 1 < height ? place + width : place]
        where instances[other] > 0 && instances[other] != own && labels[other] == labels[place] {
          touches.insert(own)
          touches.insert(instances[other])
        }
      }
    }
    let least = max(Crowding.leastPixels * height * width / (256 * 512), 1)
    let counted = visible.filter { $0.value >= least }
    counts.append(counted.count)
    things += counted.count
    touching += counted.keys.filter(touches.contains).count
    hidden += counted.filter { 2 * $0.value < scene.silhouettes[$0.key]! }.count
  }

  func perFrame(quantile: Double) -> Double {
    let sorted = counts.sorted()
    return Double(sorted[min(Int(Double(sorted.count) * quantile), sorted.count - 1)])
  }

  func share(_ count: Int) -> Double { Double(count) / Double(max(things, 1)) }

  var classShares: [Double] {
    let total = Double(max(pixels.reduce(0, +), 1))
    return pixels.map { Double($0) / total }
  }
}
