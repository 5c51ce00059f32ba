import SegKernels

extension ONNXCall {
  /// Operators that only move elements.
  func moved() throws -> Tensor {
    if node.kind == "Constant" {
      if case .real(let value)? = node.attributes["value_float"] { return Tensor(value) }
      guard case .value(.tensor(let value))? = node.attributes["value"] else {
        throw ONNXProblem("expected a tensor of floats or whole numbers")
      }
      return value
    }
    if node.kind == "ConstantOfShape" {
      let shape = try integers(0)
      try expect(try elementCount(shape, "result") <= 1 << 26, "shape \(shape) is too large for a constant")
      guard case .value(.tensor(let value))? = node.attributes["value"] else { return Tensor.zeros(Shape(shape)) }
      return Tensor(Shape(shape), filledWith: value.scalars.first ?? 0)
    }
    let x = try tensor(0), rank = x.rank
    switch node.kind {
    case "Concat":
      let parts = try inputs.indices.map { try tensor($0) }, axis = try axis(integer("axis", 0), rank)
      try expect(
        parts.allSatisfy { part in
          part.rank == rank && (0..<rank).allSatisfy { $0 == axis || part.shape[$0] == x.shape[$0] }
        }, "shapes \(parts.map(\.shape)) differ beside axis \(axis)")
      return concatenate(parts, axis: axis)
    case "Reshape":
      let asked = try integers(1)
      let shape = asked.enumerated().map {
        $1 == 0 && integer("allowzero", 0) == 0 && $0 < rank ? x.shape[$0] : $1
      }
      return try reshaped(x, shape)
    case "Flatten":
      let axis = integer("axis", 1)
      try expect((0...rank).contains(axis), "axis \(axis) is outside shape \(x.shape)")
      return try reshaped(x, [x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])
    case "Transpose":
      let order = integers("perm") ?? Array((0..<rank).reversed())
      try expect(order.sorted() == Array(0..<rank), "\(order) is no order of \(rank) axes")
      return x.permuted(order)
    case "Squeeze":
      let axes = try (numbers("axes", orInput: 1) ?? (0..<rank).filter { x.shape[$0] == 1 }).map { try axis($0, rank) }
      return try reshaped(x, (0..<rank).filter { !axes.contains($0) }.map { x.shape[$0] })
    case "Unsqueeze":
      var shape = Array(x.shape)
      let axes = try numbers("axes", orInput: 1) ?? []
      try expect(axes.count <= 8, "expected at most 8 axes, found \(axes.count)")
      for axis in try axes.map({ try axis($0, rank + axes.count) }).sorted() {
        try expect(axis <= shape.count, "axes \(axes) do not fit shape \(x.shape)")
        shape.insert(1, at: axis)
      }
      return try reshaped(x, shape)
    case "Expand":
      let asked = try integers(1), width = max(asked.count, rank)
      try expect(width <= 8, "expected at most 8 axes, found \(asked.count)")
      let (from, to) = (
        Array(repeating: 1, count: width - rank) + Array(x.shape),
        Array(repeating: 1, count: width - asked.count) + asked
      )
      let shape = try zip(from, to).map { a, b in
        try expect(a == b || a == 1 || b == 1, "shape \(x.shape) does not expand to \(asked)")
        return a == 1 ? b : a
      }
      try expect(try elementCount(shape, "result") <= 1 << 26 || !x.hasData, "\(shape) is too large for a constant")
      return shape == Array(x.shape) ? x : x.broadcast(to: Shape(shape))
    case "Slice": return try sliced(x)
    case "Pad": return try padded(x)
    default:
      guard case .integers(let shape, let places)? = inputs.count > 1 ? inputs[1] : nil, places.count == 1 else {
        throw ONNXProblem("expected one index that is known")
      }
      let axis = try axis(integer("axis", 0), rank), extent = x.shape[axis]
      try expect((-extent..<extent).contains(places[0]), "index \(places[0]) is outside \(extent)")
      let place = places[0] < 0 ? places[0] + extent : places[0]
      let part = x.slice(axis: axis, place..<place + 1)
      var rest = Array(part.shape)
      if shape.isEmpty { rest.remove(at: axis) }
      return part.reshaped(Shape(rest))
    }
  }

  private func reshaped(_ x: Tensor, _ shape: [Int]) throws -> Tensor {
    let open = shape.count { $0 == -1 }, known = try elementCount(shape.map { $0 == -1 ? 1 : $0 }, "result")
    try expect(
      open == 0 && known == x.count || open == 1 && known > 0 && x.count % known == 0,
      "shape \(x.shape) does not fit \(shape)")
    return x.reshaped(Shape(shape.map { $0 == -1 ? x.count / known : $0 }))
  }

  /// Starts, ends, axes and steps, whatever the opset; clamped to the extents.
  func ranges(_ shape: [Int]) throws -> [(axis: Int, range: Range<Int>, step: Int)] {
    guard let starts = try numbers("starts", orInput: 1), let ends = try numbers("ends", orInput: 2) else {
      throw ONNXProblem("starts or ends are missing")
    }
    let axes = try numbers("axes", orInput: 3) ?? Array(starts.indices)
    let steps = has(4) ? try integers(4) : starts.map { _ in 1 }
    try expect(
      starts.count == ends.count && axes.count == starts.count && steps.count == starts.count
        && steps.allSatisfy { $0 > 0 }, "starts, ends, axes and steps differ in number, or steps are not positive")
    return try starts.indices.map { index in
      let axis = try axis(axes[index], shape.count), extent = shape[axis]
      func place(_ value: Int) -> Int { value < 0 ? max(value, -extent) + extent : min(value, extent) }
      let (start, end) = (place(starts[index]), place(ends[index]))
      try expect(start <= end, "a slice from \(start) to \(end)")
      return (axis, start..<end, steps[index])
    }
  }

  private func sliced(_ x: Tensor) throws -> Tensor {
    try ranges(Array(x.shape)).reduce(x) { y, part in
      part.range == 0..<y.shape[part.axis] && part.step == 1 ? y : y.slice(axis: part.axis, part.range, step: part.step)
    }
  }

  private func padded(_ x: Tensor) throws -> Tensor {
    let pads = try numbers("pads", orInput: 1) ?? [], mode = text("mode", "constant")
    try expect(
      pads.count == 2 * x.rank && pads.allSatisfy { (0...1 << 16).contains($0) } && !has(3),
      "expected \(2 * x.rank) pads, not negative, found \(pads)")
    _ = try elementCount((0..<x.rank).map { x.shape[$0] + pads[$0] + pads[$0 + x.rank] }, "result")
    let value = has(2) ? try reals(2).first ?? 0 : real("value", 0)
    return try (0..<x.rank).reduce(x) { y, axis in
      let (before, after) = (pads[axis], pads[axis + x.rank])
      if before + after == 0 { return y }
      switch mode {
      case "constant": return y.padded(axis: axis, before: before, after: after, with: .constant(value))
      case "reflect":
        try expect(max(before, after) < y.shape[axis], "pads \(pads) mirror more than there is of \(x.shape)")
        return y.padded(axis: axis, before: before, after: after, with: .reflect)
      default: throw ONNXProblem("mode '\(mode)' is not supported")
      }
    }
  }

  /// Whole numbers that are known: shapes, and what is worked out from them; nil where the node makes floats.
  func wholeNumbers() throws -> ONNXValue? {
    if node.kind == "Shape" {
      let shape = Array(try tensor(0).shape)
      func place(_ value: Int) -> Int { value < 0 ? max(value, -shape.count) + shape.count : min(value, shape.count) }
      let (start, end) = (place(integer("start", 0)), place(integer("end", shape.count)))
      try expect(start <= end, "a slice from \(start) to \(end)")
      return .integers(shape: [end - start], Array(shape[start..<end]))
    }
    if node.kind == "Constant" {
      if let values = integers("value_ints") { return .integers(shape: [values.count], values) }
      if case .integer(let value)? = node.attributes["value_int"] { return .integers(shape: [], [value]) }
      if case .value(.integers(let shape, let values))? = node.attributes["value"] {
        return .integers(shape: shape, values)
      }
      return nil
    }
    if node.kind == "Cast", ![1, 10, 11].contains(integer("to", 0)) {
      if case .integers? = inputs.first ?? nil { return inputs[0] }
      let x = try tensor(0)
      return .integers(
        shape: Array(x.shape),
        try reals(0).map { value in
          try expect(abs(value) < 1e15, "cannot cast \(value) to a whole number")
          return Int(value)
        })
    }
    guard !inputs.isEmpty, case .integers(let shape, let values)? = inputs[0] else { return nil }
    switch node.kind {
    case "Identity": return inputs[0]
    case "Squeeze": return .integers(shape: [], values)
    case "Unsqueeze" where values.count == 1: return .integers(shape: [1], values)
    case "Gather" where shape.count == 1:
      guard inputs.count > 1, case .integers(let places, let indices)? = inputs[1] else { return nil }
      return .integers(
        shape: places,
        try indices.map { index in
          try expect((-values.count..<values.count).contains(index), "index \(index) is outside \(values.count)")
          return values[index < 0 ? index + values.count : index]
        })
    case "Concat":
      let all = try inputs.indices.flatMap { try integers($0) }
      try expect(all.count <= 1 << 16, "\(all.count) whole numbers are no shape")
      return .integers(shape: [all.count], all)
    case "Slice" where shape.count == 1:
      let part = try ranges(shape)
      try expect(part.count == 1, "expected one axis, found \(part.count)")
      let kept = stride(from: part[0].range.lowerBound, to: part[0].range.upperBound, by: part[0].step).map {
        values[$0]
      }
      return .integers(shape: [kept.count], kept)
    case "Reshape" where values.count <= 64:
      let asked = try integers(1)
      return .integers(shape: asked.isEmpty ? [] : [values.count], values)
    case "Add", "Sub", "Mul", "Div":
      guard inputs.count > 1, case .integers(let otherShape, let others)? = inputs[1] else { return nil }
      let count = max(values.count, others.count)
      try expect(
        !values.isEmpty && !others.isEmpty && [1, count].contains(values.count) && [1, count].contains(others.count),
        "shapes \(shape) and \(otherShape) do not broadcast")
      let results = try (0..<count).map { index in
        let a = values[values.count == 1 ? 0 : index], b = others[others.count == 1 ? 0 : index]
        switch node.kind {
        case "Add": return a &+ b
        case "Sub": return a &- b
        case "Mul": return a &* b
        default:
          try expect(b != 0 && !(a == .min && b == -1), "\(a) divided by \(b)")
          return a / b
        }
      }
      return .integers(shape: shape.count >= otherShape.count ? shape : otherShape, results)
    default: return nil
    }
  }
}
