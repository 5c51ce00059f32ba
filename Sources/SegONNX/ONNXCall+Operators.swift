import SegKernels

extension ONNXCall {
  /// What the node makes.
  func results() throws -> [ONNXValue] {
    try expect(node.domain.isEmpty || node.domain == "ai.onnx", "operators of '\(node.domain)' are not known")
    if let whole = try wholeNumbers() { return [whole] }
    if node.kind == "Split" { return try split().map { .tensor($0) } }
    let y = try tensorResult()
    _ = try elementCount(Array(y.shape), "result")
    return [.tensor(y)]
  }

  private func tensorResult() throws -> Tensor {
    switch node.kind {
    case "Conv": return try convolution()
    case "ConvTranspose": return try transposedConvolution()
    case "MaxPool", "AveragePool": return try pool()
    case "Resize": return try resized()
    case "GlobalAveragePool": return adaptiveAveragePool2d(try image(), outputSize: 1)
    case "GlobalMaxPool": return try image().maximum(axes: [2, 3], keepDimensions: true)
    case "BatchNormalization":
      let x = try image(), parameters = try (1...4).map { try tensor($0) }
      try expect(parameters.allSatisfy { $0.shape == [x.shape[1]] }, "parameters do not fit shape \(x.shape)")
      return batchNorm(
        x, weight: parameters[0], bias: parameters[1], mean: parameters[2], variance: parameters[3],
        epsilon: real("epsilon", 1e-5))
    case "Identity", "Dropout": return try tensor(0)
    case "Cast":
      try expect([1, 10, 11].contains(integer("to", 0)), "expected a cast to floats")
      return try tensor(0)
    case "Relu": return relu(try tensor(0))
    case "Sigmoid": return sigmoid(try tensor(0))
    case "Tanh": return try tensor(0).tanh()
    case "Exp": return try tensor(0).exp()
    case "Log": return try tensor(0).log()
    case "Sqrt": return try tensor(0).sqrt()
    case "Abs": return try tensor(0).abs()
    case "Neg": return -(try tensor(0))
    case "Reciprocal": return try tensor(0).reciprocal()
    case "Softplus": return softplus(try tensor(0))
    case "Gelu":
      try expect(text("approximate", "none") == "none", "only the exact form is supported")
      return gelu(try tensor(0))
    case "LeakyRelu":
      let x = try tensor(0)
      return relu(x) - relu(-x) * real("alpha", 0.01)
    case "PRelu":
      let x = try tensor(0), slope = try tensor(1)
      try checkBroadcast(x, slope)
      return relu(x) - relu(-x) * slope
    case "HardSigmoid":
      return (try tensor(0) * real("alpha", 0.2) + real("beta", 0.5)).clamped(to: 0...1)
    case "HardSwish":
      let x = try tensor(0)
      return x * (x * (1 / 6) + 0.5).clamped(to: 0...1)
    case "Clip":
      let low = has(1) ? try reals(1).first ?? -.infinity : real("min", -.infinity)
      let high = has(2) ? try reals(2).first ?? .infinity : real("max", .infinity)
      try expect(low <= high, "expected bounds in order, found \(low) and \(high)")
      return try tensor(0).clamped(to: low...high)
    case "Add": return try binary { $0 + $1 }
    case "Sub": return try binary { $0 - $1 }
    case "Mul": return try binary { $0 * $1 }
    case "Div": return try binary { $0 / $1 }
    case "Min": return try binary { minimum($0, $1) }
    case "Max": return try binary { maximum($0, $1) }
    case "Pow":
      let exponent = try reals(1)
      try expect(exponent == [2] || exponent == [0.5], "expected the exponent 2 or 0.5, found \(exponent)")
      return exponent == [2] ? try tensor(0).square() : try tensor(0).sqrt()
    case "Softmax", "LogSoftmax":
      let x = try tensor(0)
      try expect(opset >= 13, "softmax of opset \(opset) is not supported; expected 13 or later")
      let axis = try axis(integer("axis", -1), x.rank)
      return node.kind == "Softmax" ? softmax(x, axis: axis) : logSoftmax(x, axis: axis)
    case "MatMul", "Gemm": return try product()
    case "ReduceMean", "ReduceSum", "ReduceMax": return try reduced()
    case "InstanceNormalization":
      let x = try image(), weight = try tensor(1), bias = try tensor(2)
      try expect(weight.shape == [x.shape[1]] && bias.shape == weight.shape, "parameters do not fit \(x.shape)")
      return groupNorm(x, groups: x.shape[1], weight: weight, bias: bias, epsilon: real("epsilon", 1e-5))
    case "LayerNormalization":
      let x = try tensor(0), weight = try tensor(1), axis = try axis(integer("axis", -1), x.rank)
      let bias = has(2) ? try tensor(2) : Tensor.zeros(weight.shape)
      try expect(
        Array(x.shape[axis...]) == Array(weight.shape) && bias.shape == weight.shape && weight.count > 0,
        "parameters of shape \(weight.shape) do not fit \(x.shape) from axis \(axis)")
      return layerNorm(x, weight: weight, bias: bias, epsilon: real("epsilon", 1e-5))
    case "Concat", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Slice", "Pad", "Gather",
      "Constant", "ConstantOfShape":
      return try moved()
    default: throw ONNXProblem("the package does not have this operator")
    }
  }

  private func checkBroadcast(_ a: Tensor, _ b: Tensor) throws {
    let pairs = zip(Array(a.shape).reversed(), Array(b.shape).reversed())
    try expect(
      pairs.allSatisfy { $0 == $1 || $0 == 1 || $1 == 1 }, "shapes \(a.shape) and \(b.shape) do not broadcast")
  }

  private func binary(_ operation: (Tensor, Tensor) -> Tensor) throws -> Tensor {
    try expect(inputs.count == 2, "expected two inputs, found \(inputs.count)")
    let a = try tensor(0), b = try tensor(1)
    try checkBroadcast(a, b)
    return operation(a, b)
  }

  private func product() throws -> Tensor {
    var a = try tensor(0), b = try tensor(1)
    if node.kind == "Gemm" {
      try expect(a.rank == 2 && b.rank == 2, "expected matrices, found shapes \(a.shape) and \(b.shape)")
      if integer("transA", 0) != 0 { a = a.transposed() }
      if integer("transB", 0) != 0 { b = b.transposed() }
    }
    try expect(a.rank >= 2 && b.rank >= 2 && a.shape[-1] == b.shape[-2], "shapes \(a.shape) and \(b.shape) do not fit")
    if node.kind == "Gemm" {
      var y = matmul(a, b)
      if real("alpha", 1) != 1 { y = y * real("alpha", 1) }
      guard has(2) else { return y }
      let c = try tensor(2)
      try checkBroadcast(y, c)
      return y + (real("beta", 1) == 1 ? c : c * real("beta", 1))
    }
    if b.rank == 2, a.rank > 2 {
      let rows = Array(a.shape.dropLast())
      return matmul(a.reshaped([rows.reduce(1, *), a.shape[-1]]), b).reshaped(Shape(rows + [b.shape[1]]))
    }
    try expect(
      a.rank == b.rank && Array(a.shape.dropLast(2)) == Array(b.shape.dropLast(2)),
      "products of shapes \(a.shape) and \(b.shape) are not supported")
    return matmul(a, b)
  }

  private func reduced() throws -> Tensor {
    let x = try tensor(0), axes = try (numbers("axes", orInput: 1) ?? []).map { try axis($0, x.rank) }
    let keeps = integer("keepdims", 1) != 0
    try expect(x.count > 0 && integer("noop_with_empty_axes", 0) == 0, "nothing to reduce in shape \(x.shape)")
    switch node.kind {
    case "ReduceMean": return x.mean(axes: axes, keepDimensions: keeps)
    case "ReduceSum": return x.sum(axes: axes, keepDimensions: keeps)
    default: return x.maximum(axes: axes, keepDimensions: keeps)
    }
  }

  private func split() throws -> [Tensor] {
    let x = try tensor(0), axis = try axis(integer("axis", 0), x.rank), count = max(node.outputs.count, 1)
    let even = (x.shape[axis] + count - 1) / count
    let sizes =
      try numbers("split", orInput: 1) ?? (0..<count).map { max(min(even, x.shape[axis] - $0 * even), 0) }
    try expect(
      sizes.allSatisfy { $0 > 0 && $0 <= x.shape[axis] } && sizes.reduce(0, +) == x.shape[axis],
      "parts \(sizes) do not make up axis \(axis) of shape \(x.shape)")
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return x.slice(axis: axis, start..<start + size)
    }
  }
}
