import CSegKernels

extension Tensor {
  /// The sum over the given axes, all of them by default; accumulated in double precision.
  ///
  /// - Parameters:
  ///   - axes: negative axes count from the end.
  ///   - keepDimensions: leave the summed axes in place with extent 1.
  public func sum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    apply(ReductionOperation(kind: .sum, axes: axes, keepDimensions: keepDimensions), to: self)
  }

  /// The mean over the given axes, all of them by default.
  public func mean(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    let count = resolvedAxes(axes, in: shape, "mean").reduce(1) { $0 * shape[$1] }
    return sum(axes: axes, keepDimensions: keepDimensions) * (1 / Float(count))
  }

  /// The maximum over the given axes, all of them by default. Equal maxima share the gradient evenly.
  public func maximum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    apply(ReductionOperation(kind: .maximum, axes: axes, keepDimensions: keepDimensions), to: self)
  }

  /// The minimum over the given axes, all of them by default. Equal minima share the gradient evenly.
  public func minimum(axes: [Int] = [], keepDimensions: Bool = false) -> Tensor {
    -(-self).maximum(axes: axes, keepDimensions: keepDimensions)
  }
}

/// The axes as sorted numbers from 0 up; all of them for an empty list.
private func resolvedAxes(_ axes: [Int], in shape: Shape, _ operation: String) -> [Int] {
  axes.isEmpty ? Array(shape.indices) : Set(axes.map { shape.axis($0, for: operation) }).sorted()
}

/// y = Σ x, or max x, over some axes.
struct ReductionOperation: TensorOperation {
  enum Kind: String {
    case sum, maximum
  }

  let kind: Kind
  let axes: [Int]
  let keepDimensions: Bool

  var name: String { kind.rawValue }
  var attributes: [(name: String, value: Attribute)] {
    [("axes", .integers(axes)), ("keepDimensions", .flag(keepDimensions))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let axes = resolvedAxes(axes, in: inputs[0], name)
    check(
      kind == .sum || axes.allSatisfy { inputs[0][$0] > 0 }, name,
      "shape \(inputs[0]) has no elements along axes \(axes)")
    return [reduced(inputs[0], keepDimensions: keepDimensions)]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[0].elementCount }

  /// Whether this is the sum over each plane of images N×C×H×W, as images of one pixel.
  func sumsImages(of shape: Shape) -> Bool {
    kind == .sum && keepDimensions && shape.rank == 4 && resolvedAxes(axes, in: shape, name) == [2, 3]
  }

  /// Reduces axes from the last to the first, neighbouring ones together: each step sees `outer` blocks of
  /// `extent` rows of `inner` floats and leaves one row of each block.
  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0]
    var y = x
    var remaining = resolvedAxes(axes, in: x.shape, name)
    while let last = remaining.popLast() {
      var first = last
      while remaining.last == first - 1 { first = remaining.removeLast() }
      y = folded(y, axes: first...last)
    }
    y = y.viewed(as: outputShapes([x.shape])[0])
    if context.isRecording, kind == .maximum { context.saved = [x, y] }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0]
    let kept = reduced(shape, keepDimensions: true)
    let gradient = gradients[0]!.viewed(as: kept)
    guard kind == .maximum else { return [gradient.broadcast(to: shape)] }
    let x = context.saved[0]
    let best = context.saved[1].viewed(as: kept).broadcast(to: shape)
    let isBest = Tensor(uninitialized: shape) { mask in
      x.withUnsafeBufferPointer { x in
        best.withUnsafeBufferPointer { best in
          guard let x = x.baseAddress, let best = best.baseAddress, let mask = mask.baseAddress else { return }
          parallelRuns(shape.elementCount) { for i in $0 { mask[i] = x[i] == best[i] ? 1 : 0 } }
        }
      }
    }
    return [isBest * (gradient / isBest.sum(axes: axes, keepDimensions: true))]
  }

  /// The shape after the reduction.
  private func reduced(_ shape: Shape, keepDimensions: Bool) -> Shape {
    let axes = resolvedAxes(axes, in: shape, name)
    return Shape(shape.indices.compactMap { axes.contains($0) ? (keepDimensions ? 1 : nil) : shape[$0] })
  }

  private func folded(_ x: Tensor, axes: ClosedRange<Int>) -> Tensor {
    let outer = x.shape[..<axes.lowerBound].reduce(1, *)
    let extent = x.shape[axes].reduce(1, *)
    let inner = x.shape[(axes.upperBound + 1)...].reduce(1, *)
    let shape = axes.reduce(x.shape) { $0.replacing(axis: $1, with: 1) }
    return Tensor(uninitialized: shape) { y in
      guard let y = y.baseAddress, outer * inner > 0 else { return }
      let p = x.pointer(for: name)
      parallelRuns(outer, grain: max(1, (1 << 15) / max(extent * inner, 1))) {
        for block in $0 { fold(p + block * extent * inner, extent: extent, inner: inner, into: y + block * inner) }
      }
      withExtendedLifetime(x) {}
    }
  }

  private func fold(_ x: UnsafePointer<Float>, extent: Int, inner: Int, into y: UnsafeMutablePointer<Float>) {
    let kernels = kernels
    switch kind {
    case .sum where inner == 1: y[0] = Float(kernels.sum(x, extent))
    case .sum: sumRows(x, extent: extent, inner: inner, into: y)
    case .maximum where inner == 1: y[0] = kernels.maximum(x, extent)
    case .maximum:
      y.update(from: x, count: inner)
      for row in 1..<max(extent, 1) { kernels.maximumInto(x + row * inner, y, inner) }
    }
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
