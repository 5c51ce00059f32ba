import Foundation
import SegFiles
import SegKernels
import SegONNX

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

/// `segkernels export`: a network as an ONNX file.
public enum ONNXWriting {
  /// Writes a model for images of one size.
  ///
  /// - Throws: `UsageError` where the model has an operation that ONNX does not, or the file exists; `FileError` where
  ///   it cannot be written.
  public static func write(_ loaded: LoadedModel, batch: Int, size: Pair, to url: URL, overwrite: Bool) throws {
    try refuseExisting([url], overwrite: overwrite)
    let model = loaded.model
    let graph = Graph.capture(
      inputs: [[batch, model.inputChannels, size.height, size.width]], parameters: model.network
    ) { model.outputs($0[0]) }
    do {
      let bytes = try graph.onnxModel()
      try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
    } catch let error as ONNXExportError {
      throw UsageError("model '\(model.name)': \(error)")
    }
  }
}
