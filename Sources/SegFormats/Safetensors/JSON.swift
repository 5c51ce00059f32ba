import SegFiles

/// A JSON value (RFC 8259), for headers that come from anywhere.
///
/// Foundation's parser keeps the last of two equal keys and may round large integers; here the first is an error, and
/// integers are exact or an error where one is asked for.
enum JSON {
  case null
  case bool(Bool)
  case integer(Int)
  /// A number with a fraction or an exponent, or beyond 64 bits.
  case number(Double)
  case string(String)
  case array([JSON])
  /// The members in their order; no two have the same key.
  case object([Member])

  struct Member {
    let key: String
    let value: JSON
  }

  /// Parses a whole text. Spaces may surround the value.
  init(parsing bytes: [UInt8]) throws {
    var parser = JSONParser(bytes)
    self = try parser.parseAll()
  }

  /// What kind of value this is, for messages.
  var kind: String {
    switch self {
    case .null: return "null"
    case .bool: return "a truth value"
    case .integer, .number: return "a number"
    case .string: return "a string"
    case .array: return "an array"
    case .object: return "an object"
    }
  }

  /// The text as a JSON string, between quotes.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Recursive descent over bytes.
private struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0

  /// Deeper nesting is refused, since each level takes stack.
  private static let depthLimit = 32

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func parseAll() throws -> JSON {
    let value = try parseValue(depth: 0)
    skipSpaces()
    guard position == bytes.count else { throw failure("its end") }
    return value
  }

  private mutating func parseValue(depth: Int) throws -> JSON {
    guard depth < JSONParser.depthLimit else { throw failure("at most \(JSONParser.depthLimit) levels") }
    skipSpaces()
    switch next {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return .bool(try parseWord("true", as: true))
    case UInt8(ascii: "f"): return .bool(try parseWord("false", as: false))
    case UInt8(ascii: "n"): return try parseWord("null", as: .null)
    default: return try parseNumber()
    }
  }

  private mutating func parseObject(depth: Int) throws -> [JSON.Member] {
    position += 1
    var members: [JSON.Member] = []
    var keys: Set<String> = []
    skipSpaces()
    if skip("}") { return members }
    repeat {
      skipSpaces()
      guard next == UInt8(ascii: "\"") else { throw failure("a key") }
      let key = try parseString()
      guard keys.insert(key).inserted else { throw Malformed("two members are named \(key.quoted)") }
      skipSpaces()
      guard skip(":") else { throw failure("':'") }
      members.append(JSON.Member(key: key, value: try parseValue(depth: depth + 1)))
      skipSpaces()
    } while skip(",")
    guard skip("}") else { throw failure("',' or '}'") }
    return members
  }

  private mutating func parseArray(depth: Int) throws -> [JSON] {
    position += 1
    var elements: [JSON] = []
    skipSpaces()
    if skip("]") { return elements }
    repeat {
      elements.append(try parseValue(depth: depth + 1))
      skipSpaces()
    } while skip(",")
    guard skip("]") else { throw failure("',' or ']'") }
    return elements
  }

  private mutating func parseString() throws -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\"") {
      position += 1
      if byte == UInt8(ascii: "\\") {
        text += Array(String(try parseEscape()).utf8)
      } else {
        text.append(byte)
      }
    }
    guard skip("\"") else { throw failure("the end of a string") }
    guard let string = String(validating: text, as: UTF8.self) else { throw failure("a string in UTF-8") }
    return string
  }

  private mutating func parseEscape() throws -> Unicode.Scalar {
    guard let letter = next else { throw failure("an escape") }
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try parseHexadecimal()
      // Beyond the first plane: two surrogates, the upper first.
      if (0xD800..<0xDC00).contains(code), skip("\\u") {
        let low = try parseHexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("a low surrogate") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("a pair of surrogates") }
      return scalar
    default: throw failure("an escape")
    }
  }

  private mutating func parseHexadecimal() throws -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw failure("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func parseNumber() throws -> JSON {
    let start = position
    _ = skip("-")
    if !skip("0") { try skipDigits() }
    var isInteger = true
    if skip(".") {
      isInteger = false
      try skipDigits()
    }
    if skip("e") || skip("E") {
      isInteger = false
      if !skip("+") { _ = skip("-") }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw failure("a number within range") }
    return .number(number)
  }

  private mutating func skipDigits() throws {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("a value") }
  }

  private mutating func parseWord<T>(_ word: StaticString, as value: T) throws -> T {
    guard skip(word) else { throw failure("a value") }
    return value
  }

  // MARK: - Bytes

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func skip(_ token: StaticString) -> Bool {
    let count = token.utf8CodeUnitCount
    guard count <= bytes.count - position else { return false }
    for index in 0..<count where bytes[position + index] != token.utf8Start[index] { return false }
    position += count
    return true
  }

  private func failure(_ expected: String) -> Malformed {
    Malformed("expected \(expected) at byte \(position) of the JSON")
  }
}
