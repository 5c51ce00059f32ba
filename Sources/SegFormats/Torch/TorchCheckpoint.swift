import SegFiles
import SegKernels

/// Turns the object of a checkpoint into an archive.
///
/// - A dictionary of tensors gives its tensors under their names.
/// - A wrapper is looked below: if one entry under a usual key (`state_dict`, `model`, …) is a dictionary that holds
///   tensors, and no tensor with axes stands beside it, the archive is that of the dictionary. Scalars beside it become
///   metadata; other containers, such as the state of an optimiser, are named in `leftOut`.
/// - Other nested containers give names joined by dots, list elements by their numbers.
/// - Scalars become metadata, spelled as Python prints them.
struct TorchCheckpoint {
  private let heap: PickleHeap
  private let loneName: String
  private let isBigEndian: Bool
  private let read: (TorchStorage) throws -> ByteRegion
  /// The bytes of the storages met so far.
  private var storages: [Int: ByteRegion] = [:]
  private var archive = WeightArchive()
  /// How many bytes the arrays may still take. Tensors can repeat the elements of a small storage (stride 0), so that
  /// the file's size alone bounds nothing.
  private var allowance: Int
  private var visitsLeft = 1 << 20

  private static let wrapperKeys: Set<String> = [
    "state_dict", "model_state_dict", "model", "model_state", "net", "network", "params", "weights", "module", "ema",
    "state_dict_ema", "model_ema", "params_ema",
  ]
  private static let depthLimit = 64

  init(
    heap: PickleHeap, loneName: String, fileSize: Int, isBigEndian: Bool,
    read: @escaping (TorchStorage) throws -> ByteRegion
  ) {
    self.heap = heap
    self.loneName = loneName
    self.isBigEndian = isBigEndian
    self.read = read
    allowance = 64 * fileSize + 1 << 20
  }

  /// The archive of the pickle's root object.
  mutating func archive(of root: PickleValue) throws -> WeightArchive {
    var value = root
    var wrappers: [String] = []
    while wrappers.count < TorchCheckpoint.depthLimit, let (key, inner) = try wrapped(value) {
      try addScalars(beside: key, of: value)
      wrappers.append(key)
      value = inner
    }
    if !wrappers.isEmpty { archive.wrapper = wrappers.joined(separator: ".") }
    try add(value, named: "", depth: 0)
    return archive
  }

  // MARK: - Wrappers

  /// The one entry that wraps all there is.
  private func wrapped(_ value: PickleValue) throws -> (key: String, value: PickleValue)? {
    guard case .dictionary(let index) = value else { return nil }
    var found: (key: String, value: PickleValue)?
    for (key, value) in heap.dictionaries[index] {
      if case .tensor(let tensor) = value, !heap.tensors[tensor].shape.isEmpty { return nil }
      guard case .text(let name) = key, case .dictionary = value, TorchCheckpoint.wrapperKeys.contains(name),
        holdsTensors(value)
      else { continue }
      if found != nil { return nil }
      found = (name, value)
    }
    return found
  }

  /// Without recursion, since containers can nest deeply or contain themselves.
  private func holdsTensors(_ value: PickleValue) -> Bool {
    var pending = [value]
    var seenSequences: Set<Int> = []
    var seenDictionaries: Set<Int> = []
    while let value = pending.popLast() {
      switch value {
      case .tensor: return true
      case .sequence(let index) where seenSequences.insert(index).inserted: pending += heap.sequences[index]
      case .dictionary(let index) where seenDictionaries.insert(index).inserted:
        pending += heap.dictionaries[index].map(\.value)
      default: break
      }
    }
    return false
  }

  private mutating func addScalars(beside wrapper: String, of value: PickleValue) throws {
    guard case .dictionary(let index) = value else { return }
    for (key, value) in heap.dictionaries[index] {
      let name = try TorchCheckpoint.name(of: key)
      switch value {
      case .sequence, .dictionary: if name != wrapper { archive.leftOut.append(name) }
      case .tensor(let index): archive.metadata[name] = try text(heap.tensors[index])
      default: try add(value, named: name, depth: 0)
      }
    }
  }

  /// The value of a tensor without axes.
  private mutating func text(_ tensor: TorchTensor) throws -> String {
    switch try array(tensor) {
    case .float(let tensor): return "\(tensor.scalar)"
    case .integer(let array): return "\(array.values[0])"
    }
  }

  // MARK: - Flattening

  private mutating func add(_ value: PickleValue, named name: String, depth: Int) throws {
    visitsLeft -= 1
    guard depth <= TorchCheckpoint.depthLimit, visitsLeft > 0 else {
      throw Malformed("containers nest deeper, or hold more, than any checkpoint does")
    }
    let prefix = name.isEmpty ? "" : name + "."
    switch value {
    case .tensor(let index):
      let name = name.isEmpty ? loneName : name
      do {
        try archive.add(name, array(heap.tensors[index]))
      } catch let error as Malformed {
        throw Malformed("tensor \(name.quoted): \(error.problem)")
      }
    case .dictionary(let index):
      for (key, value) in heap.dictionaries[index] {
        try add(value, named: prefix + TorchCheckpoint.name(of: key), depth: depth + 1)
      }
    case .sequence(let index):
      for (number, value) in heap.sequences[index].enumerated() {
        try add(value, named: prefix + String(number), depth: depth + 1)
      }
    case .none: archive.metadata[name] = "None"
    case .bool(let value): archive.metadata[name] = value ? "True" : "False"
    case .integer(let value): archive.metadata[name] = String(value)
    case .number(let value): archive.metadata[name] = "\(value)"
    case .text(let value): archive.metadata[name] = value
    case .bigInteger, .bytes, .callable, .storage: break
    }
  }

  private static func name(of key: PickleValue) throws -> String {
    switch key {
    case .text(let name): return name
    case .integer(let number): return String(number)
    default: throw Malformed("a dictionary has \(key.kind) as a key, expected strings or integers")
    }
  }

  // MARK: - Elements

  private mutating func array(_ tensor: TorchTensor) throws -> WeightArray {
    let storage = heap.storages[tensor.storage]
    let bytes = try self.bytes(of: tensor.storage)
    let elements = try StoredElements(
      storage.type, bytes, shape: tensor.shape, strides: tensor.strides, offset: tensor.offset, isBigEndian: isBigEndian
    )
    allowance -= elements.count * MemoryLayout<Int64>.size
    guard allowance >= 0 else { throw Malformed("the tensors claim far more elements than the file holds") }
    return try elements.array()
  }

  private mutating func bytes(of index: Int) throws -> ByteRegion {
    if let bytes = storages[index] { return bytes }
    let storage = heap.storages[index]
    let bytes = try read(storage)
    let expected = try StoredElements.byteCount(storage.type, [storage.count])
    guard bytes.count == expected else {
      throw Malformed("storage \(storage.key.quoted): expected \(expected) bytes, found \(bytes.count)")
    }
    storages[index] = bytes
    return bytes
  }
}
