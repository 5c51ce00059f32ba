import SegFFNet
import SegFiles
import SegHS3
import SegIFA
import SegInverseForm
import SegKernels
import SegMetrics
import SegPISR
import SegXDistill

/// The name of a model that can be built: `segmentation_ffnet78S_dBBB_mobile`, `resnet50`, …
///
/// Published names may be written without the prefix `segmentation_`.
public struct ModelName: RawRepresentable, Sendable, Hashable, Codable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  /// The name as written.
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  /// A name as a user writes it; the registry knows whether it exists.
  public init(_ name: String) { rawValue = name }
  public init(stringLiteral value: String) { rawValue = value }

  public var description: String { rawValue }
}

extension ModelName {
  // The networks most often asked for; any other published name works as a string literal.
  /// FFNet-150: logits at 1/4 of the image.
  public static let ffnet150_AAA: ModelName = "segmentation_ffnet150_AAA"
  /// FFNet-86: logits at 1/4 of the image.
  public static let ffnet86_AAA: ModelName = "segmentation_ffnet86_AAA"
  /// FFNet-34: logits at 1/4 of the image.
  public static let ffnet34_AAA: ModelName = "segmentation_ffnet34_AAA"
  /// FFNet-34: logits at 1/8 of the image.
  public static let ffnet34_dAAA: ModelName = "segmentation_ffnet34_dAAA"
  /// FFNet-18: logits at 1/8 of the image.
  public static let ffnet18_dAAC: ModelName = "segmentation_ffnet18_dAAC"
  /// FFNet-46: narrow, logits at 1/4 of the image.
  public static let ffnet46N_CBB: ModelName = "segmentation_ffnet46N_CBB"
  /// FFNet-78: slim, logits at 1/8 of the image.
  public static let ffnet78S_dBBB_mobile: ModelName = "segmentation_ffnet78S_dBBB_mobile"
  /// FFNet-54: slim, logits at 1/8 of the image.
  public static let ffnet54S_dBBB_mobile: ModelName = "segmentation_ffnet54S_dBBB_mobile"
  /// FFNet-40: slim, logits at 1/8 of the image.
  public static let ffnet40S_dBBB_mobile: ModelName = "segmentation_ffnet40S_dBBB_mobile"
  /// FFNet-40: slim, logits at 1/4 of the image.
  public static let ffnet40S_BBB_mobile: ModelName = "segmentation_ffnet40S_BBB_mobile"
  /// Half of every width of FFNet-22S; the network of the bundled weights.
  public static let ffnet22S_half_BCC: ModelName = "segmentation_ffnet22S_half_BCC"
}

/// A network together with what its users must know of it.
public struct RegisteredModel {
  /// What comes out.
  public enum Output: Sendable, Hashable {
    /// A class a pixel.
    case segmentation
    /// A class an image.
    case classification
    /// A disparity a pixel.
    case depth
  }

  /// The full name.
  public let name: ModelName
  /// The network itself.
  public let network: any UnaryModule
  /// What comes out.
  public let output: Output
  /// How many classes it tells apart.
  public let classes: Int
  /// Channels of the images.
  public let inputChannels: Int
  /// What the image's sides are best multiples of; `Segmenter` pads to it.
  public let divisor: Int
  /// Rows and columns of the published input.
  public let inputSize: Pair
  /// The published weights file, if there is one.
  public let publishedWeights: String?

  /// The network as one that finds things; nil where it knows classes alone.
  public var panoptic: (any PanopticNetwork)? { network as? any PanopticNetwork }

  /// The network as one that tells depth beside classes; nil where it does not.
  public var multiTask: MultiTaskNetwork? { network as? MultiTaskNetwork }

  /// All that the network computes of images: class scores first, then what finds things or tells depth, if it does.
  func outputs(_ x: Tensor) -> [Tensor] {
    if let multiTask {
      let (logits, logDepth) = multiTask.outputs(x)
      return [logits, logDepth]
    }
    return panoptic?.outputs(x) ?? [network(x)]
  }
}

/// A name or a combination of choices that the package does not have. The caller wrote it: exit code 64.
public struct UsageError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked for, and what there is.
  public let description: String

  /// An error of one line.
  public init(_ description: String) { self.description = description.onOneLine(of: 2000) }
}

/// Every model of the package, by name.
public enum ModelRegistry {
  private static let resNetDepths = [18, 34, 50, 101, 152]

  /// All names.
  public static let names: [ModelName] =
    (FFNetCatalogue.names + FFNetCatalogue.ownNames).map { ModelName($0) }
    + IFAConfiguration.names.map { ModelName($0) } + resNetDepths.map { ModelName("resnet\($0)") }
    + HighResolutionNetwork.Kind.allCases.map { ModelName($0.rawValue) }
    + PanopticConfiguration.names.map { ModelName($0) }
    + HS3FuseName.names.map { ModelName($0) }
    + MultiTaskNetwork.names.map { ModelName($0) }
    + DepthConfiguration.names.map { ModelName($0) }

  /// The full name that a user's spelling means.
  ///
  /// - Throws: `UsageError`, suggesting the nearest name.
  public static func resolve(_ name: ModelName) throws -> ModelName {
    if names.contains(name) || HS3FuseName(name.rawValue) != nil { return name }
    let full = ModelName("segmentation_" + name.rawValue)
    if names.contains(full) { return full }
    let short = { (name: ModelName) in name.rawValue.replacing("segmentation_", with: "") }
    let nearest = names.min { editDistance(short($0), short(name)) < editDistance(short($1), short(name)) }!
    throw UsageError("unknown model '\(name)'; the nearest is '\(short(nearest))' ('segkernels models' lists all)")
  }

  /// Whether a model finds things.
  ///
  /// - Throws: `UsageError` for unknown names.
  static func isPanoptic(_ name: ModelName) throws -> Bool {
    PanopticConfiguration.names.contains(try resolve(name).rawValue)
  }

  /// Builds a model.
  ///
  /// - Parameters:
  ///   - name: the model's, or an ONNX file's.
  ///   - classes: instead of the published number.
  ///   - inputChannels: of the images.
  ///   - seed: for fresh weights; nil leaves them zero, for loading.
  public static func build(
    _ name: ModelName, classes: Int? = nil, inputChannels: Int = 3, seed: UInt64? = nil
  ) throws -> RegisteredModel {
    if name.isONNXFile { return try RegisteredModel(onnxFile: name) }
    let name = try resolve(name)
    if let configuration = FFNetConfiguration(name: name.rawValue, classes: classes, inputChannels: inputChannels) {
      let isClassifier = name.rawValue.hasPrefix("classification")
      // Published mobile networks without downsampling of their own take half-size images.
      let isHalf = configuration.isMobile && !configuration.isDownsampled && !configuration.hasPreDownsampling
      return RegisteredModel(
        name: name, network: FFNet(configuration, seed: seed), output: isClassifier ? .classification : .segmentation,
        classes: configuration.classes, inputChannels: inputChannels, divisor: configuration.deepestStride,
        inputSize: isClassifier ? 256 : (isHalf ? [512, 1024] : [1024, 2048]),
        publishedWeights: FFNetCatalogue.weightsFile(for: name.rawValue))
    }
    if let configuration = IFAConfiguration(name: name.rawValue, classes: classes, inputChannels: inputChannels) {
      return RegisteredModel(
        name: name, network: IFANetwork(configuration, seed: seed), output: .segmentation,
        classes: configuration.classes, inputChannels: inputChannels, divisor: configuration.deepestStride,
        inputSize: [1024, 2048], publishedWeights: nil)
    }
    if let fuse = HS3FuseName(name.rawValue) {
      return try build(fuse, name, classes: classes, inputChannels: inputChannels, seed: seed)
    }
    if let base = MultiTaskNetwork.base(of: name.rawValue) {
      let base = try build(ModelName(base), classes: classes, inputChannels: inputChannels, seed: seed)
      guard let network = base.network as? any FeatureSegmenter else {
        preconditionFailure("ModelRegistry: '\(base.name)' shows no features for '\(name)'")
      }
      return RegisteredModel(
        name: name, network: MultiTaskNetwork(network, seed: seed), output: .segmentation, classes: base.classes,
        inputChannels: inputChannels, divisor: base.divisor, inputSize: base.inputSize, publishedWeights: nil)
    }
    if let kind = HighResolutionNetwork.Kind(rawValue: name.rawValue) {
      let network = HighResolutionNetwork(kind, classes: classes ?? 19, inputChannels: inputChannels, seed: seed)
      return RegisteredModel(
        name: name, network: network, output: .segmentation, classes: classes ?? 19, inputChannels: inputChannels,
        divisor: kind.divisor, inputSize: [1024, 2048], publishedWeights: "InverseForm release v1.0, \(name)")
    }
    if var configuration = PanopticConfiguration(name: name.rawValue) {
      configuration.inputChannels = inputChannels
      if let classes {
        guard let categories = PanopticSegmenter.categories(classes: classes) else {
          throw UsageError(
            "model '\(name)' finds things of Cityscapes (19 classes) or COCO (133); expected one of these, found \(classes)"
          )
        }
        configuration.things = categories.map(\.isThing)
      }
      return RegisteredModel(
        name: name, network: configuration.makeNetwork(seed: seed), output: .segmentation,
        classes: configuration.things.count, inputChannels: inputChannels, divisor: configuration.divisor,
        inputSize: [1024, 2048], publishedWeights: nil)
    }
    if var configuration = DepthConfiguration(name: name.rawValue) {
      configuration.encoder.inputChannels = inputChannels
      return RegisteredModel(
        name: name, network: DepthNetwork(configuration, seed: seed), output: .depth, classes: 1,
        inputChannels: inputChannels, divisor: 32, inputSize: [192, 640], publishedWeights: nil)
    }
    guard let depth = Int(name.rawValue.dropFirst("resnet".count)),
      let configuration = ResNetConfiguration.resNet(depth, inputChannels: inputChannels)
    else { throw UsageError("model '\(name)' has no builder") }
    let network = ResNetClassifier(configuration, classes: classes ?? 1000)
    if let seed { network.initialize(.kaimingFanOut, seed: seed) }
    return RegisteredModel(
      name: name, network: network, output: .classification, classes: classes ?? 1000, inputChannels: inputChannels,
      divisor: 32, inputSize: 224, publishedWeights: "torchvision \(name)")
  }

  /// An HS3-Fuse network: another model with what its stages' heads have learned joined to its last features.
  private static func build(
    _ fuse: HS3FuseName, _ name: ModelName, classes: Int?, inputChannels: Int, seed: UInt64?
  ) throws -> RegisteredModel {
    let base = try build(ModelName(fuse.base), classes: classes, inputChannels: inputChannels, seed: seed)
    guard let network = base.network as? any StagedSegmenter & FeatureSegmenter else {
      throw UsageError("model '\(base.name)' shows no stages and features that HS3-Fuse could join")
    }
    let stages = network.stages.filter(\.isUsual).count
    guard fuse.clusters.isEmpty || fuse.clusters.count == stages else {
      throw UsageError("model '\(name)': expected clusters for \(stages) stages, found \(fuse.clusters)")
    }
    let fused = try HS3Fuse(
      network,
      clusters: { fuse.clusters.isEmpty ? [Int](repeating: base.classes, count: $0) : fuse.clusters }, seed: seed)
    return RegisteredModel(
      name: name, network: fused, output: .segmentation, classes: base.classes, inputChannels: inputChannels,
      divisor: base.divisor, inputSize: base.inputSize, publishedWeights: nil)
  }

  /// The fewest insertions, deletions and replacements that turn one text into the other.
  static func editDistance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let replaced = diagonal + (letter == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
