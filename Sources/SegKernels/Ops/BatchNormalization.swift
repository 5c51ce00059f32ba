import CSegKernels

/// Batch normalisation by given statistics, and what follows it: the form of evaluation.
///
/// y = weight · (x − mean) / √(variance + ε) + bias; then y + addend, if there is one; then max(0, y), if `rectified`. The
/// statistics get no gradient.
public func batchNorm(
  _ x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float = 1e-5,
  adding addend: Tensor? = nil, rectified: Bool = false
) -> Tensor {
  // Gradients want one pass over memory. In a graph the norm goes into the convolution before it.
  if Recorder.current is Tape {
    let operation = BatchNormTrainingOperation(epsilon: epsilon, rectifies: rectified, isFrozen: true)
    return apply(operation, to: [x, weight, bias, mean, variance] + (addend.map { [$0] } ?? []))[0]
  }
  var y = apply(BatchNormOperation(epsilon: epsilon), to: [x, weight, bias, mean, variance])[0]
  if let addend { y = y + addend }
  return rectified ? relu(y) : y
}

/// Normalisation by statistics that are inputs, without a gradient.
struct BatchNormOperation: TensorOperation {
  let epsilon: Float

  var name: String { "batchNorm" }
  var attributes: [(name: String, value: Attribute)] { [("epsilon", .real(epsilon))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    checkBatchNormShapes(inputs[0], inputs[1...], for: name)
    return [inputs[0]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 2 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (x, weight, bias, mean, variance) = (inputs[0], inputs[1], inputs[2], inputs[3], inputs[4])
    let (channels, area) = (x.shape[1], x.shape[2...].reduce(1, *))
    let scale = weight / (variance + epsilon).sqrt()
    let kernels = kernels
    let y = Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress else { return }
      let p = x.pointer(for: name)
      let (m, s, b) = (mean.pointer(for: name), scale.pointer(for: name), bias.pointer(for: name))
      parallelFor(x.shape[0] * channels) { plane in
        let c = plane % channels, start = plane * area
        kernels.normalize(p + start, m[c], s[c], b[c], y + start, area)
      }
      withExtendedLifetime((x, mean, scale, bias)) {}
    }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    misuse(name, "has no gradient where it was applied outside of a tape")
  }
}

/// Traps unless each parameter has a number a channel of N×C×….
func checkBatchNormShapes(_ x: Shape, _ parameters: ArraySlice<Shape>, for operation: String) {
  check(x.rank >= 2, operation, "expected N×C×…, found shape \(x)")
  for shape in parameters {
    check(
      shape == [x[1]], operation, "expected \(x[1]) numbers a parameter for images of shape \(x), found \(shape)")
  }
}
