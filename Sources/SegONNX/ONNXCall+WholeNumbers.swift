import SegKernels

/// Whole numbers that are known while a network is captured: shapes, and what is worked out from them. Truth is 1 or 0.
extension ONNXCall {
  /// The most whole numbers that one node may make.
  private static let most = 1 << 22

  /// The result of a node that makes whole numbers; nil where it makes a tensor.
  func wholeNumbers() throws -> ONNXValue? {
    switch node.kind {
    case "Shape":
      let shape = try shape(0)
      func place(_ value: Int) -> Int { value < 0 ? max(value, -shape.count) + shape.count : min(value, shape.count) }
      let (start, end) = (place(integer("start", 0)), place(integer("end", shape.count)))
      try expect(start <= end, "a slice from \(start) to \(end)")
      return .integers(shape: [end - start], Array(shape[start..<end]))
    case "Size": return .integers(shape: [], [try shape(0).reduce(1, *)])
    case "Constant":
      if let values = integers("value_ints") { return .integers(shape: [values.count], values) }
      if case .integer(let value)? = node.attributes["value_int"] { return .integers(shape: [], [value]) }
      guard case .value(.integers(let shape, let values))? = node.attributes["value"] else { return nil }
      return .integers(shape: shape, values)
    case "ConstantOfShape":
      guard case .value(.integers(_, let values))? = node.attributes["value"] else { return nil }
      let shape = try integers(0), count = try elementCount(shape, "result")
      try expect(count <= ONNXCall.most, "shape \(shape) is too large for whole numbers")
      return .integers(shape: shape, Array(repeating: values.first ?? 0, count: count))
    case "Range":
      guard inputs.count == 3, case .integers? = inputs[0] else { return nil }
      let (start, end, step) = (try integers(0).first ?? 0, try integers(1).first ?? 0, try integers(2).first ?? 0)
      let sane = -(1 << 40)...1 << 40
      try expect(
        step != 0 && [start, end, step].allSatisfy(sane.contains) && (end - start) / step <= ONNXCall.most,
        "a range from \(start) to \(end) by \(step)")
      let values = Array(stride(from: start, to: end, by: step))
      return .integers(shape: [values.count], values)
    case "Cast": return try cast()
    default: break
    }
    guard case .integers(let shape, let values)? = inputs.first ?? nil else { return nil }
    switch node.kind {
    case "Identity": return inputs[0]
    case "Concat", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Slice", "Gather", "GatherND",
      "Tile":
      return try movedWholeNumbers()
    case "Not": return .integers(shape: shape, values.map { $0 == 0 ? 1 : 0 })
    case "Neg": return .integers(shape: shape, values.map { 0 &- $0 })
    case "Abs": return .integers(shape: shape, values.map { $0 < 0 ? 0 &- $0 : $0 })
    case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin":
      let axes = try numbers("axes", orInput: 1) ?? Array(shape.indices)
      try expect(axes.count == shape.count && !values.isEmpty, "expected to reduce all axes of shape \(shape)")
      let rules: [String: (Int, Int) -> Int] = [
        "ReduceProd": { $0 &* $1 }, "ReduceSum": { $0 &+ $1 }, "ReduceMax": max,
      ]
      let result = values.dropFirst().reduce(values[0], rules[node.kind] ?? { min($0, $1) })
      return .integers(shape: integer("keepdims", 1) != 0 ? shape.map { _ in 1 } : [], [result])
    case "Where":
      guard inputs.count == 3, case .integers(let shapeA, let a)? = inputs[1],
        case .integers(let shapeB, let b)? = inputs[2]
      else { return nil }
      let result = try broadcast(broadcast(shape, shapeA), shapeB)
      let conditions = try spread(values, shape, to: result)
      let (own, another) = (try spread(a, shapeA, to: result), try spread(b, shapeB, to: result))
      return .integers(shape: result, conditions.indices.map { conditions[$0] != 0 ? own[$0] : another[$0] })
    default:
      guard inputs.count == 2, case .integers(let other, let others)? = inputs[1] else { return nil }
      guard let rule = try rule() else { return nil }
      let result = try broadcast(shape, other)
      let (a, b) = (try spread(values, shape, to: result), try spread(others, other, to: result))
      return .integers(shape: result, try a.indices.map { try rule(a[$0], b[$0]) })
    }
  }

  /// What two whole numbers are made into; nil for operators that do not take them.
  private func rule() throws -> ((Int, Int) throws -> Int)? {
    func quotient(_ a: Int, _ b: Int) throws -> (Int, Int) {
      try expect(b != 0 && !(a == .min && b == -1), "\(a) divided by \(b)")
      return a.quotientAndRemainder(dividingBy: b)
    }
    switch node.kind {
    case "Add": return { $0 &+ $1 }
    case "Sub": return { $0 &- $1 }
    case "Mul": return { $0 &* $1 }
    case "Div": return { try quotient($0, $1).0 }
    case "Mod":
      // The sign of the divisor, unless C's remainder is asked for.
      let isC = integer("fmod", 0) != 0
      return { a, b in
        let rest = try quotient(a, b).1
        return isC || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
      }
    case "Min": return { min($0, $1) }
    case "Max": return { max($0, $1) }
    case "Equal": return { $0 == $1 ? 1 : 0 }
    case "Greater": return { $0 > $1 ? 1 : 0 }
    case "GreaterOrEqual": return { $0 >= $1 ? 1 : 0 }
    case "Less": return { $0 < $1 ? 1 : 0 }
    case "LessOrEqual": return { $0 <= $1 ? 1 : 0 }
    case "And": return { $0 != 0 && $1 != 0 ? 1 : 0 }
    case "Or": return { $0 != 0 || $1 != 0 ? 1 : 0 }
    case "Xor": return { ($0 != 0) != ($1 != 0) ? 1 : 0 }
    default: return nil
    }
  }

  /// The shape of an input, of whatever kind.
  private func shape(_ index: Int) throws -> [Int] {
    if case .integers(let shape, _)? = inputs.first ?? nil { return shape }
    return Array(try tensor(index).shape)
  }

  private func cast() throws -> ONNXValue? {
    let type = integer("to", 0)
    if [1, 10, 11, 16].contains(type) { return nil }
    var (shape, values): ([Int], [Int])
    if case .integers(let own, let numbers)? = inputs.first ?? nil {
      (shape, values) = (own, numbers)
    } else {
      let x = try tensor(0)
      // Whether something that is not known yet is 0, is a tensor.
      if type == 9, !x.hasData { return nil }
      shape = Array(x.shape)
      values = try reals(0).map { value in
        try expect(abs(value) < 1e15, "cannot cast \(value) to a whole number")
        return type == 9 ? (value == 0 ? 0 : 1) : Int(value)
      }
    }
    return .integers(shape: shape, type == 9 ? values.map { $0 == 0 ? 0 : 1 } : values)
  }

  private func broadcast(_ a: [Int], _ b: [Int]) throws -> [Int] {
    guard let shape = Shape(a).broadcast(with: Shape(b)) else {
      throw ONNXProblem("shapes \(Shape(a)) and \(Shape(b)) do not broadcast")
    }
    try expect(try elementCount(Array(shape), "result") <= ONNXCall.most, "\(shape) is too large for whole numbers")
    return Array(shape)
  }

  private func spread(_ values: [Int], _ shape: [Int], to result: [Int]) throws -> [Int] {
    if shape == result { return values }
    return places(values.count, shape).broadcast(to: Shape(result)).scalars.map { values[Int($0)] }
  }

  /// The numbers 0, 1, … in a shape: below 2²⁴, floats are exact.
  private func places(_ count: Int, _ shape: [Int], from first: Int = 0) -> Tensor {
    Tensor(Shape(shape), (first..<(first + count)).map { Float($0) })
  }

  /// Whole numbers are moved as their places are: by the operators for tensors.
  private func movedWholeNumbers() throws -> ONNXValue {
    var all: [Int] = [], inputs = inputs
    for index in node.kind == "Concat" ? inputs.indices : 0..<1 {
      guard case .integers(let shape, let values)? = inputs[index] else {
        throw ONNXProblem("input \(index): expected whole numbers that are known")
      }
      try expect(all.count + values.count <= ONNXCall.most, "more than \(ONNXCall.most) whole numbers")
      inputs[index] = .tensor(places(values.count, shape, from: all.count))
      all += values
    }
    let call = ONNXCall(node: node, inputs: inputs, opset: opset)
    // First without data: how large the result would be.
    guard case .tensor(let first)? = inputs[0] else { return .integers(shape: [], []) }
    let graph = try Graph.capture(inputs: [first.shape]) { symbolic in
      var inputs = inputs
      inputs[0] = .tensor(symbolic[0])
      return [try ONNXCall(node: node, inputs: inputs, opset: opset).moved()]
    }
    let shape = graph.values[graph.outputs[0]].shape
    try expect(shape.elementCount <= ONNXCall.most, "\(shape) is too large for whole numbers")
    return .integers(shape: Array(shape), try call.moved().scalars.map { all[Int($0)] })
  }
}
