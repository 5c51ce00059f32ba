import CSegKernels

extension Tensor {
  /// Each element, or the bound that it lies beyond. The gradient passes where an element lies within, bounds included.
  public func clamped(to range: ClosedRange<Float>) -> Tensor { apply(ClampOperation(range: range), to: self) }
}

/// Elements of `a` where the condition is not 0, of `b` elsewhere, with broadcasting; the condition has no gradient.
public func select(_ condition: Tensor, _ a: Tensor, else b: Tensor) -> Tensor {
  guard let shape = condition.shape.broadcast(with: a.shape).flatMap({ $0.broadcast(with: b.shape) }) else {
    misuse("select", "shapes \(condition.shape), \(a.shape) and \(b.shape) do not broadcast")
  }
  return apply(SelectOperation(), to: [condition, a, b].map { $0.shape == shape ? $0 : $0.broadcast(to: shape) })[0]
}

/// y = min(max(x, low), high).
struct ClampOperation: TensorOperation {
  let range: ClosedRange<Float>

  let name = "clamp"
  var attributes: [(name: String, value: Attribute)] {
    [("low", .real(range.lowerBound)), ("high", .real(range.upperBound))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let x = inputs[0], (low, high) = (range.lowerBound, range.upperBound), kernels = kernels
    return [
      Tensor(uninitialized: x.shape) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelRuns(x.count) { kernels.clamp(p + $0.lowerBound, low, high, y + $0.lowerBound, $0.count) }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let x = context.saved[0], dy = gradients[0]!.rowMajor(), kernels = kernels
    let (low, high) = (range.lowerBound, range.upperBound)
    return [
      Tensor(uninitialized: x.shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let (p, d) = (x.pointer(for: name), dy.pointer(for: name))
        parallelRuns(x.count) {
          kernels.clampGradient(p + $0.lowerBound, d + $0.lowerBound, low, high, dx + $0.lowerBound, $0.count)
        }
        withExtendedLifetime((x, dy)) {}
      }
    ]
  }
}

/// y = condition ? a : b, for three tensors of one shape.
struct SelectOperation: TensorOperation {
  let name = "select"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(inputs.allSatisfy { $0 == inputs[0] }, name, "expected one shape, found \(inputs)")
    return [inputs[0]]
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = [inputs[0]] }
    return [chosen(inputs[0], inputs[1], inputs[2])]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let d = gradients[0]!.rowMajor(), zero = Tensor.zeros(d.shape)
    return [nil, chosen(context.saved[0], d, zero), chosen(context.saved[0], zero, d)]
  }

  private func chosen(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor(uninitialized: condition.shape) { y in
      guard let y = y.baseAddress else { return }
      let (c, a, b) = (condition.pointer(for: name), a.pointer(for: name), b.pointer(for: name))
      parallelRuns(condition.count) { for i in $0 { y[i] = c[i] != 0 ? a[i] : b[i] } }
    }
  }
}
