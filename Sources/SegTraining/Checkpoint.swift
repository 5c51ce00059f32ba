import Foundation
import SegFiles
import SegFormats
import SegKernels

/// The state of a run between two steps, as one safetensors file: parameters under `model.`, what the optimizer
/// remembers under `optimizer.`, the averaged weights under `average.` if there are any; and, among the notes, the step,
/// the recipe's hash, the updates of the average and, under `random.`, where each layer's random numbers stand.
struct Checkpoint {
  /// Steps done.
  let step: Int
  /// A hash of the recipe.
  let recipe: String
  let model: [String: Tensor]
  let optimizer: [String: Tensor]
  let average: [String: Tensor]
  /// Updates of the average.
  let averageUpdates: Int
  /// The state of every source of random numbers in the network.
  let random: [String: UInt64]

  /// Takes the state of a run.
  init(
    step: Int, recipe: String, network: any Module, optimizer: any Optimizer, average: ExponentialMovingAverage?
  ) {
    self.step = step
    self.recipe = recipe
    model = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.value) })
    self.optimizer = optimizer.state
    self.average = average?.averages ?? [:]
    averageUpdates = average?.updates ?? 0
    random = Dictionary(uniqueKeysWithValues: network.randomModules.map { ($0.name, $0.module.random.state) })
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
    averageUpdates = archive.metadata["averageUpdates"].flatMap { Int($0) } ?? 0
    random = Dictionary(
      uniqueKeysWithValues: archive.metadata.compactMap { key, value in
        guard key.hasPrefix("random."), let state = UInt64(value) else { return nil }
        return (String(key.dropFirst("random.".count)), state)
      })
  }

  /// Puts a run back into this state.
  func restore(_ network: any Module, _ optimizer: any Optimizer, _ average: ExponentialMovingAverage?) throws {
    try network.load(model)
    optimizer.state = self.optimizer
    average?.averages = self.average
    average?.updates = averageUpdates
    for (name, module) in network.randomModules {
      if let state = random[name] { module.random = RandomSource(seed: state) }
    }
  }

  /// A parameter with a value that is no number, if there is one: a checkpoint of such a run is good for nothing.
  var broken: String? {
    model.keys.sorted().first { name in model[name]!.withUnsafeBufferPointer { !$0.allSatisfy(\.isFinite) } }
  }

  /// Writes the checkpoint into a run's folder and keeps the last two.
  func write(into folder: URL) throws {
    let parts = [("model.", model), ("optimizer.", optimizer), ("average.", average)]
    let arrays = parts.flatMap { prefix, tensors in tensors.map { (prefix + $0.key, $0.value) } }
    var metadata = ["step": "\(step)", "recipe": recipe, "averageUpdates": "\(averageUpdates)"]
    for (name, state) in random { metadata["random." + name] = "\(state)" }
    let archive = WeightArchive(
      arrays.sorted { $0.0 < $1.0 }.map { (name: $0.0, tensor: $0.1) }, metadata: metadata)
    let digits = String(step)
    let name = "checkpoint-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".safetensors"
    try writeWeights(archive, to: folder.appendingPathComponent(name), overwrite: true)
    Checkpoint.removeBehind(Checkpoint.files(in: folder))
  }

  /// Removes all but the last two of a folder's checkpoints.
  static func removeBehind(_ files: some BidirectionalCollection<URL>) {
    for old in files.dropLast(2) { try? FileManager.default.removeItem(at: old) }
  }

  /// The checkpoints of a folder, the oldest first.
  static func files(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.relativePath)) ?? []
    return names.filter { $0.hasPrefix("checkpoint-") && $0.hasSuffix(".safetensors") }.sorted().map {
      folder.appendingPathComponent($0)
    }
  }
}
