import Foundation
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegPretrained

/// ResNet-18 up to its second stage: what tells whether two places look alike. 128 channels at 1/8 of the image.
///
/// Parameter names are torchvision's (`conv1`, `bn1`, `layer1.…`, `layer2.…`), images are normalised by ImageNet's mean
/// and deviation, and norms use their running statistics. (The published demonstration leaves them in training mode, so
/// that its scores differ.) Zhang et al., WACV 2022: `children()[:-4]` of the ImageNet ResNet-18.
public final class FeatureNetwork: UnaryModule {
  private let encoder: ResNet

  /// A network with zero weights, for loading.
  public init() {
    var configuration = ResNetConfiguration.resNet(18)!
    configuration.stages = Array(configuration.stages.prefix(2))
    encoder = ResNet(configuration)
  }

  public var parts: [Part] { encoder.parts }

  /// N×128×⌈H/8⌉×⌈W/8⌉ of images N×3×H×W.
  public func callAsFunction(_ x: Tensor) -> Tensor { encoder(x)[1] }

  /// How many times smaller than the image the features are.
  public static let stride = 8

  /// A network with the values of an archive that holds at least these layers; torchvision's deeper ones are left out.
  ///
  /// - Throws: `FileError` if a layer is missing or has another shape.
  public convenience init(_ archive: WeightArchive, named path: String) throws {
    self.init()
    let rules = LoadRules(
      mayMiss: { $0.hasSuffix("num_batches_tracked") },
      mayDrop: { name in ["layer3.", "layer4.", "fc."].contains { name.hasPrefix($0) } })
    do {
      try load(archive.tensors, rules: rules)
    } catch let error as LoadError {
      throw FileError(path: path, problem: "\(error) (features: torchvision's ResNet-18 up to layer2)")
    }
  }

  /// The features that come with the package: no ImageNet's, but those of streets that no network of it is scored on.
  ///
  /// - Throws: `FileError` if the package was built from damaged files.
  public static func bundled() throws -> FeatureNetwork {
    try FeatureNetwork(BundledWeights.perceptualFeatures.archive(), named: "bundled weights 'perceptual-features'")
  }

  /// Reads a weights file with torchvision's keys of ResNet-18.
  ///
  /// - Throws: `FileError`.
  public convenience init(contentsOf url: URL) throws {
    try self.init(readWeights(at: url), named: url.relativePath)
  }
}

/// Features of frames: a network compiled for the size of the last one. Not Sendable: one a thread.
public final class FeatureExtractor {
  private let network: FeatureNetwork
  private let weights = PackedWeights()
  private var session: Program.Session?

  /// An extractor with a network's weights as they are now.
  public init(_ network: FeatureNetwork) { self.network = network }

  /// 128×⌈H/8⌉×⌈W/8⌉ of a frame.
  public func callAsFunction(_ image: Image) -> Tensor {
    let x = Tensor(image)
    if session?.program.inputShapes[0] != x.shape {
      session = network.compiled(for: x.shape, sharing: weights).makeSession()
    }
    let y = session!([x])[0]
    return y.reshaped(y.shape[1], y.shape[2], y.shape[3])
  }
}
