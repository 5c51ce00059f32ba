import Foundation
import SegFFNet
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegPretrained
import SegTraining
import SegXDistill

/// Where a model's weights come from.
public enum Weights: Sendable {
  /// A file of ours, or a published checkpoint.
  case file(URL)
  /// Weights that are part of the program.
  case bundled(BundledWeights)
  /// Fresh ones, drawn from a seed: for timing and for trying things out.
  case fresh(seed: UInt64)
}

extension Weights {
  /// What a user's words mean: the name of bundled weights, else the path of a file.
  public init(_ text: String, bundled: [BundledWeights] = BundledWeights.models) {
    self = bundled.first { $0.name == text }.map(Weights.bundled) ?? .file(URL(fileURLWithPath: text))
  }
}

/// A model with its weights, and what is known of its classes.
public struct LoadedModel {
  /// The network, and what is known of it by name.
  public let model: RegisteredModel
  /// What the weights say about themselves; for published checkpoints, what their makers say.
  public let card: ModelCard
  /// What differed between file and model; empty for fresh weights.
  public let report: LoadReport

  /// Builds a model and loads its weights.
  ///
  /// - Parameters:
  ///   - name: may be left out where the file names its model itself.
  ///   - weights: where they come from.
  /// - Throws: `UsageError` for unknown names, `FileError` for files that cannot be read or do not fit.
  public init(_ name: ModelName?, weights: Weights) throws {
    switch weights {
    case .fresh(let seed):
      guard let name else { throw UsageError("expected a model's name, found none") }
      let model = try ModelRegistry.build(name, seed: seed)
      self.init(model: model, card: LoadedModel.publishedCard(model), report: LoadReport())
    case .file(let url):
      if let name { _ = try ModelRegistry.resolve(name) }
      try self.init(name, LoadedModel.read(url), path: url.relativePath)
    case .bundled(let weights):
      try self.init(name, weights.archive(), path: "bundled weights '\(weights.name)'")
    }
  }

  /// A model that is in memory already.
  init(model: RegisteredModel, card: ModelCard, report: LoadReport) {
    (self.model, self.card, self.report) = (model, card, report)
  }

  /// Reads a file, or of a folder the two that depth networks are published as, `encoder.pth` and `depth.pth`.
  private static func read(_ url: URL) throws -> WeightArchive {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
      return try readWeights(at: url)
    }
    let entries = try ["encoder.pth", "depth.pth"].flatMap {
      try readWeights(at: url.appendingPathComponent($0)).entries
    }
    return WeightArchive(entries.map { ($0.name, $0.array) })
  }

  private init(_ name: ModelName?, _ archive: WeightArchive, path: String) throws {
    let archive = archive.withoutDataParallelPrefix()
    let ownCard = ModelCard(metadata: archive.metadata)
    guard let name = name ?? ownCard.map({ ModelName($0.model) }) else {
      throw UsageError("\(path) does not say which model it belongs to; name it with --model")
    }
    model = try ModelRegistry.build(name, classes: archive.classCount, inputChannels: archive.inputChannels ?? 3)
    do {
      report = try model.network.load(published: archive.tensors)
    } catch let error as LoadError {
      throw FileError(path: path, problem: "\(error) (model \(model.name))")
    }
    card = ownCard?.classes.count == model.classes ? ownCard! : LoadedModel.publishedCard(model)
  }

  /// What holds for the published weights of a model: ImageNet's normalisation, and classes known by their number.
  private static func publishedCard(_ model: RegisteredModel) -> ModelCard {
    let tables: [ClassTable] = [.cityscapes, .ade20K, .voc]
    let classes = model.output == .segmentation ? tables.first { $0.count == model.classes } : nil
    return ModelCard(
      model: model.name.rawValue, classes: classes ?? ClassTable(count: model.classes),
      normalization: model.output == .depth ? .unit : .imageNet,
      size: model.inputSize, recipe: "", terms: "those of the weights' publisher",
      queries: model.network is any ResolutionFree ? .grid : nil)
  }
}

extension Module {
  /// Loads the values of a published checkpoint with the differences that its kind of model allows.
  func load(published values: [String: Tensor]) throws -> LoadReport {
    if let network = self as? FFNet { return try network.load(published: values) }
    // Published depth encoders keep a classifier that nothing uses.
    guard self is DepthNetwork else { return try load(values) }
    return try load(values, rules: LoadRules(mayDrop: { $0.hasPrefix("encoder.fc.") }))
  }
}

extension WeightArchive {
  /// The same arrays without `module.`, which PyTorch's DataParallel puts before every name.
  func withoutDataParallelPrefix() -> WeightArchive {
    let prefix = "module."
    guard !entries.isEmpty, entries.allSatisfy({ $0.name.hasPrefix(prefix) }) else { return self }
    return renamed { String($0.dropFirst(prefix.count)) }
  }

  /// The number of classes that the last layer of a checkpoint makes; nil if no layer has one of these names.
  var classCount: Int? {
    let last = [
      "head.layers.3.last_layer.3.weight", "head.layers.2.classifier.weight", "auxor.aux.4.weight", "fc.weight",
      "hrhead.last_layer.2.weight", "ocr.cls_head.weight",
      "decoder.semantic_head.classifier.semantic.1.weight",
    ]
    return last.lazy.compactMap { self[$0]?.shape.first }.first
  }

  /// The channels of the images that the first convolution takes.
  var inputChannels: Int? {
    let first = entries.first { $0.name.hasSuffix("conv0.weight") || $0.name.hasSuffix("conv1.weight") }
    return first.flatMap { $0.array.shape.rank == 4 && $0.array.shape[1] > 0 ? $0.array.shape[1] : nil }
  }
}
