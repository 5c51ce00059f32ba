import SegKernels

/// One array of a file: floats as a tensor, integers as they are.
public enum StoredArray: Sendable {
  case float(Tensor)
  case integer(IntegerArray)

  /// The extents, outermost first.
  public var shape: Shape {
    switch self {
    case .float(let tensor): tensor.shape
    case .integer(let array): array.shape
    }
  }

  /// The values as floats; integers beyond 2²⁴ are rounded.
  public var tensor: Tensor {
    switch self {
    case .float(let tensor): tensor
    case .integer(let array): Tensor(array.shape, array.values.map(Float.init))
    }
  }
}

/// Whole numbers of a file: counters, labels, indices.
public struct IntegerArray: Sendable, Hashable {
  /// The extents, outermost first.
  public let shape: Shape
  /// The values in row-major order.
  public let values: [Int64]

  /// Traps if the number of values is not the shape's.
  public init(_ shape: Shape, _ values: [Int64]) {
    check(values.count == shape.elementCount, "IntegerArray", "\(values.count) values given for shape \(shape)")
    self.shape = shape
    self.values = values
  }
}

/// The named arrays of a file, in its order, and its notes.
public struct WeightArchive: Sendable {
  /// The arrays in the file's order. Names are unique.
  public private(set) var entries: [(name: String, array: StoredArray)]
  /// Notes: safetensors' `__metadata__`, or the scalars beside the weights of a torch checkpoint.
  public var metadata: [String: String]
  private var places: [String: Int]

  /// Traps if a name occurs twice.
  public init(_ entries: [(name: String, array: StoredArray)] = [], metadata: [String: String] = [:]) {
    self.entries = entries
    self.metadata = metadata
    places = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
  }

  /// The array of a name.
  public subscript(name: String) -> StoredArray? { places[name].map { entries[$0].array } }

  /// Every array as floats, by name: what ``Module/load(_:rules:)`` takes.
  public var tensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.array.tensor) })
  }

  /// The same arrays under other names.
  public func renamed(_ rename: (String) -> String) -> WeightArchive {
    WeightArchive(entries.map { (rename($0.name), $0.array) }, metadata: metadata)
  }
}
