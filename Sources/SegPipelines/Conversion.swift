import Foundation
import SegFiles
import SegFormats
import SegKernels
import SegTraining

/// `segkernels convert`: weights between file formats and spellings.
public struct Conversion: Sendable {
  /// The arrays under their new names.
  public let archive: WeightArchive
  /// Names that changed, old and new.
  public let renamed: [(old: String, new: String)]
  /// What was noticed: arrays left out, parameters that the model still lacks, channels adapted.
  public let notes: [String]

  /// The weights of a file, under the names of this package.
  ///
  /// - Parameters:
  ///   - input: the file.
  ///   - model: maps names to this model's, and adapts the first kernel to `inputChannels`.
  ///   - prefix: only names that begin with it are taken, and it is removed.
  ///   - inputChannels: of the images that the converted weights are for.
  /// - Throws: `FileError` if the file cannot be read or nothing of it fits; `UsageError` for an unknown model.
  public init(_ input: URL, model: ModelName? = nil, prefix: String = "", inputChannels: Int? = nil) throws {
    let original = try readWeights(at: input)
    var entries = original.entries.map { (old: $0.name, new: $0.name, array: $0.array) }
    var notes: [String] = []
    if let wrapper = original.wrapper { notes.append("weights taken from '\(wrapper)' of the checkpoint") }
    if !original.leftOut.isEmpty {
      notes.append("left out of the checkpoint: \(original.leftOut.joined(separator: ", "))")
    }
    if !prefix.isEmpty {
      let dropped = entries.count { !$0.new.hasPrefix(prefix) }
      if dropped > 0 { notes.append("\(dropped) arrays without the prefix '\(prefix)' left out") }
      entries = entries.filter { $0.new.hasPrefix(prefix) }.map {
        ($0.old, String($0.new.dropFirst(prefix.count)), $0.array)
      }
      guard !entries.isEmpty else {
        throw FileError(path: input.relativePath, problem: "no array's name begins with '\(prefix)'")
      }
    }
    if let model {
      let built = try ModelRegistry.build(
        model, classes: original.classCount, inputChannels: inputChannels ?? 3)
      entries = try Conversion.fit(entries, to: built, path: input.relativePath, &notes)
    }
    renamed = entries.filter { $0.old != $0.new }.map { ($0.old, $0.new) }
    self.notes = notes
    archive = WeightArchive(entries.map { ($0.new, $0.array) }, metadata: original.metadata)
  }

  /// Writes the converted weights in the format of the extension; `halves` as `writeWeights(_:to:halves:overwrite:)`.
  public func write(to output: URL, halves: Bool = false, overwrite: Bool) throws {
    try writeWeights(archive, to: output, halves: halves, overwrite: overwrite)
  }

  private typealias Entry = (old: String, new: String, array: WeightArray)

  /// Spellings that a checkpoint's names may differ by: what to take away in front, and what to put there. The last
  /// one brings an ImageNet ResNet into an FFNet's backbone.
  private static let spellings: [(remove: String, add: String)] = [
    ("", ""), ("module.", ""), ("model.", ""), ("module.model.", ""), ("backbone.", ""), ("encoder.", ""),
    ("", "backbone_model."), ("module.", "backbone_model."), ("backbone.", "backbone_model."),
    ("encoder.", "backbone_model."),
  ]

  /// The arrays under the model's names, by the spelling that fits most of them.
  private static func fit(
    _ entries: [Entry], to model: RegisteredModel, path: String, _ notes: inout [String]
  ) throws -> [Entry] {
    let parameters = Dictionary(uniqueKeysWithValues: model.network.state.map { ($0.name, $0.parameter) })
    func respelled(_ name: String, _ spelling: (remove: String, add: String)) -> String? {
      name.hasPrefix(spelling.remove) ? spelling.add + name.dropFirst(spelling.remove.count) : nil
    }
    func matches(_ spelling: (remove: String, add: String)) -> Int {
      entries.count { entry in respelled(entry.new, spelling).flatMap { parameters[$0] } != nil }
    }
    let best = spellings.max { matches($0) < matches($1) }!
    guard matches(best) > 0 else {
      throw FileError(
        path: path,
        problem:
          "expected names of \(model.name) such as '\(model.network.state[0].name)', found '\(entries.first?.old ?? "none")'"
      )
    }
    var fitted: [Entry] = [], left: [String] = []
    for entry in entries {
      guard let name = respelled(entry.new, best), let parameter = parameters[name] else {
        left.append(entry.old)
        continue
      }
      guard entry.array.shape != parameter.shape else {
        fitted.append((entry.old, name, entry.array))
        continue
      }
      guard let adapted = adapt(entry.array, to: parameter.shape) else {
        notes.append("\(entry.old) left out: expected shape \(parameter.shape), found \(entry.array.shape)")
        continue
      }
      notes.append("\(entry.old): \(adapted.how)")
      fitted.append((entry.old, name, .float(adapted.kernel)))
    }
    if !left.isEmpty {
      notes.append(
        "\(left.count) arrays that \(model.name) does not have left out: \(left.prefix(5).joined(separator: ", "))\(left.count > 5 ? ", …" : "")"
      )
    }
    let names = Set(fitted.map(\.new))
    let missing = model.network.state.filter { !names.contains($0.name) && $0.parameter.role == .weight }
    if !missing.isEmpty {
      notes.append(
        "\(missing.count) parameters of \(model.name) are not in the file: \(missing.prefix(5).map(\.name).joined(separator: ", "))\(missing.count > 5 ? ", …" : "")"
      )
    }
    return fitted
  }

  /// A first kernel for another number of input channels: fewer get the mean over the channels, more get the kernel
  /// repeated; both scaled so that equal channels give the old result.
  private static func adapt(_ array: WeightArray, to shape: Shape) -> (kernel: Tensor, how: String)? {
    let found = array.shape
    guard found.rank == 4, shape.rank == 4, found[0] == shape[0], found[2] == shape[2], found[3] == shape[3],
      found[1] == 3 || found[1] == 1, case .float(let kernel) = array
    else { return nil }
    let scale = Float(found[1]) / Float(shape[1])
    if shape[1] == 1 {
      return (kernel.sum(axes: [1], keepDimensions: true), "\(found[1]) input channels averaged to 1")
    }
    let repeated = (0..<shape[1]).map { kernel.slice(axis: 1, ($0 % found[1])..<($0 % found[1] + 1)) }
    return (
      concatenate(repeated, axis: 1) * scale, "\(found[1]) input channels repeated to \(shape[1]), scaled by \(scale)"
    )
  }
}
