import SegKernels

extension ONNXCall {
  /// Resize, and Upsample as older opsets call it. What the package's own `resize` does is that; all else is gathered
  /// (nearest) or multiplied by a matrix an axis (linear, cubic).
  func resized() throws -> Tensor {
    let x = try image(), mode = text("mode", "nearest")
    let (rows, columns) = try resizedSides(x)
    try expect(
      integer("antialias", 0) == 0 && integer("exclude_outside", 0) == 0
        && text("keep_aspect_ratio_policy", "stretch") == "stretch",
      "antialias, exclude_outside and keep_aspect_ratio_policy are not supported")
    let corners = text("coordinate_transformation_mode", opset < 11 ? "asymmetric" : "half_pixel")
    let rule = ResizeRule(
      coordinates: corners, rounding: text("nearest_mode", opset < 11 ? "floor" : "round_prefer_floor"),
      coefficient: Double(real("cubic_coeff_a", -0.75)))
    let size = Pair(height: rows.output, width: columns.output)
    let isExact = rows.isExact && columns.isExact, isWhole = rows.isWhole && columns.isWhole
    switch (mode, corners) {
    case ("linear", "half_pixel"), ("linear", "pytorch_half_pixel"):
      // They differ where one pixel is made of many.
      if isExact, corners == "half_pixel" || min(size.height, size.width) > 1 { return resize(x, to: size) }
    case ("linear", "align_corners"): return resize(x, to: size, alignCorners: true)
    case ("nearest", "asymmetric"):
      if isExact, rule.rounding == "floor" { return resize(x, to: size, .nearest) }
    case ("nearest", "half_pixel"), ("nearest", "pytorch_half_pixel"):
      // With whole factors, half pixels rounded are the same as whole ones cut.
      if isExact, isWhole, rule.rounding.hasPrefix("round") { return resize(x, to: size, .nearest) }
    default: break
    }
    try expect(
      ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"].contains(corners),
      "coordinates '\(corners)' are not supported")
    switch mode {
    case "nearest":
      try expect(
        ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"].contains(rule.rounding),
        "nearest_mode '\(rule.rounding)' is not known")
      return [(2, rows), (3, columns)].reduce(x) { y, side in
        indexSelect(y, axis: side.0, indices: Labels([side.1.output], rule.nearest(side.1)))
      }
    case "linear", "cubic":
      try expect(
        rows.input * rows.output <= 1 << 24 && columns.input * columns.output <= 1 << 24,
        "resizing \(x.shape) to \(size) takes too large a matrix")
      return multiplied(x, rule.matrix(rows, isCubic: mode == "cubic"), rule.matrix(columns, isCubic: mode == "cubic"))
    default: throw ONNXProblem("mode '\(mode)' is not known")
    }
  }

  /// y = R · x · Cᵀ for every plane.
  private func multiplied(_ x: Tensor, _ rows: Tensor, _ columns: Tensor) -> Tensor {
    let (planes, height, width) = (x.shape[0] * x.shape[1], x.shape[2], x.shape[3])
    let wide = linear(x.reshaped(planes * height, width), weight: columns)
    let turned = wide.reshaped(planes, height, columns.shape[0]).permuted(0, 2, 1)
    let high = linear(turned.reshaped(planes * columns.shape[0], height), weight: rows)
    return high.reshaped(planes, columns.shape[0], rows.shape[0]).permuted(0, 2, 1)
      .reshaped(x.shape[0], x.shape[1], rows.shape[0], columns.shape[0])
  }

  /// Rows and columns before and after, from sizes or factors.
  private func resizedSides(_ x: Tensor) throws -> (rows: ResizedSide, columns: ResizedSide) {
    let axes = try (integers("axes") ?? [0, 1, 2, 3]).map { try axis($0, 4) }
    var sides = (0..<4).map { ResizedSide(input: x.shape[$0], output: x.shape[$0], scale: 1) }
    if has(3) {
      let sizes = try integers(3)
      try expect(sizes.count == axes.count, "expected \(axes.count) sizes, found \(sizes)")
      for (axis, size) in zip(axes, sizes) {
        try expect((1...65536).contains(size), "cannot resize \(x.shape) to \(sizes)")
        sides[axis] = ResizedSide(input: x.shape[axis], output: size, scale: Double(size) / Double(x.shape[axis]))
      }
    } else {
      let scales = try has(opset < 11 ? 1 : 2) ? reals(opset < 11 ? 1 : 2) : reals("scales") ?? []
      try expect(scales.count == axes.count, "expected \(axes.count) factors, found \(scales)")
      for (axis, scale) in zip(axes, scales.map(Double.init)) {
        let exact = Double(x.shape[axis]) * scale
        try expect(exact >= 1 && exact <= 65536, "\(x.shape) times \(scales) is no size")
        // Factors are single precision: 49 · (1/7) is 7.
        let output = abs(exact - exact.rounded()) < 1e-3 ? Int(exact.rounded()) : Int(exact)
        sides[axis] = ResizedSide(input: x.shape[axis], output: output, scale: scale)
      }
    }
    try expect(
      sides[0].output == sides[0].input && sides[1].output == sides[1].input,
      "expected factors 1 for images and channels, found sizes \(sides.map(\.output))")
    return (sides[2], sides[3])
  }
}

/// One side of an image before and after.
private struct ResizedSide {
  let input: Int, output: Int
  let scale: Double

  /// The factor is the quotient of the sizes.
  var isExact: Bool { abs(Double(input) * scale - Double(output)) < 1e-3 }
  var isWhole: Bool { output % input == 0 }
}

/// Where the pixels of a resized side come from: ONNX's Resize, "coordinate_transformation_mode" and "mode".
private struct ResizeRule {
  let coordinates: String, rounding: String
  /// a of the cubic kernel (Keys 1981).
  let coefficient: Double

  private func source(_ index: Int, _ side: ResizedSide) -> Double {
    let place = Double(index)
    switch coordinates {
    case "align_corners": return side.output > 1 ? place * Double(side.input - 1) / Double(side.output - 1) : 0
    case "asymmetric": return place / side.scale
    case "tf_half_pixel_for_nn": return (place + 0.5) / side.scale
    case "pytorch_half_pixel": return side.output > 1 ? (place + 0.5) / side.scale - 0.5 : 0
    default: return (place + 0.5) / side.scale - 0.5
    }
  }

  func nearest(_ side: ResizedSide) -> [Int32] {
    (0..<side.output).map { index in
      let place = source(index, side)
      let whole =
        switch rounding {
        case "floor": place.rounded(.down)
        case "ceil": place.rounded(.up)
        case "round_prefer_ceil": (place + 0.5).rounded(.down)
        default: (place - 0.5).rounded(.up)
        }
      return Int32(min(max(Int(whole), 0), side.input - 1))
    }
  }

  /// The weights of a result's pixels, output×input; pixels beyond an edge are those at the edge.
  func matrix(_ side: ResizedSide, isCubic: Bool) -> Tensor {
    var values = [Float](repeating: 0, count: side.output * side.input)
    for index in 0..<side.output {
      let place = source(index, side)
      let inside = isCubic ? place : min(max(place, 0), Double(side.input - 1))
      let first = Int(inside.rounded(.down)), t = inside - inside.rounded(.down)
      let taps =
        isCubic
        ? [cubic(1 + t), cubic(t), cubic(1 - t), cubic(2 - t)].enumerated().map { (first - 1 + $0, $1) }
        : [(first, 1 - t), (first + 1, t)]
      for (place, weight) in taps {
        values[index * side.input + min(max(place, 0), side.input - 1)] += Float(weight)
      }
    }
    return Tensor([side.output, side.input], values)
  }

  private func cubic(_ x: Double) -> Double {
    let a = coefficient
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
