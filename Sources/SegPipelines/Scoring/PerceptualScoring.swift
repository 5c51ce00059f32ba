import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegPerceptualConsistency
import SegTraining

extension Scoring {
  /// What `score temporal` looks at beside labels.
  public struct Frames {
    /// A folder of the pictures that the labels belong to, named alike.
    public var folder: URL
    /// What tells whether places look alike.
    public var features: FeatureNetwork
    /// Where matches are looked for.
    public var search: PerceptualConsistency.Search
    /// Where `timeline.svg` and `<frame>_pc.png` are written; nil for no pictures.
    public var pictures: URL?
    /// Whether pictures that exist are replaced.
    public var overwrite: Bool

    /// Frames of a folder.
    public init(
      _ folder: URL, features: FeatureNetwork, search: PerceptualConsistency.Search = .everywhere,
      pictures: URL? = nil, overwrite: Bool = false
    ) {
      self.folder = folder
      self.features = features
      self.search = search
      self.pictures = pictures
      self.overwrite = overwrite
    }
  }
}

/// PC of the frames of videos, one after the other, and their flow where none is given.
final class PerceptualScoring {
  private let options: Scoring.Frames
  private let files: [String: URL]
  private let extractor: FeatureExtractor
  private var last: (image: Image, labels: Labels, features: Tensor)?

  init(_ options: Scoring.Frames) throws {
    self.options = options
    files = try FilePairs.named(in: options.folder, extensions: ["png", "jpg", "jpeg"])
    extractor = FeatureExtractor(options.features)
  }

  /// The next frame has none before it.
  func startVideo() { last = nil }

  /// Takes the next frame; its PC against the one before, and the flow to it where it is asked for; nil of the first.
  ///
  /// - Parameters:
  ///   - estimatesFlow: whether nobody has given it.
  ///   - isPictured: whether its map is drawn.
  func add(
    _ name: String, _ labels: Labels, prediction: URL, estimatesFlow: Bool, isPictured: Bool
  ) throws -> (score: Double, flow: FlowField?)? {
    guard let file = files[name] else {
      throw FileError(
        path: prediction.relativePath, kind: .missing, problem: "expected a frame named \(name.quoted), found none")
    }
    let image = try Image(contentsOf: file)
    guard labels.shape.suffix(2) == [image.height, image.width] else {
      throw FileError(
        path: file.relativePath,
        problem: "expected \(labels.shape[-2])×\(labels.shape[-1]) pixels, found \(image.height)×\(image.width)")
    }
    let features = extractor(image)
    defer { last = (image, labels, features) }
    guard let last else { return nil }
    let result = PerceptualConsistency(
      featuresA: last.features, labelsA: PerceptualConsistency.resizedLabels(last.labels, to: features),
      featuresB: features, labelsB: PerceptualConsistency.resizedLabels(labels, to: features), search: options.search)
    if isPictured, let folder = options.pictures {
      let target = folder.appendingPathComponent(name + "_pc.png")
      try target.deletingLastPathComponent().makeFolder()
      try PerceptualScoring.picture(result.mapB, over: image).writePNG(to: target, overwrite: options.overwrite)
    }
    return (result.score, estimatesFlow ? DenseInverseSearch()(from: image, to: last.image) : nil)
  }

  /// The darkened frame, red where pc is low.
  private static func picture(_ map: Tensor, over image: Image) -> Image {
    var picture = image
    let values = resize(
      map.clamped(to: 0...1).reshaped(1, 1, map.shape[0], map.shape[1]),
      to: Pair(height: image.height, width: image.width), .nearest
    ).scalars
    for row in 0..<image.height {
      for column in 0..<image.width {
        let lack = 1 - values[row * image.width + column], own = image[row, column]
        func mix(_ value: UInt8, _ red: Float) -> UInt8 { UInt8(0.6 * Float(value) * (1 - lack) + red * lack) }
        picture[row, column] = RGB(mix(own.red, 230), mix(own.green, 20), mix(own.blue, 20))
      }
    }
    return picture
  }

  /// `timeline.svg`: each score over the frames.
  func drawTimeline(_ frames: [TemporalScores.Frame], lengths: [Int]) throws {
    guard let folder = options.pictures else { return }
    let curves = TrainingCurves(
      [
        ("PC", "#1f5fa8", frames.map(\.perceptualConsistency)), ("TC", "#b3441e", frames.map(\.temporalConsistency)),
        ("label changes", "#7a7a7a", frames.map(\.labelChangeRate)),
      ]
        + lengths.enumerated().map { index, length in
          (
            "mVC\(length)", "#3b7a3b",
            frames.map { index < $0.videoConsistency.count ? $0.videoConsistency[index] : nil }
          )
        }, by: "frame")
    let text = Array(curves.svg.utf8)
    try folder.makeFolder()
    try writeAtomically(to: folder.appendingPathComponent("timeline.svg").relativePath, overwrite: options.overwrite) {
      try $0.write(text)
    }
  }
}
