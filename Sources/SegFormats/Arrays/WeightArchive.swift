import SegFiles
import SegKernels

/// The contents of a weights file: named arrays in their order, and texts about them.
public struct WeightArchive: Sendable {
  /// A named array.
  public struct Entry: Sendable {
    /// The array's name.
    public let name: String
    /// The array itself.
    public let array: WeightArray
  }

  /// The arrays, in the order of the file.
  public private(set) var entries: [Entry] = []
  /// Texts beside the arrays: the `__metadata__` of safetensors, the scalars of a torch checkpoint.
  public var metadata: [String: String]
  /// The format that the archive was read from.
  public internal(set) var format: WeightFormat?
  /// The keys under which a torch checkpoint held the arrays, such as `state_dict`, if `readWeights` looked below one.
  public internal(set) var wrapper: String?
  /// The names of further containers beside `wrapper`, such as `optimizer`, that were not read.
  public internal(set) var leftOut: [String] = []
  private var positions: [String: Int] = [:]

  /// An archive of given arrays, for writing. Traps if two have the same name.
  public init(_ entries: [(name: String, array: WeightArray)] = [], metadata: [String: String] = [:]) {
    self.metadata = metadata
    for (name, array) in entries {
      check(positions[name] == nil, "WeightArchive", "two arrays are named \(name.quoted)")
      append(name, array)
    }
  }

  /// An archive of given tensors, for writing. Traps if two have the same name.
  public init(_ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]) {
    self.init(tensors.map { ($0.name, .float($0.tensor)) }, metadata: metadata)
  }

  /// The array of a name.
  public subscript(name: String) -> WeightArray? { positions[name].map { entries[$0].array } }

  /// The tensor of a name; `nil` if there is no such array or it holds integers.
  public func tensor(_ name: String) -> Tensor? {
    guard case .float(let tensor) = self[name] else { return nil }
    return tensor
  }

  /// The integers of a name; `nil` if there is no such array or it holds floats.
  public func integers(_ name: String) -> IntegerArray? {
    guard case .integer(let array) = self[name] else { return nil }
    return array
  }

  /// Every array as floats, by name: what `Module.load(_:rules:)` takes. Integers beyond 2²⁴ are rounded.
  public var tensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.array.tensor) })
  }

  /// The same arrays under other names. Traps if two become equal.
  public func renamed(_ rename: (String) -> String) -> WeightArchive {
    WeightArchive(entries.map { (rename($0.name), $0.array) }, metadata: metadata)
  }

  /// The same archive with its arrays in the order of their names' UTF-8 bytes.
  public func sortedByName() -> WeightArchive {
    var result = self
    result.entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    result.positions = Dictionary(uniqueKeysWithValues: result.entries.enumerated().map { ($1.name, $0) })
    return result
  }

  /// Adds an array that a file holds.
  mutating func add(_ name: String, _ array: WeightArray) throws {
    guard positions[name] == nil else { throw Malformed("two arrays are named \(name.quoted)") }
    append(name, array)
  }

  private mutating func append(_ name: String, _ array: WeightArray) {
    positions[name] = entries.count
    entries.append(Entry(name: name, array: array))
  }
}

/// The formats of weights files.
public enum WeightFormat: String, Sendable, CaseIterable {
  /// A JSON header and raw arrays.
  case safetensors
  /// What `torch.save` writes since PyTorch 1.6: a zip archive of a pickle and raw storages.
  case torchZip
  /// What `torch.save` wrote before: a stream of pickles and raw storages.
  case torchStream
  /// One array of NumPy.
  case npy
  /// A zip archive of NumPy arrays.
  case npz
}
