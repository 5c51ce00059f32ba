import SegKernels

/// Where the elements of torch tensors are kept: named in the pickle, stored beside it.
struct TorchStorage: Hashable {
  let key: String
  let type: ElementType
  /// The number of elements.
  let count: Int

  /// Storage classes by their full name.
  static let types: [String: ElementType] = [
    "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8, "torch.BoolStorage": .bool,
  ]

  /// Reads a persistent id: ("storage", class, key, device, count) and, in older files, a view that is always None.
  init(_ identifier: PickleValue) throws {
    guard case .tuple(let fields) = identifier, fields.count >= 5, case .text("storage") = fields[0],
      case .global(let name) = fields[1], let type = TorchStorage.types[name], case .text(let key) = fields[2],
      case .integer(let count) = fields[4], count >= 0
    else { throw Malformed("a storage is not described as torch does") }
    if fields.count > 5, case .tuple = fields[5] { throw Malformed("storage \(key) is a view of another, which is not supported") }
    self.key = key
    self.type = type
    self.count = count
  }
}

/// A tensor as a pickle describes it: a strided window on a storage.
struct TorchTensor {
  let storage: TorchStorage
  let offset: Int
  let shape: Shape
  let strides: [Int]

  /// Reads the arguments of `_rebuild_tensor`: storage, offset, size, strides.
  init(_ arguments: [PickleValue]) throws {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
      let extents = arguments[2].integers, let strides = arguments[3].integers, strides.count == extents.count
    else { throw Malformed("a tensor is not described as torch does") }
    let what = "a tensor of shape \(extents), strides \(strides) and offset \(offset) in a storage of \(storage.count)"
    guard offset >= 0, (extents + strides).allSatisfy({ $0 >= 0 }) else { throw Malformed("\(what) has negative numbers") }
    _ = try storage.type.byteCount(extents)
    let count = extents.reduce(1, *)
    // Whatever is repeated by strides of 0 is no weight, and could grow beyond all memory.
    guard count <= storage.count else { throw Malformed("\(what) has more elements than that") }
    var last = offset
    for (extent, stride) in zip(extents, strides) where count > 0 {
      let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      guard !overflow, reach <= storage.count - last else { throw Malformed("\(what) reaches beyond it") }
      last += reach
    }
    guard count == 0 || last < storage.count else { throw Malformed("\(what) reaches beyond it") }
    self.storage = storage
    self.offset = offset
    self.strides = strides
    shape = Shape(extents)
  }

  /// Reads the elements out of the storage's bytes.
  func array(_ bytes: ByteRegion, isBigEndian: Bool) throws -> StoredArray {
    let size = storage.type.size
    let isContiguous = zip(shape, zip(strides, shape.strides)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    if isContiguous || shape.elementCount == 0 {
      return try storage.type.array(
        bytes.slice(from: offset * size, count: shape.elementCount * size), shape, isBigEndian: isBigEndian)
    }
    let gathered = HeapBytes(count: shape.elementCount * size)
    bytes.withBytes { source in
      for index in 0..<shape.elementCount {
        var (rest, place) = (index, offset)
        for axis in shape.indices.reversed() {
          place += rest % shape[axis] * strides[axis]
          rest /= shape[axis]
        }
        UnsafeMutableRawBufferPointer(rebasing: gathered.bytes[(index * size)..<((index + 1) * size)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[(place * size)..<((place + 1) * size)]))
      }
    }
    return try storage.type.array(ByteRegion(gathered), shape, isBigEndian: isBigEndian)
  }
}

/// Checkpoints that `torch.save` wrote: a zip archive, or before torch 1.6 a stream of pickles.
enum TorchCheckpoint {
  /// 0x1950a86a20f9469cfc6c as a pickle of protocol 2.
  private static let legacyMagic: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  static func isLegacy(_ region: ByteRegion) -> Bool { region.starts(with: legacyMagic) }

  static func isRecognised(_ zip: Zip) -> Bool { root(of: zip) != nil }

  /// The folder in the archive that holds `data.pkl`.
  private static func root(of zip: Zip) -> String? {
    zip.members.first { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }.map { String($0.name.dropLast("data.pkl".count)) }
  }

  static func read(_ zip: Zip) throws -> WeightArchive {
    let root = root(of: zip) ?? ""
    func contents(_ name: String) throws -> ByteRegion {
      guard let member = zip.member(root + name) else { throw Malformed("the checkpoint has no member \(root + name)") }
      return try zip.contents(member)
    }
    var cursor = ByteCursor(try contents("data.pkl"))
    let value = try Unpickler.read(&cursor)
    let isBigEndian = zip.member(root + "byteorder") != nil ? try contents("byteorder").starts(with: Array("big".utf8)) : false
    return try archive(value, isBigEndian: isBigEndian) { storage in
      let bytes = try contents("data/" + storage.key)
      guard bytes.count >= storage.count * storage.type.size else {
        throw Malformed("storage \(storage.key) should hold \(storage.count) elements, found \(bytes.count) bytes")
      }
      return bytes
    }
  }

  static func readLegacy(_ region: ByteRegion) throws -> WeightArchive {
    var cursor = ByteCursor(region)
    _ = try Unpickler.read(&cursor)
    guard case .integer(1001) = try Unpickler.read(&cursor) else { throw Malformed("expected protocol 1001 of torch's stream") }
    guard case .dictionary(let system) = try Unpickler.read(&cursor) else { throw Malformed("torch's stream lacks its system notes") }
    let isLittle = system.members.first { if case .text("little_endian") = $0.key { true } else { false } }?.value
    var isBigEndian = false
    if case .bool(false)? = isLittle { isBigEndian = true }
    let value = try Unpickler.read(&cursor)
    let keys = PickleValue.elements(of: try Unpickler.read(&cursor))
    // The elements follow in the order of the keys; how large each is, its tensors' storages say.
    var sizes: [String: Int] = [:]
    try forEachTensor(value) { sizes[$1.storage.key] = $1.storage.type.size }
    var places: [String: ByteRegion] = [:]
    for key in keys {
      guard case .text(let name) = key else { throw Malformed("a storage's key is no text") }
      let count = try cursor.size(Int64.self, "the length of storage \(name)")
      // A storage without tensors has an unknown type; nothing behind it can be found.
      guard let size = sizes[name] else { throw Malformed("storage \(name) belongs to no tensor") }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw Malformed("storage \(name) of \(count) elements overflows") }
      places[name] = try cursor.bytes(bytes, "storage \(name)")
    }
    return try archive(value, isBigEndian: isBigEndian) { storage in
      guard let bytes = places[storage.key], bytes.count >= storage.count * storage.type.size else {
        throw Malformed("storage \(storage.key) of \(storage.count) elements is missing or too short")
      }
      return bytes
    }
  }

  /// Keys under which training scripts put the weights, the likeliest first.
  private static let wrappers = [
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "params", "weights",
    "state_dict_ema", "model_ema", "ema",
  ]

  /// The tensors by name. A wrapper such as `state_dict` is opened, and named in the notes; scalars become notes.
  private static func archive(
    _ value: PickleValue, isBigEndian: Bool, _ storage: (TorchStorage) throws -> ByteRegion
  ) throws -> WeightArchive {
    var notes: [String: String] = [:]
    var weights = value
    if case .dictionary(let top) = value {
      for (key, value) in top.members {
        switch value {
        case .bool(let flag): notes[key.name] = "\(flag)"
        case .integer(let number): notes[key.name] = "\(number)"
        case .real(let number): notes[key.name] = "\(number)"
        case .text(let text): notes[key.name] = text
        default: break
        }
      }
      let hasOwn = top.members.contains { if case .tensor = $0.value { true } else { false } }
      let wrapped = wrappers.lazy.compactMap { wrapper in top.members.first { $0.key.name == wrapper } }.first { _, value in
        var found = false
        try? forEachTensor(value) { _, _ in found = true }
        return found
      }
      if !hasOwn, let wrapped {
        weights = wrapped.value
        notes["torch.wrapper"] = wrapped.key.name
      }
    }
    var entries: [(name: String, array: StoredArray)] = []
    var names: Set<String> = []
    try forEachTensor(weights) { name, tensor in
      guard names.insert(name).inserted else { throw Malformed("tensor '\(name)' occurs twice") }
      entries.append((name, try tensor.array(try storage(tensor.storage), isBigEndian: isBigEndian)))
    }
    guard !entries.isEmpty else { throw Malformed("the checkpoint holds no tensors") }
    return WeightArchive(entries, metadata: notes)
  }

  /// Visits the tensors of nested containers; names are joined by dots.
  private static func forEachTensor(_ value: PickleValue, _ body: (String, TorchTensor) throws -> Void) throws {
    // Containers of a pickle may contain themselves, or each other many times over.
    var visits = 0
    func visit(_ value: PickleValue, _ name: String, _ depth: Int) throws {
      visits += 1
      guard depth < 32, visits < 1_000_000 else { throw Malformed("the checkpoint's containers are nested without end") }
      func joined(_ part: String) -> String { name.isEmpty ? part : name + "." + part }
      switch value {
      case .tensor(let tensor): try body(name.isEmpty ? "tensor" : name, tensor)
      case .dictionary(let dictionary):
        for (key, value) in dictionary.members { try visit(value, joined(key.name), depth + 1) }
      case .list, .tuple:
        for (index, element) in PickleValue.elements(of: value).enumerated() {
          try visit(element, joined("\(index)"), depth + 1)
        }
      default: break
      }
    }
    try visit(value, "", 0)
  }
}

extension PickleValue {
  /// A dictionary's key as text.
  fileprivate var name: String {
    switch self {
    case .text(let text): text
    case .integer(let number): "\(number)"
    default: "?"
    }
  }
}
