/// A pickle machine that can build tensors and plain containers, and nothing else.
///
/// Python's own machine calls whatever function a pickle names, so that loading a stranger's checkpoint runs a
/// stranger's program. This one knows the operations that torch writes with protocols 2 to 5, and the callables of
/// `PickleCallable`; any other is an error that names it.
struct PickleMachine {
  var heap = PickleHeap()
  private var stack: [PickleValue] = []
  /// Where the open MARKs stand on the stack.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// Limits far above any checkpoint, so that what a pickle takes in memory stays in proportion to its size.
  private static let operationLimit = 1 << 24
  private static let stackLimit = 1 << 20
  private static let markLimit = 1 << 10
  private static let memoLimit = 1 << 20

  /// Runs one pickle up to its STOP and leaves the cursor behind it.
  static func load(_ cursor: inout ByteCursor) throws -> (root: PickleValue, heap: PickleHeap) {
    var machine = PickleMachine()
    let start = cursor.offset
    var operations = 0
    while true {
      let offset = cursor.offset
      let code = try cursor.integer(UInt8.self, "pickle opcode")
      do {
        if code == UInt8(ascii: ".") { return (try machine.pop(), machine.heap) }
        try machine.perform(code, &cursor)
        operations += 1
        guard operations <= operationLimit, machine.stack.count <= stackLimit, machine.marks.count <= markLimit,
          machine.memo.count <= memoLimit
        else { throw Malformed("more operations, values, nesting or memory than any checkpoint needs") }
      } catch let error as Malformed {
        throw Malformed("pickle, byte \(offset - start): \(error.problem)")
      }
    }
  }

  /// Performs one operation; its argument follows in the cursor.
  private mutating func perform(_ code: UInt8, _ cursor: inout ByteCursor) throws {
    switch code {
    // Frame
    case 0x80:  // PROTO
      let version = try cursor.integer(UInt8.self, "protocol")
      guard (2...5).contains(version) else { throw Malformed("protocol \(version), expected 2 to 5") }
    case 0x95: _ = try cursor.bytes(8, "frame length")  // FRAME

    // Scalars
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))
    case 0x89: stack.append(.bool(false))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try cursor.integer(UInt8.self, "integer"))))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try cursor.integer(UInt16.self, "integer"))))
    case UInt8(ascii: "J"): stack.append(.integer(Int(try cursor.integer(Int32.self, "integer"))))
    case 0x8A: stack.append(try readLong(&cursor))  // LONG1
    case UInt8(ascii: "G"):
      stack.append(.number(Double(bitPattern: try cursor.integer(UInt64.self, "float").byteSwapped)))

    // Texts; U and T come from Python 2
    case UInt8(ascii: "X"), UInt8(ascii: "T"): try pushText(cursor.size(UInt32.self, "string length"), &cursor)
    case 0x8C, UInt8(ascii: "U"): try pushText(cursor.size(UInt8.self, "string length"), &cursor)
    case 0x8D: try pushText(cursor.size(UInt64.self, "string length"), &cursor)
    case UInt8(ascii: "C"): try pushBytes(cursor.size(UInt8.self, "bytes length"), &cursor)
    case UInt8(ascii: "B"): try pushBytes(cursor.size(UInt32.self, "bytes length"), &cursor)
    case 0x8E: try pushBytes(cursor.size(UInt64.self, "bytes length"), &cursor)

    // Containers
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: ")"), UInt8(ascii: "]"): stack.append(heap.newSequence([]))
    case 0x85, 0x86, 0x87: stack.append(heap.newSequence(try pop(count: Int(code) - 0x84)))  // TUPLE1 to TUPLE3
    case UInt8(ascii: "t"): stack.append(heap.newSequence(try popToMark()))
    case UInt8(ascii: "}"): stack.append(heap.newDictionary())
    case UInt8(ascii: "a"): try appendToSequence([pop()])
    case UInt8(ascii: "e"): try appendToSequence(popToMark())
    case UInt8(ascii: "s"): try setItems(pop(count: 2))
    case UInt8(ascii: "u"): try setItems(popToMark())

    // Memo
    case UInt8(ascii: "q"): try memo[Int(cursor.integer(UInt8.self, "memo index"))] = top()
    case UInt8(ascii: "r"): try memo[Int(cursor.integer(UInt32.self, "memo index"))] = top()
    case 0x94: memo[memo.count] = try top()  // MEMOIZE
    case UInt8(ascii: "h"): try recall(Int(cursor.integer(UInt8.self, "memo index")))
    case UInt8(ascii: "j"): try recall(Int(cursor.integer(UInt32.self, "memo index")))

    // Objects
    case UInt8(ascii: "c"):
      let module = try readLine(&cursor)
      stack.append(try lookUp(module, readLine(&cursor)))
    case 0x93:  // STACK_GLOBAL
      let names = try pop(count: 2)
      guard case .text(let module) = names[0], case .text(let name) = names[1] else {
        throw Malformed("expected the names of a module and a member, found \(names[0].kind) and \(names[1].kind)")
      }
      stack.append(try lookUp(module, name))
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      let operands = try pop(count: 2)
      stack.append(try call(operands[0], operands[1]))
    case UInt8(ascii: "Q"): stack.append(try persistentStorage(pop()))  // BINPERSID
    case UInt8(ascii: "b"): try ignoreState(pop())

    default: throw Malformed("operation 0x\(String(code, radix: 16)) is not one that torch.save writes")
    }
  }

  // MARK: - Stack

  private func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else {
      throw Malformed("a value is missing on the stack")
    }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw Malformed("a value is missing on the stack") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw Malformed("a mark is missing on the stack") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ index: Int) throws {
    guard let value = memo[index] else { throw Malformed("nothing was memorised as number \(index)") }
    stack.append(value)
  }

  // MARK: - Arguments

  private func readLong(_ cursor: inout ByteCursor) throws -> PickleValue {
    let bytes = try cursor.bytes(cursor.size(UInt8.self, "integer length"), "integer").array
    guard bytes.count <= 8 else { return .bigInteger(bytes) }
    let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
    return .integer(bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
  }

  private mutating func pushText(_ count: Int, _ cursor: inout ByteCursor) throws {
    stack.append(.text(try cursor.text(count, "string")))
  }

  private mutating func pushBytes(_ count: Int, _ cursor: inout ByteCursor) throws {
    _ = try cursor.bytes(count, "bytes")
    stack.append(.bytes)
  }

  private func readLine(_ cursor: inout ByteCursor) throws -> String {
    let rest = cursor.region.slice(from: cursor.offset, count: min(cursor.remaining, 1000))
    guard let length = rest.withBytes({ $0.firstIndex(of: UInt8(ascii: "\n")) }) else {
      throw Malformed("expected the name of a module or member, found no end of line")
    }
    let line = try cursor.text(length, "name")
    _ = try cursor.bytes(1, "end of line")
    return line
  }

  // MARK: - Containers

  private mutating func appendToSequence(_ elements: [PickleValue]) throws {
    guard case .sequence(let index) = try top() else {
      throw Malformed("expected a list to append to, found \(try top().kind)")
    }
    heap.sequences[index] += elements
  }

  private mutating func setItems(_ pairs: [PickleValue]) throws {
    guard case .dictionary(let index) = try top(), pairs.count % 2 == 0 else {
      throw Malformed("expected a dictionary and pairs to put in, found \(try top().kind) and \(pairs.count) values")
    }
    for pair in stride(from: 0, to: pairs.count, by: 2) {
      heap.dictionaries[index].append((pairs[pair], pairs[pair + 1]))
    }
  }

  /// BUILD: torch hangs `_metadata` (version numbers of layers) on the ordered dictionary of a state; it is not needed.
  private mutating func ignoreState(_ state: PickleValue) throws {
    guard case .dictionary = state, case .dictionary = try top() else {
      throw Malformed("expected attributes of a dictionary, found \(state.kind) for \(try top().kind)")
    }
  }
}
