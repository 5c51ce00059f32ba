import Foundation
import SegFiles
import SegImages
import SegKernels
import SegONNX
import SegTraining

extension ModelName {
  /// Whether this is the path of an ONNX file and no published name.
  public var isONNXFile: Bool { rawValue.hasSuffix(".onnx") }
}

extension RegisteredModel {
  /// The network of an ONNX file as one that segments.
  ///
  /// - Throws: `FileError` if the file cannot be read, holds unknown operators, or makes no map of classes.
  init(onnxFile name: ModelName) throws {
    let network = try ONNXNetwork(contentsOf: URL(fileURLWithPath: name.rawValue))
    let extents = network.inputExtents, channels = extents[1] ?? 3
    let size = Pair(height: extents[2] ?? 512, width: extents[3] ?? 512)
    let output = try network.outputShape(for: [extents[0] ?? 1, channels, size.height, size.width])
    guard output.rank == 4, output[1] > 0 else {
      throw FileError(path: network.path, problem: "expected an output N×classes×H×W, found shape \(output)")
    }
    // A network that leaves its size open halves it five times at most, as the field's do.
    self.init(
      name: name, network: network, output: .segmentation, classes: output[1], inputChannels: channels,
      divisor: extents[2] == nil || extents[3] == nil ? 32 : 1, inputSize: size, publishedWeights: nil)
  }
}

extension LoadedModel {
  /// The model with other statistics for its images: ONNX files do not say what theirs were.
  ///
  /// - Throws: `UsageError` unless both have three numbers, the deviations positive.
  public func normalized(mean: [Float]?, deviation: [Float]?) throws -> LoadedModel {
    guard mean != nil || deviation != nil else { return self }
    let mean = mean ?? card.normalization.mean, deviation = deviation ?? card.normalization.deviation
    guard mean.count == 3, deviation.count == 3, mean.allSatisfy(\.isFinite),
      deviation.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw UsageError("expected three means and three positive deviations, found \(mean) and \(deviation)") }
    var card = card
    card.normalization = ImageNormalization(mean: mean, deviation: deviation)
    return LoadedModel(model: model, card: card, report: report)
  }
}

/// `segkernels export`: a network as an ONNX file.
public enum ONNXWriting {
  /// Writes a model for images of one size, or of any.
  ///
  /// - Parameters:
  ///   - loaded: the model.
  ///   - batch: images a run.
  ///   - size: rows and columns of an image.
  ///   - isDynamic: leave batch, rows and columns open; the sides must then be multiples of the model's divisor.
  ///   - url: the file.
  ///   - overwrite: replace a file that exists.
  /// - Throws: `UsageError` where the model has an operation that ONNX does not, or the file exists; `FileError` where
  ///   it cannot be written.
  public static func write(
    _ loaded: LoadedModel, batch: Int, size: Pair, isDynamic: Bool, to url: URL, overwrite: Bool
  ) throws {
    try refuseExisting([url], overwrite: overwrite)
    let model = loaded.model
    func captured(_ batch: Int, _ height: Int, _ width: Int) throws -> Graph {
      let shape: Shape = [batch, model.inputChannels, height, width]
      _ = try (model.network as? ONNXNetwork)?.outputShape(for: shape)
      return Graph.capture(inputs: [shape], parameters: model.network) { model.outputs($0[0]) }
    }
    let graph = try captured(batch, size.height, size.width), step = model.divisor
    // Batch, rows and columns grow by different factors, so that what follows them can be told apart.
    let wider = size.width + (size.width == size.height ? 2 : 1) * step
    let other = isDynamic ? try captured(5 * batch, size.height + step, wider) : nil
    do {
      let bytes = try graph.onnxModel(openWhereUnlike: other)
      try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
    } catch let error as ONNXExportError {
      throw UsageError("model '\(model.name)': \(error)")
    }
  }
}
