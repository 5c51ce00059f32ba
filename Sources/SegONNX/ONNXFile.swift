import Foundation
import SegKernels

/// A value while an ONNX graph is read: a tensor, or whole numbers, which are always known (shapes, axes, indices).
enum ONNXValue {
  case tensor(Tensor)
  case integers(shape: [Int], [Int])

  /// How many whole numbers it holds.
  var wholeNumberCount: Int { if case .integers(_, let values) = self { values.count } else { 0 } }
}

/// One node of an ONNX graph.
struct ONNXNode {
  enum Attribute {
    case real(Float), integer(Int), text(String), integers([Int]), reals([Float]), value(ONNXValue), other
  }
  var inputs: [String] = [], outputs: [String] = []
  var name = "", kind = "", domain = ""
  var attributes: [String: Attribute] = [:]

  /// How errors name it.
  var label: String { name.isEmpty ? "a \(kind) that makes '\(outputs.first ?? "")'" : "\(kind) '\(name)'" }
}

/// The parts of a ModelProto that inference needs; the field numbers are those of onnx.proto.
struct ONNXFile {
  var opset = 0
  var nodes: [ONNXNode] = []
  var constants: [String: ONNXValue] = [:]
  /// Extents that the file leaves open are nil.
  var inputs: [(name: String, extents: [Int?])] = []
  var outputs: [String] = []

  private let file: [UInt8]
  private let elsewhere: ExternalWeights

  /// - Parameter folder: the file's own, in which weights may lie in files of their own.
  init(_ bytes: [UInt8], in folder: URL) throws {
    file = bytes
    elsewhere = ExternalWeights(folder: folder)
    var graph: Range<Int>?
    try each(0..<bytes.count) { field, value in
      switch (field, value) {
      case (7, .bytes(let range)): graph = range
      case (8, .bytes(let range)):
        var (domain, version) = ("", 0)
        try each(range) { field, value in
          if field == 1 { domain = try text(value) }
          if field == 2 { version = try number(value) }
        }
        if domain.isEmpty || domain == "ai.onnx" { opset = version }
      default: break
      }
    }
    guard let graph else { throw ONNXProblem("no ONNX model: expected a graph, found none") }
    guard (9...25).contains(opset) else { throw ONNXProblem("expected opset 9 to 25, found \(opset)") }
    try readGraph(graph)
  }

  private mutating func readGraph(_ range: Range<Int>) throws {
    var nodes: [ONNXNode] = [], constants: [String: ONNXValue] = [:], outputs: [String] = []
    var inputs: [(name: String, extents: [Int?])] = []
    try each(range) { field, value in
      switch (field, value) {
      case (1, .bytes(let range)): nodes.append(try node(range))
      case (5, .bytes(let range)):
        let (name, value) = try tensor(range)
        constants[name] = value
      case (11, .bytes(let range)): inputs.append(try valueInfo(range))
      case (12, .bytes(let range)): outputs.append(try valueInfo(range).name)
      default: break
      }
    }
    self.nodes = nodes
    self.constants = constants
    self.outputs = outputs
    scores()
    // Old files list their weights among the inputs.
    self.inputs = inputs.filter { constants[$0.name] == nil }
  }

  /// Where a file ends in the numbers of the largest classes, the scores that these were chosen by are its output.
  private mutating func scores() {
    guard var name = outputs.first else { return }
    var makers: [String: ONNXNode] = [:]
    for node in nodes { for output in node.outputs { makers[output] = node } }
    var passed: Set<String> = []
    // At most all nodes are passed, so that a circle ends as well.
    for _ in nodes.indices {
      guard let node = makers[name], let source = node.inputs.first else { return }
      passed.insert(name)
      switch node.kind {
      case "Cast", "Squeeze", "Unsqueeze", "Identity": name = source
      case "ArgMax":
        guard case .integer(let axis)? = node.attributes["axis"], axis == 1 || axis == -3 else { return }
        outputs[0] = source
        nodes.removeAll { !passed.isDisjoint(with: $0.outputs) }
        return
      default: return
      }
    }
  }

  private func each(_ range: Range<Int>, _ body: (Int, WireReader.Value) throws -> Void) throws {
    var reader = WireReader(file, range)
    while let (field, value) = try reader.next() { try body(field, value) }
  }

  private func text(_ value: WireReader.Value) throws -> String {
    guard case .bytes(let range) = value else { throw ONNXProblem("expected a text, found a number") }
    return String(decoding: file[range], as: UTF8.self)
  }

  private func number(_ value: WireReader.Value) throws -> Int {
    guard case .integer(let bits) = value else { throw ONNXProblem("expected a number, found bytes") }
    return Int(Int64(bitPattern: bits))
  }

  /// A repeated number: packed, or one a field.
  private func numbers(_ value: WireReader.Value, width: Int = 0) throws -> [UInt64] {
    switch value {
    case .integer(let bits): return [bits]
    case .bytes(let range):
      var reader = WireReader(file, range), result: [UInt64] = []
      while !reader.isAtEnd { result.append(width == 0 ? try reader.varint() : try reader.fixed(width)) }
      return result
    }
  }

  private func range(_ value: WireReader.Value) throws -> Range<Int> {
    guard case .bytes(let range) = value else { throw ONNXProblem("expected a message, found a number") }
    return range
  }

  private func valueInfo(_ message: Range<Int>) throws -> (name: String, extents: [Int?]) {
    var name = "", extents: [Int?] = []
    try each(message) { field, value in
      if field == 1 { name = try text(value) }
      guard field == 2 else { return }
      try each(range(value)) { field, value in
        guard field == 1 else { return }
        try each(range(value)) { field, value in
          guard field == 2 else { return }
          try each(range(value)) { field, value in
            guard field == 1 else { return }
            var extent: Int?
            try each(range(value)) { if $0 == 1 { extent = try number($1) } }
            extents.append(extent.flatMap { $0 > 0 ? $0 : nil })
          }
        }
      }
    }
    return (name, extents)
  }

  private func node(_ message: Range<Int>) throws -> ONNXNode {
    var node = ONNXNode()
    try each(message) { field, value in
      switch field {
      case 1: node.inputs.append(try text(value))
      case 2: node.outputs.append(try text(value))
      case 3: node.name = try text(value)
      case 4: node.kind = try text(value)
      case 5:
        let (name, value) = try attribute(range(value))
        node.attributes[name] = value
      case 7: node.domain = try text(value)
      default: break
      }
    }
    return node
  }

  private func attribute(_ message: Range<Int>) throws -> (String, ONNXNode.Attribute) {
    var name = "", result = ONNXNode.Attribute.other, integers: [Int] = [], reals: [Float] = [], type = 0
    try each(message) { field, value in
      switch field {
      case 1: name = try text(value)
      case 2: result = .real(Float(bitPattern: UInt32(truncatingIfNeeded: try numbers(value, width: 4).first ?? 0)))
      case 3: result = .integer(try number(value))
      case 4: result = .text(try text(value))
      case 5: result = .value(try tensor(range(value)).1)
      case 7:
        reals += try numbers(value, width: 4).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
      case 8: integers += try numbers(value).map { Int(Int64(bitPattern: $0)) }
      case 20: type = try number(value)
      default: break
      }
    }
    if type == 7 || !integers.isEmpty { result = .integers(integers) }
    if type == 6 || !reals.isEmpty { result = .reals(reals) }
    // Fields that hold zero may be left out.
    if case .other = result, type == 2 { result = .integer(0) }
    if case .other = result, type == 1 { result = .real(0) }
    return (name, result)
  }

  private func entry(_ message: Range<Int>) throws -> (key: String, value: String) {
    var key = "", own = ""
    try each(message) { field, value in
      if field == 1 { key = try text(value) }
      if field == 2 { own = try text(value) }
    }
    return (key, own)
  }

  private func tensor(_ message: Range<Int>) throws -> (String, ONNXValue) {
    var name = "", type = 0, shape: [Int] = [], raw: Range<Int>?, reals: [Float] = [], integers: [Int] = []
    var place: [String: String] = [:], isElsewhere = false
    try each(message) { field, value in
      switch field {
      case 1: shape += try numbers(value).map { Int(Int64(bitPattern: $0)) }
      case 2: type = try number(value)
      case 4: reals += try numbers(value, width: 4).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
      case 5, 7: integers += try numbers(value).map { Int(Int64(bitPattern: $0)) }
      case 8: name = try text(value)
      case 9: raw = try range(value)
      case 10: reals += try numbers(value, width: 8).map { Float(Double(bitPattern: $0)) }
      case 13:
        let (key, value) = try entry(range(value))
        place[key] = value
      case 14: isElsewhere = try number(value) == 1
      default: break
      }
    }
    let count = try elementCount(shape, "tensor '\(name)'")
    func elements<T: BitwiseCopyable>(_: T.Type) throws -> [T] {
      let expected = count * MemoryLayout<T>.size
      let bytes = isElsewhere ? try elsewhere.bytes(place, count: expected, of: name) : file, raw = raw ?? 0..<expected
      guard raw.count == expected else {
        throw ONNXProblem("tensor '\(name)' of shape \(shape) has \(raw.count) bytes, expected \(expected)")
      }
      return [T](unsafeUninitializedCapacity: count) { elements, initialized in
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(elements).copyMemory(from: .init(rebasing: $0[raw])) }
        initialized = count
      }
    }
    if isElsewhere { raw = nil }
    if raw != nil || isElsewhere {
      switch type {
      case 1: reals = try elements(Float.self)
      case 10: reals = try elements(UInt16.self).map { Float(Float16(bitPattern: $0)) }
      case 11: reals = try elements(Double.self).map { Float($0) }
      case 2, 9: integers = try elements(UInt8.self).map { Int($0) }
      case 3: integers = try elements(Int8.self).map { Int($0) }
      case 6: integers = try elements(Int32.self).map { Int($0) }
      case 7: integers = try elements(Int64.self).map { Int($0) }
      default: break
      }
    } else if type == 10 {
      reals = integers.map { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) }
    }
    switch type {
    case 1, 10, 11:
      guard reals.count == count else {
        throw ONNXProblem("tensor '\(name)' of shape \(shape) has \(reals.count) elements, expected \(count)")
      }
      return (name, .tensor(Tensor(Shape(shape), reals)))
    case 2, 3, 6, 7, 9:
      guard integers.count == count else {
        throw ONNXProblem("tensor '\(name)' of shape \(shape) has \(integers.count) elements, expected \(count)")
      }
      return (name, .integers(shape: shape, integers))
    default: throw ONNXProblem("tensor '\(name)' has element type \(type); expected floats or whole numbers")
    }
  }
}

/// The elements of a shape out of a file: refused where negative or beyond two thousand million.
func elementCount(_ shape: [Int], _ what: String) throws -> Int {
  var count = 1
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
    guard extent >= 0, !overflow, product <= 1 << 31, shape.count <= 8 else {
      throw ONNXProblem("\(what): shape \(shape) is too large, or no shape")
    }
    count = product
  }
  return shape.contains(0) ? 0 : count
}
