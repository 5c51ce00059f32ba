import SegFiles

extension PickleMachine {
  /// The callable of a name; any that is not in `PickleCallable.named` is refused here, before it could be used.
  func lookUp(_ module: String, _ name: String) throws -> PickleValue {
    let full = module + "." + name
    guard let callable = PickleCallable.named[full] else {
      throw Malformed(
        "refers to \(full.quoted), which is neither a tensor nor a plain container; refused, not executed")
    }
    return .callable(callable)
  }

  /// What Python's `callable(*arguments)` would make.
  mutating func call(_ callable: PickleValue, _ arguments: PickleValue) throws -> PickleValue {
    guard case .callable(let callable) = callable, case .sequence(let index) = arguments else {
      throw Malformed("expected a callable and its arguments, found \(callable.kind) and \(arguments.kind)")
    }
    let arguments = heap.sequences[index]
    switch callable {
    case .orderedDictionary where arguments.isEmpty: return heap.newDictionary()
    case .orderedDictionary: return try orderedDictionary(ofPairs: arguments)
    case .rebuildTensor where arguments.count == 4: return try rebuildTensor(arguments)
    // Storage, offset, sizes, strides; then whether a gradient is wanted, hooks and perhaps metadata: of no use here.
    case .rebuildTensorV2 where (6...7).contains(arguments.count): return try rebuildTensor(arguments)
    case .rebuildParameter where arguments.count == 3:
      guard case .tensor = arguments[0] else {
        throw Malformed("a parameter of \(arguments[0].kind), expected a tensor")
      }
      return arguments[0]
    case .size where arguments.count == 1 && heap.sizes(arguments[0]) != nil: return arguments[0]
    case .device:
      guard case .text(let name)? = arguments.first else { throw Malformed("a device without a name") }
      return .text(name)
    case .encode: return .bytes
    default:
      throw Malformed("a call with \(arguments.count) arguments that torch.save does not write")
    }
  }

  /// `OrderedDict([[key, value], …])`, as Python 2 pickles it.
  private mutating func orderedDictionary(ofPairs arguments: [PickleValue]) throws -> PickleValue {
    guard arguments.count == 1, case .sequence(let list) = arguments[0] else {
      throw Malformed("expected an ordered dictionary of a list of pairs")
    }
    let dictionary = heap.newDictionary()
    for pair in heap.sequences[list] {
      guard case .sequence(let index) = pair, heap.sequences[index].count == 2 else {
        throw Malformed("expected an ordered dictionary of pairs, found \(pair.kind)")
      }
      heap.dictionaries[heap.dictionaries.count - 1].append((heap.sequences[index][0], heap.sequences[index][1]))
    }
    return dictionary
  }

  /// A tensor's bounds are checked when its elements are at hand.
  private mutating func rebuildTensor(_ arguments: [PickleValue]) throws -> PickleValue {
    guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
      let shape = heap.sizes(arguments[2]), let strides = heap.sizes(arguments[3])
    else {
      throw Malformed(
        "expected a tensor of storage, offset, sizes and strides, found "
          + arguments.prefix(4).map(\.kind).joined(separator: ", "))
    }
    return heap.newTensor(TorchTensor(storage: storage, offset: offset, shape: shape, strides: strides))
  }

  /// `('storage', type, key, device, count)`; the legacy stream adds a view, which is None since PyTorch 0.4.
  mutating func persistentStorage(_ identifier: PickleValue) throws -> PickleValue {
    guard case .sequence(let index) = identifier, case let fields = heap.sequences[index],
      (5...6).contains(fields.count),
      case .text("storage") = fields[0], case .callable(.storage(let type)) = fields[1],
      case .text(let key) = fields[2],
      case .text = fields[3], case .integer(let count) = fields[4], count >= 0
    else { throw Malformed("expected a storage's type, key, device and size, found something else") }
    if fields.count == 6 {
      guard case .none = fields[5] else { throw Malformed("storage \(key.quoted) is a view of another; save it anew") }
    }
    return try heap.storage(TorchStorage(key: key, type: type, count: count))
  }
}
