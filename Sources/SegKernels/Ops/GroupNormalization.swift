import CSegKernels

/// Normalisation of each image's channels in groups (Wu and He 2018): y = weight · (x − mean) / √(variance + ε) + bias,
/// mean and (biased) variance over the channels of a group and all pixels.
///
/// - Parameters:
///   - x: N×C×…
///   - groups: divides C.
///   - weight: one number a channel.
///   - bias: one number a channel.
///   - epsilon: ε, added to the variance.
public func groupNorm(_ x: Tensor, groups: Int, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
  check(x.rank >= 2, "groupNorm", "expected N×C×…, found shape \(x.shape)")
  let channels = x.shape[1]
  check(groups > 0 && channels % groups == 0, "groupNorm", "\(groups) groups do not divide the channels of \(x.shape)")
  check(
    weight.shape == [channels] && bias.shape == [channels], "groupNorm",
    "expected \(channels) weights and biases for shape \(x.shape), found \(weight.shape) and \(bias.shape)")
  let run = channels / groups * x.shape[2...].reduce(1, *)
  let normalized = apply(StandardizeOperation(name: "groupNorm", run: run, epsilon: epsilon), to: x)
  let affine = Shape([1, channels] + [Int](repeating: 1, count: x.rank - 2))
  return normalized * weight.reshaped(affine) + bias.reshaped(affine)
}

/// Normalisation over the last axes (Ba et al. 2016): y = weight · (x − mean) / √(variance + ε) + bias.
///
/// - Parameters:
///   - x: of any shape whose last axes are those of the weight.
///   - weight: of the shape of the axes that are normalised over.
///   - bias: of the same shape.
///   - epsilon: ε, added to the variance.
public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
  check(
    weight.shape == bias.shape && x.rank >= weight.rank && Array(x.shape.suffix(weight.rank)) == Array(weight.shape),
    "layerNorm", "weight \(weight.shape) and bias \(bias.shape) are not the last axes of shape \(x.shape)")
  return apply(StandardizeOperation(name: "layerNorm", run: weight.count, epsilon: epsilon), to: x) * weight + bias
}

/// Every run of neighbouring elements brought to mean 0 and variance 1: y = (x − mean) / √(variance + ε).
struct StandardizeOperation: TensorOperation {
  let name: String
  let run: Int
  let epsilon: Float

  var attributes: [(name: String, value: Attribute)] { [("run", .integer(run)), ("epsilon", .real(epsilon))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(
      run > 0 && inputs[0].elementCount % run == 0, name, "shape \(inputs[0]) is not made of runs of \(run) elements")
    return inputs
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 7 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], kernels = kernels
    if context.isRecording { context.saved = [x] }
    return [
      Tensor(uninitialized: x.shape) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(x.count / run) { index in
          let (mean, scale) = statistics(p + index * run, kernels)
          kernels.normalize(p + index * run, Float(mean), Float(scale), 0, y + index * run, run)
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let x = context.saved[0], dy = gradients[0]!.rowMajor(), kernels = kernels
    return [
      Tensor(uninitialized: x.shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let (p, d) = (x.pointer(for: name), dy.pointer(for: name))
        parallelFor(x.count / run) { index in
          let start = index * run
          let (mean, scale) = statistics(p + start, kernels)
          let total = kernels.sum(d + start, run), product = kernels.centredDot(p + start, mean, d + start, run)
          // dx = scale · (dy − mean(dy) − (x − mean) · scale² · mean(dy · (x − mean)))
          let scaleX = -scale * scale * scale * product / Double(run), shift = -scale * total / Double(run)
          kernels.normalizeGradient(
            p + start, d + start, Float(mean), Float(scale), Float(scaleX), Float(shift), dx + start, run)
        }
        withExtendedLifetime((x, dy)) {}
      }
    ]
  }

  private func statistics(_ x: UnsafePointer<Float>, _ kernels: SKKernels) -> (mean: Double, scale: Double) {
    let mean = kernels.sum(x, run) / Double(run)
    let variance = kernels.sumOfSquaredDeviations(x, mean, run) / Double(run)
    return (mean, 1 / (variance + Double(epsilon)).squareRoot())
  }
}
