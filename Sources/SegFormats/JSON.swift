/// A strict reader of the JSON that headers are made of: integers stay exact, duplicate keys are refused, nesting is
/// limited. Foundation's reader promises neither of the first two.
enum JSON {
  case string(String)
  case integer(Int)
  case array([JSON])
  /// Members in the file's order.
  case object([(key: String, value: JSON)])
  /// Anything else: fractions, true, false, null.
  case other

  /// Parses one value that fills the bytes but for white space.
  init(_ bytes: UnsafeRawBufferPointer) throws {
    var parser = Parser(bytes: bytes)
    self = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else { throw Malformed("JSON: text after the end at byte \(parser.position)") }
  }

  private struct Parser {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() { while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 } }

    private mutating func expect(_ character: Character) throws {
      guard next == character.asciiValue else {
        throw Malformed("JSON: expected '\(character)' at byte \(position), found \(next.map { "0x" + String($0, radix: 16) } ?? "the end")")
      }
      position += 1
    }

    private mutating func take(_ character: Character) -> Bool {
      guard next == character.asciiValue else { return false }
      position += 1
      return true
    }

    mutating func value(depth: Int) throws -> JSON {
      guard depth < 16 else { throw Malformed("JSON: nested too deeply at byte \(position)") }
      skipSpace()
      switch next {
      case UInt8(ascii: "{"): return try object(depth)
      case UInt8(ascii: "["): return try array(depth)
      case UInt8(ascii: "\""): return .string(try string())
      case .some(let byte) where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try number()
      default:
        for word in ["true", "false", "null"] where bytes[position...].starts(with: word.utf8) {
          position += word.utf8.count
          return .other
        }
        throw Malformed("JSON: expected a value at byte \(position)")
      }
    }

    private mutating func object(_ depth: Int) throws -> JSON {
      try expect("{")
      var members: [(key: String, value: JSON)] = []
      var keys: Set<String> = []
      skipSpace()
      if take("}") { return .object([]) }
      repeat {
        skipSpace()
        let key = try string()
        guard keys.insert(key).inserted else { throw Malformed("JSON: key '\(key)' occurs twice") }
        skipSpace()
        try expect(":")
        members.append((key, try value(depth: depth + 1)))
        skipSpace()
      } while take(",")
      try expect("}")
      return .object(members)
    }

    private mutating func array(_ depth: Int) throws -> JSON {
      try expect("[")
      var elements: [JSON] = []
      skipSpace()
      if take("]") { return .array([]) }
      repeat {
        elements.append(try value(depth: depth + 1))
        skipSpace()
      } while take(",")
      try expect("]")
      return .array(elements)
    }

    private mutating func number() throws -> JSON {
      let start = position
      while let byte = next, (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte) { position += 1 }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      if text.contains(where: { ".eE".contains($0) }) { return .other }
      guard let value = Int(text) else { throw Malformed("JSON: '\(text)' is not a 64-bit integer") }
      return .integer(value)
    }

    private mutating func string() throws -> String {
      try expect("\"")
      var text: [UInt8] = []
      while true {
        guard let byte = next else { throw Malformed("JSON: a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let string = String(validating: text, as: UTF8.self) else { throw Malformed("JSON: a string is not UTF-8") }
          return string
        case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
        case 0..<0x20: throw Malformed("JSON: a control character in a string at byte \(position - 1)")
        default: text.append(byte)
        }
      }
    }

    private mutating func escape() throws -> Unicode.Scalar {
      guard let byte = next else { throw Malformed("JSON: a string does not end") }
      position += 1
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
      case UInt8(ascii: "b"): return "\u{8}"
      case UInt8(ascii: "f"): return "\u{c}"
      case UInt8(ascii: "n"): return "\n"
      case UInt8(ascii: "r"): return "\r"
      case UInt8(ascii: "t"): return "\t"
      case UInt8(ascii: "u"):
        let high = try hexadecimal()
        if let scalar = Unicode.Scalar(high) { return scalar }
        // A pair of surrogates.
        guard (0xD800..<0xDC00).contains(high), take("\\"), take("u") else { throw Malformed("JSON: a lone surrogate") }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw Malformed("JSON: a lone surrogate") }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))!
      default: throw Malformed("JSON: unknown escape at byte \(position - 1)")
      }
    }

    private mutating func hexadecimal() throws -> UInt32 {
      guard position + 4 <= bytes.count,
        let value = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
      else { throw Malformed("JSON: a broken \\u escape at byte \(position)") }
      position += 4
      return value
    }
  }

  /// The text as JSON writes it, between quotes.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
