import SegFiles

/// What a restricted pickle can build.
///
/// Containers are indices into a `PickleHeap`, not nested values: they can be shared or contain themselves as in
/// Python, and nesting of any depth is built and freed without recursion.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer beyond 64 bits, as its little-endian bytes.
  case bigInteger([UInt8])
  case number(Double)
  case text(String)
  case bytes
  /// A list or a tuple.
  case sequence(Int)
  /// A dict or an OrderedDict.
  case dictionary(Int)
  case callable(PickleCallable)
  case storage(Int)
  case tensor(Int)

  /// What kind of value this is, for messages.
  var kind: String {
    switch self {
    case .none: return "None"
    case .bool: return "a truth value"
    case .integer, .bigInteger: return "an integer"
    case .number: return "a float"
    case .text: return "a string"
    case .bytes: return "bytes"
    case .sequence: return "a list or tuple"
    case .dictionary: return "a dictionary"
    case .callable: return "a function or class"
    case .storage: return "a storage"
    case .tensor: return "a tensor"
    }
  }
}

/// The functions and classes that a checkpoint may name. Each is a case that this module knows how to imitate; nothing
/// is looked up or run.
enum PickleCallable {
  case orderedDictionary
  case rebuildTensor
  case rebuildTensorV2
  case rebuildParameter
  case storage(ElementType)
  case size
  case device
  /// `_codecs.encode`: how protocol 2 spells bytes.
  case encode

  /// By Python's name, the module in front.
  static let named: [String: PickleCallable] = [
    "collections.OrderedDict": .orderedDictionary,
    "torch._utils._rebuild_tensor": .rebuildTensor,
    "torch._utils._rebuild_tensor_v2": .rebuildTensorV2,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch.FloatStorage": .storage(.float32),
    "torch.HalfStorage": .storage(.float16),
    "torch.BFloat16Storage": .storage(.bfloat16),
    "torch.DoubleStorage": .storage(.float64),
    "torch.LongStorage": .storage(.int64),
    "torch.IntStorage": .storage(.int32),
    "torch.ShortStorage": .storage(.int16),
    "torch.CharStorage": .storage(.int8),
    "torch.ByteStorage": .storage(.uint8),
    "torch.BoolStorage": .storage(.bool),
    "torch.Size": .size,
    "torch.device": .device,
    "_codecs.encode": .encode,
  ]
}

/// The containers, storages and tensors of one pickle.
struct PickleHeap {
  var sequences: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  private(set) var storages: [TorchStorage] = []
  private(set) var tensors: [TorchTensor] = []
  private var storagePositions: [String: Int] = [:]

  mutating func newSequence(_ elements: [PickleValue]) -> PickleValue {
    sequences.append(elements)
    return .sequence(sequences.count - 1)
  }

  mutating func newDictionary() -> PickleValue {
    dictionaries.append([])
    return .dictionary(dictionaries.count - 1)
  }

  mutating func newTensor(_ tensor: TorchTensor) -> PickleValue {
    tensors.append(tensor)
    return .tensor(tensors.count - 1)
  }

  /// The storage of a key, which is named once for every tensor that uses it.
  mutating func storage(_ storage: TorchStorage) throws -> PickleValue {
    guard let position = storagePositions[storage.key] else {
      storagePositions[storage.key] = storages.count
      storages.append(storage)
      return .storage(storages.count - 1)
    }
    guard storages[position] == storage else {
      throw Malformed("storage \(storage.key.quoted) is named with two types or sizes")
    }
    return .storage(position)
  }

  /// Where the storage of a key is listed.
  func storageIndex(_ key: String) -> Int? { storagePositions[key] }

  /// The elements of a tuple or list of sizes or strides.
  func sizes(_ value: PickleValue) -> [Int]? {
    guard case .sequence(let index) = value else { return nil }
    var sizes: [Int] = []
    for case .integer(let size) in sequences[index] { sizes.append(size) }
    return sizes.count == sequences[index].count ? sizes : nil
  }
}

/// A run of elements that tensors share.
struct TorchStorage: Equatable {
  let key: String
  let type: ElementType
  let count: Int
}

/// A view of a storage, in elements.
struct TorchTensor {
  let storage: Int
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}
