import SegKernels

/// One node with the values that go in. Everything is checked here that the package's operations would trap at.
struct ONNXCall {
  let node: ONNXNode
  let inputs: [ONNXValue?]
  let opset: Int

  func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw ONNXProblem(message()) }
  }

  // MARK: Inputs and attributes

  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  func tensor(_ index: Int) throws -> Tensor {
    guard index < inputs.count, let value = inputs[index] else { throw ONNXProblem("input \(index) is missing") }
    switch value {
    case .tensor(let tensor): return tensor
    case .integers(let shape, let numbers): return Tensor(Shape(shape), numbers.map { Float($0) })
    }
  }

  func integers(_ index: Int) throws -> [Int] {
    guard index < inputs.count, case .integers(_, let values)? = inputs[index] else {
      throw ONNXProblem("input \(index): expected whole numbers that are known")
    }
    return values
  }

  /// The elements of a tensor that is known.
  func reals(_ index: Int) throws -> [Float] {
    let x = try tensor(index)
    try expect(x.hasData, "input \(index): expected a tensor that is known")
    return x.scalars
  }

  func integer(_ name: String, _ other: Int) -> Int {
    if case .integer(let value)? = node.attributes[name] { value } else { other }
  }

  func integers(_ name: String) -> [Int]? {
    if case .integers(let values)? = node.attributes[name] { values } else { nil }
  }

  func reals(_ name: String) -> [Float]? {
    if case .reals(let values)? = node.attributes[name] { values } else { nil }
  }

  func real(_ name: String, _ other: Float) -> Float {
    if case .real(let value)? = node.attributes[name] { value } else { other }
  }

  func text(_ name: String, _ other: String) -> String {
    if case .text(let value)? = node.attributes[name] { value } else { other }
  }

  /// Axes or the like: an attribute in older opsets, an input in newer ones.
  func numbers(_ name: String, orInput index: Int) throws -> [Int]? {
    has(index) ? try integers(index) : integers(name)
  }

  func axis(_ axis: Int, _ rank: Int) throws -> Int {
    try expect(axis >= -rank && axis < rank, "axis \(axis) is outside \(rank) axes")
    return axis < 0 ? axis + rank : axis
  }

  func image(_ index: Int = 0) throws -> Tensor {
    let x = try tensor(index)
    try expect(x.rank == 4 && x.count > 0, "expected N×C×H×W, found shape \(x.shape)")
    return x
  }

  func pair(_ name: String, _ other: Int) throws -> Pair {
    let values = integers(name) ?? [other, other]
    try expect(values.count == 2 && values.allSatisfy { (0...1 << 20).contains($0) }, "\(name): found \(values)")
    return Pair(height: values[0], width: values[1])
  }

  // MARK: Windows

  struct Sliding {
    var x: Tensor
    let kernel: Pair, stride: Pair, dilation: Pair
    var padding: Pair
  }

  /// Kernel, steps and padding; padding that differs between two sides is added to the image.
  func sliding(_ x: Tensor, kernel: Pair, filler: Float) throws -> Sliding {
    let stride = try pair("strides", 1), dilation = try pair("dilations", 1)
    try expect(
      min(stride.height, stride.width, dilation.height, dilation.width, kernel.height, kernel.width) > 0,
      "kernel \(kernel), strides \(stride) and dilations \(dilation) must be positive")
    var pads = integers("pads") ?? [0, 0, 0, 0]
    func same(_ extent: Int, _ k: Int, _ s: Int, _ d: Int) -> (Int, Int) {
      let total = max(((extent + s - 1) / s - 1) * s + d * (k - 1) + 1 - extent, 0)
      return text("auto_pad", "") == "SAME_LOWER" ? (total - total / 2, total / 2) : (total / 2, total - total / 2)
    }
    if text("auto_pad", "NOTSET").hasPrefix("SAME") {
      let rows = same(x.shape[2], kernel.height, stride.height, dilation.height)
      let columns = same(x.shape[3], kernel.width, stride.width, dilation.width)
      pads = [rows.0, columns.0, rows.1, columns.1]
    }
    try expect(pads.count == 4 && pads.allSatisfy { (0...1 << 16).contains($0) }, "pads: found \(pads)")
    let height = x.shape[2] + pads[0] + pads[2], width = x.shape[3] + pads[1] + pads[3]
    try expect(
      height > dilation.height * (kernel.height - 1) && width > dilation.width * (kernel.width - 1),
      "kernel \(kernel) with pads \(pads) does not fit shape \(x.shape)")
    if pads[0] == pads[2], pads[1] == pads[3] {
      return Sliding(
        x: x, kernel: kernel, stride: stride, dilation: dilation, padding: Pair(height: pads[0], width: pads[1]))
    }
    let padded = x.padded(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3], with: .constant(filler))
    return Sliding(x: padded, kernel: kernel, stride: stride, dilation: dilation, padding: 0)
  }

  func convolution() throws -> Tensor {
    let x = try image(), weight = try image(1), groups = integer("group", 1), bias = has(2) ? try tensor(2) : nil
    try expect(
      groups > 0 && x.shape[1] % groups == 0 && weight.shape[0] % groups == 0 && weight.shape[1] == x.shape[1] / groups
        && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
      "a weight of shape \(weight.shape) in \(groups) groups does not fit shape \(x.shape)")
    let s = try sliding(x, kernel: Pair(height: weight.shape[2], width: weight.shape[3]), filler: 0)
    return conv2d(
      s.x, weight: weight, bias: bias, stride: s.stride, padding: s.padding, dilation: s.dilation, groups: groups)
  }

  func transposedConvolution() throws -> Tensor {
    let x = try image(), weight = try image(1), groups = integer("group", 1), bias = has(2) ? try tensor(2) : nil
    let stride = try pair("strides", 1), dilation = try pair("dilations", 1), extra = try pair("output_padding", 0)
    let pads = integers("pads") ?? [0, 0, 0, 0]
    try expect(
      groups > 0 && groups <= x.shape[1] && x.shape[1] % groups == 0 && weight.shape[0] == x.shape[1]
        && (bias.map { $0.shape == [weight.shape[1] * groups] } ?? true),
      "a weight of shape \(weight.shape) in \(groups) groups does not fit shape \(x.shape)")
    try expect(
      min(stride.height, stride.width, dilation.height, dilation.width) > 0
        && extra.height < max(stride.height, dilation.height) && extra.width < max(stride.width, dilation.width),
      "strides \(stride) and dilations \(dilation) must be positive, output padding \(extra) less than these")
    try expect(
      pads.count == 4 && pads.allSatisfy { (0...1 << 16).contains($0) } && integers("output_shape") == nil
        && text("auto_pad", "NOTSET") == "NOTSET", "pads \(pads), output_shape or auto_pad: expected pads alone")
    func extent(_ axis: Int, _ stride: Int, _ dilation: Int, _ extra: Int) -> Int {
      (x.shape[axis] - 1) * stride + dilation * (weight.shape[axis] - 1) + 1 + extra
    }
    let whole = Pair(
      height: extent(2, stride.height, dilation.height, extra.height),
      width: extent(3, stride.width, dilation.width, extra.width))
    try expect(
      pads[0] + pads[2] < whole.height && pads[1] + pads[3] < whole.width, "pads \(pads) leave nothing of \(whole)")
    _ = try elementCount([x.shape[0], weight.shape[1] * groups, whole.height, whole.width], "result")
    let isEven = pads[0] == pads[2] && pads[1] == pads[3]
    let y = transposedConv2d(
      x, weight: weight, bias: bias, stride: stride, padding: isEven ? Pair(height: pads[0], width: pads[1]) : 0,
      outputPadding: extra, dilation: dilation, groups: groups)
    if isEven { return y }
    return y.slice(axis: 2, pads[0]..<(whole.height - pads[2])).slice(axis: 3, pads[1]..<(whole.width - pads[3]))
  }

  func pool() throws -> Tensor {
    let x = try image(), kernel = try pair("kernel_shape", 0), isMaximum = node.kind == "MaxPool"
    let isCeiling = integer("ceil_mode", 0) != 0
    let s = try sliding(x, kernel: kernel, filler: isMaximum ? -.infinity : 0)
    try expect(
      2 * s.padding.height <= kernel.height && 2 * s.padding.width <= kernel.width,
      "padding \(s.padding) is more than half of kernel \(kernel)")
    if isMaximum {
      return maxPool2d(
        s.x, kernel: kernel, stride: s.stride, padding: s.padding, dilation: s.dilation, ceilMode: isCeiling)
    }
    let countsPadding = integer("count_include_pad", 0) != 0
    func divides(_ extent: Int, _ k: Int, _ s: Int, _ p: Int) -> Bool { (extent + 2 * p - k) % s == 0 }
    try expect(
      s.dilation == 1 && (s.x.shape == x.shape || countsPadding)
        && (!isCeiling
          || divides(x.shape[2], kernel.height, s.stride.height, s.padding.height)
            && divides(x.shape[3], kernel.width, s.stride.width, s.padding.width)),
      "average pooling with dilation, uneven pads left out or windows over the edge is not supported")
    return averagePool2d(
      s.x, kernel: kernel, stride: s.stride, padding: s.padding, countIncludesPadding: countsPadding)
  }
}
