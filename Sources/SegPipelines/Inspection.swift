import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegPretrained

/// `segkernels inspect`: what a data set holds.
public struct Inspection: Sendable, Codable {
  /// How much of the labelled pixels a class takes, and in how many images it occurs.
  public struct ClassCount: Sendable, Codable {
    /// The class.
    public let name: String
    /// 0…1, of the labelled pixels.
    public let share: Double
    /// Images that contain it.
    public let images: Int
  }

  /// The kind of data.
  public let data: String
  /// The part of the data.
  public let split: String
  /// Images in the split, and how many were looked at.
  public let images: Int
  /// See ``images``.
  public let inspected: Int
  /// Rows × columns of the images, and how many have them.
  public let sizes: [String: Int]
  /// The share of pixels that belong to no class; 0 for frames without labels.
  public let ignored: Double
  /// Class by class; none for frames without labels.
  public let classes: [ClassCount]

  /// Looks at the first images of a split.
  ///
  /// - Parameters:
  ///   - source: the data set.
  ///   - split: the split's name.
  ///   - limit: look at no more images than this, spread over the split; all by default.
  ///   - sheet: write a contact sheet of eight images and their labels here.
  ///   - overwrite: replace a sheet that exists.
  ///   - report: called with the number of images done.
  /// - Throws: `UsageError` for a limit below 1, and what reading the data or writing the sheet throws.
  public init(
    _ source: DataSource, split: String, limit: Int? = nil, sheet: URL? = nil, overwrite: Bool = false,
    _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    if let limit, limit < 1 { throw UsageError("--limit: expected at least 1, found \(limit)") }
    if let sheet { try refuseExisting([sheet], overwrite: overwrite) }
    let frames = try source.frames(split: split), dataset = try frames == nil ? source.dataset(split: split) : nil
    let available = dataset?.count ?? frames?.count ?? 0, table = dataset?.classes ?? ClassTable(count: 0)
    let count = min(limit ?? available, available)
    var pixels = [Int](repeating: 0, count: table.count), occurrences = pixels
    var ignored = 0, total = 0
    var sizes: [String: Int] = [:], pictures: [Image] = []
    for number in 0..<count {
      let place = number * available / count, sample = try dataset?.sample(at: place)
      guard let image = try sample?.image ?? frames?.image(at: place) else { continue }
      sizes["\(image.height)×\(image.width)", default: 0] += 1
      if sheet != nil, number < 8 {
        pictures.append(image)
        if let sample { pictures.append(Image(sample.labels, palette: table.palette)) }
      }
      report(number + 1, count)
      guard let labels = sample?.labels else { continue }
      var counts = [Int](repeating: 0, count: table.count)
      for label in labels.values where label != table.ignoreIndex { counts[Int(label)] += 1 }
      for (index, found) in counts.enumerated() where found > 0 {
        pixels[index] += found
        occurrences[index] += 1
      }
      total += labels.count
      ignored += labels.count - counts.reduce(0, +)
    }
    if let sheet { try contactSheet(pictures, columns: 4).writePNG(to: sheet, overwrite: overwrite) }
    data = source.kind
    self.split = split
    images = available
    inspected = count
    self.sizes = sizes
    self.ignored = Double(ignored) / Double(max(total, 1))
    let labelled = Double(max(pixels.reduce(0, +), 1))
    classes = zip(table.names, zip(pixels, occurrences)).map {
      ClassCount(name: $0, share: Double($1.0) / labelled, images: $1.1)
    }
  }
}

extension Inspection {
  /// The card of made-up streets: learned on the first frames of `train`, measured on half as many of `test`.
  ///
  /// - Throws: `UsageError` for other data.
  public static func card(
    _ source: DataSource, frames: Int, _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> [StreetDataCard.Entry] {
    guard let train = source.streets(split: "train"), let test = source.streets(split: "test") else {
      throw UsageError("a card of difficulty is known for streets alone, not for '\(source.kind)'")
    }
    guard (2...min(train.count, 2 * test.count)).contains(frames) else {
      throw UsageError("a card takes 2 to \(min(train.count, 2 * test.count)) frames, asked for \(frames)")
    }
    let card = StreetDataCard(learning: train, frames: frames, measuring: test, frames: frames / 2, report)
    // A clip for every 25 frames, three pairs of each.
    let clips = max(frames / 25, 2)
    let motion = StreetDataCard.motion(of: test, clips: clips, pairs: 3) { report($0, $1) }
    return try card.entries + motion + [unexplained(test, clips: clips)] + StreetDataCard.speed()
  }

  /// The share of labels that the bundled network changes from a frame to the next though the same point is seen in
  /// both: what a sensor's effects do to a network that looks at single frames.
  static func unexplained(_ streets: StreetScenes, clips: Int) throws -> StreetDataCard.Entry {
    let segment = try Segmenter(weights: .bundled(.streets))
    var consistency = TemporalConsistency(classes: streets.classes.count)
    for number in 0..<clips {
      let clip = streets.clip(at: number), place = clip.count / 2
      let labels = clip.frames(at: [place - 1, place]).map { segment($0.image).labels }
      let flow = clip.flow(from: place, to: place - 1)
      consistency.add(previous: labels[0], current: labels[1], flow: flow.field, occluded: flow.occluded)
    }
    return StreetDataCard.Entry(
      name: "labels changed that flow does not explain", value: consistency.visibleAgreement.map { 1 - $0 } ?? 0,
      least: 0.015, most: nil)
  }
}
