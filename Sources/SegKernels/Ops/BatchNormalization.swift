import CSegKernels

/// Batch normalisation by the statistics of the batch itself: the form of training.
///
/// y = weight · (x − mean) / √(variance + ε) + bias, each channel by its own mean and (biased) variance over N, H, W.
///
/// - Returns: the result, and the statistics, which carry no gradient: the layer's running ones follow them.
public func batchNorm(
  _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5
) -> (result: Tensor, mean: Tensor, variance: Tensor) {
  let outputs = apply(BatchNormOperation(epsilon: epsilon, usesBatch: true), to: [x, weight, bias])
  return (outputs[0], outputs[1].detached(), outputs[2].detached())
}

/// Batch normalisation by given statistics: the form of evaluation.
///
/// y = weight · (x − mean) / √(variance + ε) + bias.
public func batchNorm(
  _ x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Float = 1e-5
) -> Tensor {
  apply(BatchNormOperation(epsilon: epsilon, usesBatch: false), to: [x, weight, bias, mean, variance])[0]
}

/// Both forms; statistics are accumulated in double precision, deviations from the mean in a second pass.
struct BatchNormOperation: TensorOperation {
  let epsilon: Float
  let usesBatch: Bool

  var name: String { "batchNorm" }
  var attributes: [(name: String, value: Attribute)] { [("epsilon", .real(epsilon)), ("usesBatch", .flag(usesBatch))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank >= 2, name, "expected N×C×…, found shape \(x)")
    for shape in inputs.dropFirst() {
      check(shape == [x[1]], name, "expected \(x[1]) numbers a parameter for images of shape \(x), found \(shape)")
    }
    guard usesBatch else { return [x] }
    let samples = x.elementCount / max(x[1], 1)
    check(samples > 1 || x.elementCount == 0, name, "training needs more than one value a channel, found shape \(x)")
    return [x, [x[1]], [x[1]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { (usesBatch ? 7 : 2) * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (x, weight, bias) = (inputs[0], inputs[1], inputs[2])
    let planes = Planes(x.shape)
    let (mean, variance) = usesBatch ? statistics(x, planes) : (inputs[3], inputs[4])
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
    return usesBatch ? [y, mean, variance] : [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let (x, weight, mean, variance) = (context.saved[0], context.saved[1], context.saved[2], context.saved[3])
    let planes = Planes(x.shape), kernels = kernels
    let statisticsGradients = [Tensor?](repeating: nil, count: usesBatch ? 0 : 2)
    guard let dy = gradients[0]?.rowMajor() else { return [nil, nil, nil] + statisticsGradients }
    let channels: Shape = [planes.channels]
    var sums = Tensor.zeros(channels), dots = Tensor.zeros(channels)
    let dx = Tensor(uninitialized: x.shape) { dx in
      guard let dx = dx.baseAddress else { return }
      let (p, d) = (x.pointer(for: name), dy.pointer(for: name))
      let (w, m, v) = (weight.pointer(for: name), mean.pointer(for: name), variance.pointer(for: name))
      let (sum, dot) = (sums.exclusivePointer(), dots.exclusivePointer())
      let samples = Double(planes.batch * planes.area)
      parallelFor(planes.channels) { c in
        var (total, product) = (0.0, 0.0)
        planes.forEachRun(c) {
          total += kernels.sum(d + $0, planes.area)
          product += kernels.centredDot(p + $0, Double(m[c]), d + $0, planes.area)
        }
        let inverse = 1 / (Double(v[c]) + Double(epsilon)).squareRoot()
        sum[c] = Float(total)
        dot[c] = Float(product * inverse)
        // dx = w/σ · (dy − mean(dy) − (x − mean)/σ² · mean(dy · (x − mean))); given statistics have no such terms.
        let scale = Double(w[c]) * inverse
        let scaleX = usesBatch ? -scale * inverse * inverse * product / samples : 0
        let shift = usesBatch ? -scale * total / samples : 0
        planes.forEachRun(c) {
          kernels.normalizeGradient(
            p + $0, d + $0, m[c], Float(scale), Float(scaleX), Float(shift), dx + $0, planes.area)
        }
      }
      withExtendedLifetime((x, dy, weight, mean, variance)) {}
    }
    return [dx, dots, sums] + statisticsGradients
  }

  private func statistics(_ x: Tensor, _ planes: Planes) -> (mean: Tensor, variance: Tensor) {
    let kernels = kernels
    var mean = Tensor.zeros([planes.channels]), variance = Tensor.zeros([planes.channels])
    let (m, v, p) = (mean.exclusivePointer(), variance.exclusivePointer(), x.pointer(for: name))
    let samples = Double(planes.batch * planes.area)
    parallelFor(planes.channels) { c in
      var (total, squares) = (0.0, 0.0)
      planes.forEachRun(c) { total += kernels.sum(p + $0, planes.area) }
      let average = total / samples
      planes.forEachRun(c) { squares += kernels.sumOfSquaredDeviations(p + $0, average, planes.area) }
      m[c] = Float(average)
      v[c] = Float(squares / samples)
    }
    withExtendedLifetime(x) {}
    return (mean, variance)
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
