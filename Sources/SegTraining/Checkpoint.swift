import Foundation
import SegFiles
import SegFormats
import SegKernels

/// The state of a run between two steps, as one safetensors file: parameters under `model.`, what the optimizer
/// remembers under `optimizer.`, the averaged weights under `average.` if there are any, and the step.
struct Checkpoint {
  /// Steps done.
  let step: Int
  /// A hash of the recipe.
  let recipe: String
  let model: [String: Tensor]
  let optimizer: [String: Tensor]
  let average: [String: Tensor]

  /// Takes the state of a run.
  init(
    step: Int, recipe: String, network: any Module, optimizer: any Optimizer, average: ExponentialMovingAverage?
  ) {
    self.step = step
    self.recipe = recipe
    model = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.value) })
    self.optimizer = optimizer.state
    self.average = average?.state ?? [:]
  }

  /// Reads a checkpoint.
  init(contentsOf url: URL) throws {
    let archive = try readWeights(at: url)
    guard let step = archive.metadata["step"].flatMap({ Int($0) }), let recipe = archive.metadata["recipe"] else {
      throw FileError(path: url.relativePath, problem: "expected a checkpoint of a training run, found other arrays")
    }
    self.step = step
    self.recipe = recipe
    func part(_ prefix: String) -> [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: archive.entries.filter { $0.name.hasPrefix(prefix) }.map {
          (String($0.name.dropFirst(prefix.count)), $0.array.tensor)
        })
    }
    model = part("model.")
    optimizer = part("optimizer.")
    average = part("average.")
  }

  /// Writes the checkpoint into a run's folder and keeps the last two.
  func write(into folder: URL) throws {
    let parts = [("model.", model), ("optimizer.", optimizer), ("average.", average)]
    let arrays = parts.flatMap { prefix, tensors in tensors.map { (prefix + $0.key, $0.value) } }
    let archive = WeightArchive(
      arrays.sorted { $0.0 < $1.0 }.map { (name: $0.0, tensor: $0.1) }, metadata: ["step": "\(step)", "recipe": recipe])
    let digits = String(step)
    let name = "checkpoint-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".safetensors"
    try writeWeights(archive, to: folder.appendingPathComponent(name), overwrite: true)
    for old in Checkpoint.files(in: folder).dropLast(2) { try? FileManager.default.removeItem(at: old) }
  }

  /// The checkpoints of a folder, the oldest first.
  static func files(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.relativePath)) ?? []
    return names.filter { $0.hasPrefix("checkpoint-") && $0.hasSuffix(".safetensors") }.sorted().map {
      folder.appendingPathComponent($0)
    }
  }
}
