import SegKernels

extension ONNXCall {
  /// Operators that only move elements.
  func moved() throws -> Tensor {
    if node.kind == "Constant" {
      if case .real(let value)? = node.attributes["value_float"] { return Tensor(value) }
      if let values = reals("value_floats") { return Tensor([values.count], values) }
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
      try checkCount(shape, x)
      return shape == Array(x.shape) ? x : x.broadcast(to: Shape(shape))
    case "Slice": return try sliced(x)
    case "Pad": return try padded(x)
    case "Tile":
      let repeats = try integers(1)
      try expect(
        repeats.count == rank && repeats.allSatisfy { (0...1 << 16).contains($0) },
        "expected \(rank) numbers of copies, found \(repeats)")
      try checkCount((0..<rank).map { x.shape[$0] * repeats[$0] }, x)
      return try (0..<rank).reduce(x) { y, axis in
        try repeats[axis] == 1 ? y : chosen(y, axis, (0..<repeats[axis]).flatMap { _ in 0..<y.shape[axis] })
      }
    case "DepthToSpace":
      let image = try image(), (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
      let b = integer("blocksize", 0)
      try expect(b > 0 && b < 1 << 10 && c % (b * b) == 0, "blocks of \(b) do not fit shape \(x.shape)")
      let isDCR = text("mode", "DCR") == "DCR", outer = c / (b * b)
      let parts = isDCR ? image.reshaped(n, b, b, outer, h, w) : image.reshaped(n, outer, b, b, h, w)
      let order = isDCR ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
      return parts.permuted(order).reshaped(n, outer, h * b, w * b)
    case "GatherElements":
      guard case .integers(let shape, let places)? = inputs.count > 1 ? inputs[1] : nil, shape.count == rank else {
        throw ONNXProblem("expected \(rank) axes of indices that are known")
      }
      let axis = try axis(integer("axis", 0), rank), extent = x.shape[axis]
      try checkCount(shape, x)
      try expect(
        (0..<rank).allSatisfy { $0 == axis || shape[$0] <= x.shape[$0] }
          && places.allSatisfy { (-extent..<extent).contains($0) },
        "indices of shape \(shape) do not fit into shape \(x.shape)")
      return gather(x, axis: axis, indices: Labels(Shape(shape), places.map { Int32($0 < 0 ? $0 + extent : $0) }))
    case "GatherND": return try gatheredTuples(x)
    default:
      guard case .integers(let shape, let places)? = inputs.count > 1 ? inputs[1] : nil else {
        throw ONNXProblem("expected indices that are known")
      }
      let axis = try axis(integer("axis", 0), rank), before = Array(x.shape[..<axis]), after = x.shape[(axis + 1)...]
      let result = before + shape + after
      try checkCount(result, x)
      if places.count == 1 {
        try expect(
          (-x.shape[axis]..<x.shape[axis]).contains(places[0]), "index \(places[0]) is outside \(x.shape[axis])")
        let place = places[0] < 0 ? places[0] + x.shape[axis] : places[0]
        return x.slice(axis: axis, place..<place + 1).reshaped(Shape(result))
      }
      return try chosen(x, axis, places).reshaped(Shape(result))
    }
  }

  /// Slices by their numbers; negative ones count from the end.
  private func chosen(_ x: Tensor, _ axis: Int, _ places: [Int]) throws -> Tensor {
    let extent = x.shape[axis]
    let indices = try places.map { place in
      try expect((-extent..<extent).contains(place), "index \(place) is outside \(extent)")
      return Int32(place < 0 ? place + extent : place)
    }
    return indexSelect(x, axis: axis, indices: Labels([indices.count], indices))
  }

  /// GatherND: each tuple of indices names a part of the first axes.
  private func gatheredTuples(_ x: Tensor) throws -> Tensor {
    guard case .integers(let shape, let places)? = inputs.count > 1 ? inputs[1] : nil, let width = shape.last,
      (1...x.rank).contains(width), integer("batch_dims", 0) == 0
    else { throw ONNXProblem("expected tuples of known indices, without batch_dims") }
    let extents = Array(x.shape[..<width]), rest = Array(x.shape[width...])
    try checkCount(shape.dropLast() + rest, x)
    let rows = try stride(from: 0, to: places.count, by: width).map { first in
      try extents.indices.reduce(0) { row, axis in
        let place = places[first + axis]
        try expect((-extents[axis]..<extents[axis]).contains(place), "index \(place) is outside \(extents[axis])")
        return row * extents[axis] + (place < 0 ? place + extents[axis] : place)
      }
    }
    let flat = x.reshaped(Shape([extents.reduce(1, *)] + rest))
    return try chosen(flat, 0, rows).reshaped(Shape(shape.dropLast() + rest))
  }

  /// Refuses results that are no shape, or too large for a constant.
  private func checkCount(_ shape: [Int], _ x: Tensor) throws {
    try expect(try elementCount(shape, "result") <= 1 << 26 || !x.hasData, "\(shape) is too large for a constant")
  }

  private func reshaped(_ x: Tensor, _ shape: [Int]) throws -> Tensor {
    let open = shape.count { $0 == -1 }, known = try elementCount(shape.map { $0 == -1 ? 1 : $0 }, "result")
    try expect(
      open == 0 && known == x.count || open == 1 && known > 0 && x.count % known == 0,
      "shape \(x.shape) does not fit \(shape)")
    return x.reshaped(Shape(shape.map { $0 == -1 ? x.count / known : $0 }))
  }

  /// Starts, ends, axes and steps, whatever the opset; ends are clamped to the extents.
  private func sliced(_ x: Tensor) throws -> Tensor {
    guard let starts = try numbers("starts", orInput: 1), let ends = try numbers("ends", orInput: 2) else {
      throw ONNXProblem("starts or ends are missing")
    }
    let axes = try numbers("axes", orInput: 3) ?? Array(starts.indices)
    let steps = has(4) ? try integers(4) : starts.map { _ in 1 }
    try expect(
      starts.count == ends.count && axes.count == starts.count && steps.count == starts.count
        && steps.allSatisfy { $0 != 0 && (-(1 << 40)...1 << 40).contains($0) },
      "starts, ends, axes and steps differ in number, or a step is 0")
    return try starts.indices.reduce(x) { y, index in
      let axis = try axis(axes[index], x.rank), extent = y.shape[axis], step = steps[index]
      // A backward slice may begin at the last and end before the first element.
      let (low, high) = step > 0 ? (0, extent) : (-1, extent - 1)
      func place(_ value: Int) -> Int { min(max(value < 0 ? max(value, -extent - 1) + extent : value, low), high) }
      let (start, end) = (place(starts[index]), place(ends[index]))
      if step < 0 { return try chosen(y, axis, Array(stride(from: start, to: end, by: step))) }
      try expect(start <= end, "a slice from \(start) to \(end)")
      return start == 0 && end == extent && step == 1 ? y : y.slice(axis: axis, start..<end, step: step)
    }
  }

  private func padded(_ x: Tensor) throws -> Tensor {
    let pads = try numbers("pads", orInput: 1) ?? [], mode = text("mode", "constant")
    let axes = try (has(3) ? integers(3) : Array(0..<x.rank)).map { try axis($0, x.rank) }
    try expect(
      pads.count == 2 * axes.count && pads.allSatisfy { (-(1 << 16)...1 << 16).contains($0) },
      "expected \(2 * axes.count) pads, found \(pads)")
    let value = has(2) ? try reals(2).first ?? 0 : real("value", 0)
    return try axes.enumerated().reduce(x) { y, place in
      let (index, axis) = place, (before, after) = (pads[index], pads[index + axes.count])
      if before == 0, after == 0 { return y }
      var shape = Array(y.shape)
      shape[axis] += before + after
      try checkCount(shape, y)
      try expect(min(before, 0) + min(after, 0) + y.shape[axis] >= 0, "pads \(pads) take away more than \(y.shape) has")
      switch mode {
      case "constant": return y.padded(axis: axis, before: before, after: after, with: .constant(value))
      case "reflect":
        try expect(max(before, after) < y.shape[axis], "pads \(pads) mirror more than there is of \(x.shape)")
        return y.padded(axis: axis, before: before, after: after, with: .reflect)
      case "edge":
        try expect(y.shape[axis] > 0, "shape \(y.shape) has nothing to repeat")
        return y.padded(axis: axis, before: before, after: after, with: .replicate)
      default: throw ONNXProblem("mode '\(mode)' is not supported")
      }
    }
  }
}
