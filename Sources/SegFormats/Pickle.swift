import SegKernels

/// What a pickle of a torch checkpoint may hold.
indirect enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case bytes([UInt8])
  case tuple([PickleValue])
  case list(PickleList)
  case dictionary(PickleDictionary)
  /// A class or function by name; it is never looked up.
  case global(String)
  case storage(TorchStorage)
  case tensor(TorchTensor)
}

/// A list that later instructions of the pickle may still extend.
final class PickleList {
  var elements: [PickleValue] = []
}

/// A dictionary that later instructions of the pickle may still extend; the order is the file's.
final class PickleDictionary {
  var members: [(key: PickleValue, value: PickleValue)] = []
}

/// A restricted reader of Python pickles: plain containers, and the few functions that rebuild tensors.
///
/// A pickle is a program. This reader knows its data instructions and a list of names; anything else is refused by
/// name, and nothing is ever executed.
struct Unpickler {
  private var cursor: ByteCursor
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  init(_ cursor: ByteCursor) { self.cursor = cursor }

  /// Reads one pickle, and returns its value and where the next byte is.
  static func read(_ cursor: inout ByteCursor) throws -> PickleValue {
    var reader = Unpickler(cursor)
    let value = try reader.run()
    cursor = reader.cursor
    return value
  }

  private mutating func run() throws -> PickleValue {
    while true {
      let code = try cursor.integer(UInt8.self, "the pickle")
      switch code {
      case 0x80: _ = try cursor.integer(UInt8.self, "the protocol")
      case 0x95: _ = try cursor.integer(UInt64.self, "a frame")
      case UInt8(ascii: "."): return try pop()
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"): _ = try pop()
      case UInt8(ascii: "2"): stack.append(try top())
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "K"): stack.append(.integer(Int(try cursor.integer(UInt8.self, "an integer"))))
      case UInt8(ascii: "M"): stack.append(.integer(Int(try cursor.integer(UInt16.self, "an integer"))))
      case UInt8(ascii: "J"): stack.append(.integer(Int(try cursor.integer(Int32.self, "an integer"))))
      case 0x8A: stack.append(try long(Int(try cursor.integer(UInt8.self, "an integer"))))
      case UInt8(ascii: "G"): stack.append(.real(Double(bitPattern: try cursor.integer(UInt64.self, "a number").byteSwapped)))
      case UInt8(ascii: "X"): try text(Int(try cursor.integer(UInt32.self, "a string")))
      case 0x8C: try text(Int(try cursor.integer(UInt8.self, "a string")))
      case 0x8D: try text(try cursor.size(UInt64.self, "a string"))
      // Byte strings of Python 2.
      case UInt8(ascii: "U"): try text(Int(try cursor.integer(UInt8.self, "a string")))
      case UInt8(ascii: "T"): try text(try cursor.size(Int32.self, "a string"))
      case UInt8(ascii: "C"): try bytes(Int(try cursor.integer(UInt8.self, "bytes")))
      case UInt8(ascii: "B"): try bytes(Int(try cursor.integer(UInt32.self, "bytes")))
      case UInt8(ascii: "}"): stack.append(.dictionary(PickleDictionary()))
      case UInt8(ascii: "]"): stack.append(.list(PickleList()))
      case UInt8(ascii: ")"): stack.append(.tuple([]))
      case UInt8(ascii: "t"): stack.append(.tuple(try popToMark()))
      case 0x85, 0x86, 0x87: stack.append(.tuple(try pop(Int(code) - 0x84)))
      case UInt8(ascii: "l"):
        let elements = try popToMark()
        stack.append(.list(PickleList()))
        try append(elements)
      case UInt8(ascii: "d"):
        let items = try popToMark()
        stack.append(.dictionary(PickleDictionary()))
        try set(items)
      case UInt8(ascii: "a"): try append(pop(1))
      case UInt8(ascii: "e"): try append(popToMark())
      case UInt8(ascii: "s"): try set(pop(2))
      case UInt8(ascii: "u"): try set(popToMark())
      case UInt8(ascii: "q"): memo[Int(try cursor.integer(UInt8.self, "the memo"))] = try top()
      case UInt8(ascii: "r"): memo[Int(try cursor.integer(UInt32.self, "the memo"))] = try top()
      case 0x94: memo[memo.count] = try top()
      case UInt8(ascii: "h"): try recall(Int(try cursor.integer(UInt8.self, "the memo")))
      case UInt8(ascii: "j"): try recall(Int(try cursor.integer(UInt32.self, "the memo")))
      case UInt8(ascii: "c"): stack.append(try allowed(line() + "." + line()))
      case 0x93:
        guard case .text(let name) = try pop(), case .text(let module) = try pop() else { throw Malformed("a pickled name is no text") }
        stack.append(try allowed(module + "." + name))
      case UInt8(ascii: "R"):
        let arguments = try pop(), function = try pop()
        stack.append(try call(function, arguments))
      case UInt8(ascii: "b"):
        // The state of an ordered dictionary (torch's `_metadata`) is of no use to us.
        let state = try pop()
        guard case .dictionary = state, case .dictionary = try top() else { throw Malformed("the pickle sets the state of an object that is no dictionary") }
      case UInt8(ascii: "Q"): stack.append(.storage(try TorchStorage(pop())))
      default: throw Malformed("the pickle holds instruction 0x\(String(code, radix: 16)) at byte \(cursor.offset - 1), which weights do not need")
      }
    }
  }

  // MARK: Names

  /// Everything that a pickle may name.
  private static let known: Set<String> = [
    "collections.OrderedDict", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter", "torch.Size",
  ]

  private func allowed(_ name: String) throws -> PickleValue {
    guard Self.known.contains(name) || TorchStorage.types[name] != nil else {
      throw Malformed("the pickle asks for '\(name)'; only tensors and plain containers are read, and nothing is executed")
    }
    return .global(name)
  }

  private func call(_ function: PickleValue, _ arguments: PickleValue) throws -> PickleValue {
    guard case .global(let name) = function, case .tuple(let arguments) = arguments else {
      throw Malformed("the pickle calls something that has no name")
    }
    switch name {
    case "collections.OrderedDict":
      let result = PickleDictionary()
      for pair in arguments.first.map(PickleValue.elements(of:)) ?? [] {
        let pair = PickleValue.elements(of: pair)
        guard pair.count == 2 else { throw Malformed("an ordered dictionary of something else than pairs") }
        result.members.append((pair[0], pair[1]))
      }
      return .dictionary(result)
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": return .tensor(try TorchTensor(arguments))
    case "torch._utils._rebuild_parameter":
      guard case .tensor? = arguments.first else { throw Malformed("a parameter without a tensor") }
      return arguments[0]
    case "torch.Size":
      guard let size = arguments.first else { throw Malformed("a size without extents") }
      return size
    default: throw Malformed("the pickle calls '\(name)', which is no function")
    }
  }

  // MARK: Stack

  private func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw Malformed("the pickle's stack is empty") }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw Malformed("the pickle's stack is empty") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw Malformed("the pickle has no mark to go back to") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ place: Int) throws {
    guard let value = memo[place] else { throw Malformed("the pickle recalls value \(place), which it never kept") }
    stack.append(value)
  }

  private mutating func append(_ elements: [PickleValue]) throws {
    guard case .list(let list) = try top() else { throw Malformed("the pickle appends to something that is no list") }
    list.elements += elements
  }

  private mutating func set(_ items: [PickleValue]) throws {
    guard case .dictionary(let dictionary) = try top() else { throw Malformed("the pickle sets items of something that is no dictionary") }
    guard items.count % 2 == 0 else { throw Malformed("a pickled dictionary has a key without a value") }
    for index in stride(from: 0, to: items.count, by: 2) { dictionary.members.append((items[index], items[index + 1])) }
  }

  // MARK: Literals

  private mutating func text(_ count: Int) throws { stack.append(.text(try cursor.text(count, "a string"))) }

  private mutating func bytes(_ count: Int) throws { stack.append(.bytes(try cursor.bytes(count, "bytes").array)) }

  /// A little-endian two's complement integer; wider ones than 64 bits (torch's magic number) count as 0.
  private mutating func long(_ count: Int) throws -> PickleValue {
    let digits = try cursor.bytes(count, "an integer").array
    guard count <= 8 else { return .integer(0) }
    var value = digits.last.map { $0 >= 0x80 ? -1 : 0 } ?? 0
    for digit in digits.reversed() { value = value << 8 | Int(digit) }
    return .integer(value)
  }

  private mutating func line() throws -> String {
    var text: [UInt8] = []
    while true {
      let byte = try cursor.integer(UInt8.self, "a name")
      if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
      guard text.count < 256 else { throw Malformed("the pickle holds a name of more than 256 bytes") }
      text.append(byte)
    }
  }
}

extension PickleValue {
  /// The elements of a tuple or list; none of anything else.
  static func elements(of value: PickleValue) -> [PickleValue] {
    switch value {
    case .tuple(let elements): elements
    case .list(let list): list.elements
    default: []
    }
  }

  /// The whole numbers of a tuple; nil of anything else.
  var integers: [Int]? {
    guard case .tuple(let elements) = self else { return nil }
    var result: [Int] = []
    for element in elements {
      guard case .integer(let number) = element else { return nil }
      result.append(number)
    }
    return result
  }
}
