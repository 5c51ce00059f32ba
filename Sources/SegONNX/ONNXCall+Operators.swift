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
    case "Resize", "Upsample": return try resized()
    case "GlobalAveragePool": return adaptiveAveragePool2d(try image(), outputSize: 1)
    case "GlobalMaxPool": return try image().maximum(axes: [2, 3], keepDimensions: true)
    case "BatchNormalization":
      let x = try tensor(0), parameters = try (1...4).map { try tensor($0) }
      try expect(
        (2...4).contains(x.rank) && parameters.allSatisfy { $0.shape == [x.shape[1]] },
        "parameters do not fit shape \(x.shape)")
      let image = x.rank == 4 ? x : x.reshaped(Shape(Array(x.shape) + [Int](repeating: 1, count: 4 - x.rank)))
      let y = batchNorm(
        image, weight: parameters[0], bias: parameters[1], mean: parameters[2], variance: parameters[3],
        epsilon: real("epsilon", 1e-5))
      return x.rank == 4 ? y : y.reshaped(x.shape)
    case "Identity", "Dropout": return try tensor(0)
    case "Cast":
      let x = try tensor(0)
      return integer("to", 0) == 9 ? 1 - apply(ComparisonOperation(kind: .equal), to: x, Tensor.zeros(x.shape)) : x
    case "Relu": return relu(try tensor(0))
    case "Sigmoid": return sigmoid(try tensor(0))
    case "Tanh": return try tensor(0).tanh()
    case "Exp": return try tensor(0).exp()
    case "Log": return try tensor(0).log()
    case "Sqrt": return try tensor(0).sqrt()
    case "Abs": return try tensor(0).abs()
    case "Neg": return -(try tensor(0))
    case "Reciprocal": return try tensor(0).reciprocal()
    case "Erf": return erf(try tensor(0))
    case "Sin": return try tensor(0).sin()
    case "Cos": return try tensor(0).cos()
    case "Acos": return try tensor(0).acos()
    case "Floor", "Ceil", "Round", "Sign":
      return apply(RoundingOperation(kind: RoundingOperation.Kind(rawValue: node.kind)!), to: try tensor(0))
    case "Elu":
      let x = try tensor(0)
      return relu(x) + (minimum(x, Tensor(0)).exp() - 1) * real("alpha", 1)
    case "Mish":
      let x = try tensor(0)
      return x * softplus(x).tanh()
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
    case "Sum", "Mean", "Min", "Max": return try combined()
    case "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "Where":
      return try compared()
    case "Add": return try binary { $0 + $1 }
    case "Sub": return try binary { $0 - $1 }
    case "Mul": return try binary { $0 * $1 }
    case "Div": return try binary { $0 / $1 }
    case "Pow":
      let exponent = try reals(1)
      let x = try tensor(0)
      switch exponent {
      case [0.5]: return x.sqrt()
      case [1]: return x
      case [2]: return x.square()
      case [3]: return x.square() * x
      case [-0.5]: return x.sqrt().reciprocal()
      case [-1]: return x.reciprocal()
      default: throw ONNXProblem("expected the exponent ±½, ±1, 2 or 3, found \(exponent)")
      }
    case "Softmax", "LogSoftmax":
      let x = try tensor(0)
      let axis = try axis(integer("axis", opset < 13 ? 1 : -1), x.rank)
      func normalized(_ x: Tensor, _ axis: Int) -> Tensor {
        node.kind == "Softmax" ? softmax(x, axis: axis) : logSoftmax(x, axis: axis)
      }
      if opset >= 13 { return normalized(x, axis) }
      // Before, over this axis and all behind it.
      let rows = x.shape[..<axis].reduce(1, *)
      return normalized(x.reshaped(rows, x.count / max(rows, 1)), 1).reshaped(x.shape)
    case "MatMul", "Gemm": return try product()
    case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2": return try reduced()
    case "InstanceNormalization":
      let x = try tensor(0), weight = try tensor(1), bias = try tensor(2)
      try expect(
        x.rank >= 3 && x.count > 0 && weight.shape == [x.shape[1]] && bias.shape == weight.shape,
        "parameters do not fit shape \(x.shape)")
      return groupNorm(x, groups: x.shape[1], weight: weight, bias: bias, epsilon: real("epsilon", 1e-5))
    case "GroupNormalization":
      let x = try tensor(0), weight = try tensor(1), bias = try tensor(2), groups = integer("num_groups", 0)
      try expect(
        x.rank >= 3 && x.count > 0 && groups > 0 && x.shape[1] % groups == 0 && bias.shape == weight.shape
          && weight.shape == [opset < 21 ? groups : x.shape[1]], "\(groups) groups do not fit shape \(x.shape)")
      // Before opset 21 there was one weight a group.
      func wide(_ values: Tensor) -> Tensor {
        let each = x.shape[1] / values.count
        return each == 1 ? values : values.reshaped(groups, 1).broadcast(to: [groups, each]).reshaped(x.shape[1])
      }
      return groupNorm(x, groups: groups, weight: wide(weight), bias: wide(bias), epsilon: real("epsilon", 1e-5))
    case "GridSample":
      let x = try image(), grid = try image(1), mode = text("mode", "linear")
      let edge = SampleEdge(rawValue: text("padding_mode", "zeros"))
      try expect(
        grid.shape[0] == x.shape[0] && grid.shape[3] == 2 && ["linear", "bilinear", "nearest"].contains(mode)
          && edge != nil, "grid \(grid.shape), mode '\(mode)' or padding_mode do not fit shape \(x.shape)")
      return gridSample(
        x, grid: grid, mode == "nearest" ? .nearest : .bilinear, edge: edge ?? .zeros,
        alignCorners: integer("align_corners", 0) != 0)
    case "LayerNormalization":
      let x = try tensor(0), weight = try tensor(1), axis = try axis(integer("axis", -1), x.rank)
      let bias = has(2) ? try tensor(2) : Tensor.zeros(weight.shape)
      try expect(
        Array(x.shape[axis...]) == Array(weight.shape) && bias.shape == weight.shape && weight.count > 0,
        "parameters of shape \(weight.shape) do not fit \(x.shape) from axis \(axis)")
      return layerNorm(x, weight: weight, bias: bias, epsilon: real("epsilon", 1e-5))
    case "Concat", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Expand", "Slice", "Pad", "Gather",
      "GatherND", "GatherElements", "Tile", "DepthToSpace", "Constant", "ConstantOfShape":
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

  /// Any number of tensors made into one.
  private func combined() throws -> Tensor {
    let all = try inputs.indices.map { try tensor($0) }
    try expect(!all.isEmpty, "expected inputs, found none")
    let y = try all.dropFirst().reduce(all[0]) { a, b in
      try checkBroadcast(a, b)
      switch node.kind {
      case "Min": return minimum(a, b)
      case "Max": return maximum(a, b)
      default: return a + b
      }
    }
    return node.kind == "Mean" ? y * (1 / Float(all.count)) : y
  }

  /// Truth as 1 and 0.
  private func compared() throws -> Tensor {
    if node.kind == "Not" { return 1 - (try tensor(0)) }
    if node.kind == "Where" {
      let (condition, a, b) = (try tensor(0), try tensor(1), try tensor(2))
      try checkBroadcast(a, b)
      guard let shape = a.shape.broadcast(with: b.shape), condition.shape.broadcast(with: shape) != nil else {
        throw ONNXProblem("shapes \(condition.shape), \(a.shape) and \(b.shape) do not broadcast")
      }
      return select(condition, a, else: b)
    }
    return try binary { a, b in
      guard let shape = a.shape.broadcast(with: b.shape) else { return a }
      func compare(_ kind: ComparisonOperation.Kind) -> Tensor {
        apply(
          ComparisonOperation(kind: kind), to: a.shape == shape ? a : a.broadcast(to: shape),
          b.shape == shape ? b : b.broadcast(to: shape))
      }
      switch node.kind {
      case "Equal": return compare(.equal)
      case "Greater": return compare(.greater)
      case "Less": return compare(.less)
      // Not the opposite's complement: a NaN is neither.
      case "GreaterOrEqual": return maximum(compare(.greater), compare(.equal))
      case "LessOrEqual": return maximum(compare(.less), compare(.equal))
      case "And": return a * b
      case "Or": return maximum(a, b)
      default: return (a - b).abs()
      }
    }
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
      return matmul(a.reshaped(rows.reduce(1, *), b.shape[0]), b).reshaped(Shape(rows + [b.shape[1]]))
    }
    let (leadingA, leadingB) = (Shape(a.shape.dropLast(2)), Shape(b.shape.dropLast(2)))
    guard let leading = leadingA.broadcast(with: leadingB) else {
      throw ONNXProblem("shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    func spread(_ x: Tensor, _ own: Shape) -> Tensor {
      own == leading ? x : x.broadcast(to: Shape(Array(leading) + x.shape.suffix(2)))
    }
    return matmul(spread(a, leadingA), spread(b, leadingB))
  }

  private func reduced() throws -> Tensor {
    let x = try tensor(0), axes = try (numbers("axes", orInput: 1) ?? []).map { try axis($0, x.rank) }
    let keeps = integer("keepdims", 1) != 0
    try expect(x.count > 0 && integer("noop_with_empty_axes", 0) == 0, "nothing to reduce in shape \(x.shape)")
    switch node.kind {
    case "ReduceMean": return x.mean(axes: axes, keepDimensions: keeps)
    case "ReduceSum": return x.sum(axes: axes, keepDimensions: keeps)
    case "ReduceMin": return x.minimum(axes: axes, keepDimensions: keeps)
    case "ReduceL2": return x.square().sum(axes: axes, keepDimensions: keeps).sqrt()
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
