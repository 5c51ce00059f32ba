import CSegKernels

/// Batch normalisation by given statistics: the form of evaluation.
///
/// y = weight · (x − mean) / √(variance + ε) + bias.
public func batchNorm(
  _ x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float = 1e-5
) -> Tensor {
  apply(BatchNormOperation(epsilon: epsilon), to: [x, weight, bias, mean, variance])[0]
}

/// Normalisation by statistics that are inputs.
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
    let planes = Planes(x.shape)
    let scale = weight / (variance + epsilon).sqrt()
    let kernels = kernels
    let y = Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress else { return }
      let p = x.pointer(for: name)
      let (m, s, b) = (mean.pointer(for: name), scale.pointer(for: name), bias.pointer(for: name))
      parallelFor(planes.batch * planes.channels) { plane in
        let c = plane % planes.channels, start = plane * planes.area
        kernels.normalize(p + start, m[c], s[c], b[c], y + start, planes.area)
      }
      withExtendedLifetime((x, mean, scale, bias)) {}
    }
    if context.isRecording { context.saved = [x, weight, mean, variance] }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let (x, weight, mean, variance) = (context.saved[0], context.saved[1], context.saved[2], context.saved[3])
    let planes = Planes(x.shape), kernels = kernels
    let dy = gradients[0]!
    let channels: Shape = [planes.channels]
    var sums = Tensor.zeros(channels), dots = Tensor.zeros(channels)
    let dx = Tensor(uninitialized: x.shape) { dx in
      guard let dx = dx.baseAddress else { return }
      let (p, d) = (x.pointer(for: name), dy.pointer(for: name))
      let (w, m, v) = (weight.pointer(for: name), mean.pointer(for: name), variance.pointer(for: name))
      let (sum, dot) = (sums.exclusivePointer(), dots.exclusivePointer())
      parallelFor(planes.channels) { c in
        var (total, product) = (0.0, 0.0)
        let inverse = 1 / (Double(v[c]) + Double(epsilon)).squareRoot()
        planes.forEachRun(c) {
          total += kernels.sum(d + $0, planes.area)
          product += kernels.centredDot(p + $0, Double(m[c]), d + $0, planes.area)
          kernels.scale(d + $0, Float(Double(w[c]) * inverse), dx + $0, planes.area)
        }
        sum[c] = Float(total)
        dot[c] = Float(product * inverse)
      }
      withExtendedLifetime((x, dy, weight, mean, variance)) {}
    }
    return [dx, dots, sums, nil, nil]
  }

  /// Where the runs of each channel lie.
  private struct Planes {
    let batch: Int, channels: Int, area: Int

    init(_ shape: Shape) {
      batch = shape[0]
      channels = shape[1]
      area = shape[2...].reduce(1, *)
    }

    func forEachRun(_ channel: Int, _ body: (Int) -> Void) {
      for n in 0..<batch { body((n * channels + channel) * area) }
    }
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
