import Foundation
import SegFiles
import SegFormats
import SegKernels
import SegONNX

/// `segkernels run`: raw tensors in and out.
public enum RawRun {
  /// Runs a model on every array of a file and writes what comes out, under the same names.
  ///
  /// - Parameters:
  ///   - loaded: the model.
  ///   - input: .npy, .npz or .safetensors with arrays N×C×H×W.
  ///   - output: of any of these kinds.
  ///   - overwrite: replace a file that exists.
  /// - Throws: `FileError` if an array is no N×C×H×W of the model's channels, or a file cannot be read or written.
  @discardableResult
  public static func run(_ loaded: LoadedModel, input: URL, output: URL, overwrite: Bool) throws -> [Shape] {
    try refuseExisting([output], overwrite: overwrite)
    let archive = try readWeights(at: input)
    let network = CompiledNetwork(loaded.model.network)
    let results = try archive.entries.map { entry in
      let name = entry.name, x = entry.array.tensor
      guard x.rank == 4, x.shape[1] == loaded.model.inputChannels, x.shape[2] > 0, x.shape[3] > 0 else {
        throw FileError(
          path: input.relativePath,
          problem: "array '\(name)': expected N×\(loaded.model.inputChannels)×H×W, found shape \(x.shape)")
      }
      _ = try (loaded.model.network as? ONNXNetwork)?.outputShape(for: x.shape)
      return (name: name, array: WeightArray.float(network(x)))
    }
    try writeWeights(WeightArchive(results), to: output, overwrite: overwrite)
    return results.map(\.array.shape)
  }
}
