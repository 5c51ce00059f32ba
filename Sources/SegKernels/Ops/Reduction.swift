import CSegKernels

extension Tensor {
  /// The sum over the given axes, all of them by default; accumulated in double precision.
  ///
  /// - Parameter keepDimensions: leave the summed axes in place with extent 1.
  public func sum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    apply(SumOperation(axes: axes, keepDimensions: keepDimensions), to: self)
  }

  /// The mean over the given axes, all of them by default.
  public func mean(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    let reduced = resolve(axes, in: shape, "mean").reduce(1) { $0 * shape[$1] }
    return sum(axes: axes, keepDimensions: keepDimensions) * (1 / Float(reduced))
  }

  /// The maximum over the given axes, all of them by default. Equal maxima share the gradient evenly.
  public func maximum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    apply(MaximumOperation(axes: axes, keepDimensions: keepDimensions), to: self)
  }

  /// The minimum over the given axes, all of them by default. Equal minima share the gradient evenly.
  public func minimum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    -(-self).maximum(axes: axes, keepDimensions: keepDimensions)
  }

  /// The value repeated along axes of extent 1 (and new leading ones) until it has `shape`.
  public func broadcast(to shape: Shape) -> Tensor { apply(BroadcastOperation(shape: shape), to: self) }
}

/// The axes as sorted numbers from 0 up; all of them for an empty list.
private func resolve(_ axes: [Int], in shape: Shape, _ operation: String) -> [Int] {
  axes.isEmpty ? Array(shape.indices) : Set(axes.map { shape.axis($0, for: operation) }).sorted()
}

/// The shape after reducing some axes.
private func reduced(_ shape: Shape, _ axes: [Int], keepDimensions: Bool) -> Shape {
  Shape(shape.indices.compactMap { axes.contains($0) ? (keepDimensions ? 1 : nil) : shape[$0] })
}

/// y = Σ x over some axes.
struct SumOperation: TensorOperation {
  let axes: [Int]
  let keepDimensions: Bool

  let name = "sum"
  var attributes: [(name: String, value: Attribute)] {
    [("axes", .integers(axes)), ("keepDimensions", .flag(keepDimensions))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    [reduced(inputs[0], resolve(axes, in: inputs[0], name), keepDimensions: keepDimensions)]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    let result = fold(x, over: resolve(axes, in: x.shape, name)) { source, extent, inner, target in
      let kernels = kernels
      if inner == 1 {
        target[0] = Float(kernels.sum(source, extent))
      } else {
        sumRows(source, extent: extent, inner: inner, into: target)
      }
    }
    return [result.viewed(as: outputShapes([x.shape])[0])]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0]
    let kept = reduced(shape, resolve(axes, in: shape, name), keepDimensions: true)
    return [gradients[0]!.viewed(as: kept).broadcast(to: shape)]
  }

  /// Adds `extent` rows of `inner` floats, in blocks whose running sums stay in the first cache.
  private func sumRows(_ x: UnsafePointer<Float>, extent: Int, inner: Int, into y: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 512) { total in
      for start in stride(from: 0, to: inner, by: 512) {
        let width = min(512, inner - start)
        for i in 0..<width { total[i] = 0 }
        for row in 0..<extent {
          let source = x + row * inner + start
          for i in 0..<width { total[i] += Double(source[i]) }
        }
        for i in 0..<width { y[start + i] = Float(total[i]) }
      }
    }
  }
}

/// y = max x over some axes.
struct MaximumOperation: TensorOperation {
  let axes: [Int]
  let keepDimensions: Bool

  let name = "maximum"
  var attributes: [(name: String, value: Attribute)] {
    [("axes", .integers(axes)), ("keepDimensions", .flag(keepDimensions))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let axes = resolve(axes, in: inputs[0], name)
    check(axes.allSatisfy { inputs[0][$0] > 0 }, name, "shape \(inputs[0]) has no elements along axes \(axes)")
    return [reduced(inputs[0], axes, keepDimensions: keepDimensions)]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    let result = fold(x, over: resolve(axes, in: x.shape, name)) { source, extent, inner, target in
      let kernels = kernels
      if inner == 1 {
        target[0] = kernels.maximum(source, extent)
      } else {
        target.update(from: source, count: inner)
        for row in 1..<max(extent, 1) { kernels.maximumInto(source + row * inner, target, inner) }
      }
    }
    let y = result.viewed(as: outputShapes([x.shape])[0])
    if context.isRecording { context.saved = [x, y] }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let (x, y) = (context.saved[0], context.saved[1])
    let axes = resolve(axes, in: x.shape, name)
    let kept = reduced(x.shape, axes, keepDimensions: true)
    let best = y.viewed(as: kept).broadcast(to: x.shape)
    let isBest = Tensor(uninitialized: x.shape) { mask in
      x.withUnsafeBufferPointer { x in
        best.withUnsafeBufferPointer { best in for i in mask.indices { mask[i] = x[i] == best[i] ? 1 : 0 } }
      }
    }
    let share = gradients[0]!.viewed(as: kept) / isBest.sum(axes: axes, keepDimensions: true)
    return [isBest * share]
  }
}

/// Reduces axes from the last to the first, neighbouring ones together: each step sees `outer` blocks of
/// `extent` rows of `inner` floats and leaves `outer` rows of `inner`.
private func fold(
  _ x: Tensor, over axes: [Int],
  _ step: (UnsafePointer<Float>, _ extent: Int, _ inner: Int, UnsafeMutablePointer<Float>) -> Void
) -> Tensor {
  var current = x
  var remaining = axes
  while let last = remaining.popLast() {
    var first = last
    while remaining.last == first - 1 { first = remaining.removeLast() }
    let outer = current.shape[..<first].reduce(1, *)
    let extent = current.shape[first...last].reduce(1, *)
    let inner = current.shape[(last + 1)...].reduce(1, *)
    let source = current
    current = Tensor(
      uninitialized: Shape(
        current.shape[..<first] + [Int](repeating: 1, count: last - first + 1) + current.shape[(last + 1)...])
    ) { y in
      guard let y = y.baseAddress, outer * inner > 0 else { return }
      let p = source.pointer(for: "reduction")
      parallelRuns(outer, grain: max(1, (1 << 15) / max(extent * inner, 1))) {
        for block in $0 { step(p + block * extent * inner, extent, inner, y + block * inner) }
      }
      withExtendedLifetime(source) {}
    }
  }
  return current
}

/// Repeats a value along axes of extent 1.
struct BroadcastOperation: TensorOperation {
  let shape: Shape

  let name = "broadcast"
  var attributes: [(name: String, value: Attribute)] { [("shape", .integers(shape.dimensions))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(inputs[0].broadcast(with: shape) == shape, name, "shape \(inputs[0]) does not broadcast to \(shape)")
    return [shape]
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    let plan = BroadcastPlan(x.shape, shape)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress, shape.elementCount > 0 else { return }
        let p = x.pointer(for: name)
        for run in 0..<plan.runs {
          let source = p + plan.offsets(run).a, target = y + run * plan.run
          if plan.strideA == 0 {
            target.update(repeating: source[0], count: plan.run)
          } else {
            target.update(from: source, count: plan.run)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [summed(gradients[0]!, to: context.inputShapes[0])]
  }
}
