import CSegKernels

/// Sets each element to 0 with probability `rate` and divides the others by 1 − rate, so that the mean stays.
///
/// - Parameter random: the source of the mask; one number is drawn from it.
public func dropout(_ x: Tensor, rate: Float, using random: inout RandomSource) -> Tensor {
  apply(DropoutOperation(rate: rate, seed: random.next(), dropsChannels: false), to: x)
}

/// Dropout of whole channels N×C×…: neighbouring pixels say much the same, so dropping single ones hides little.
public func dropout2d(_ x: Tensor, rate: Float, using random: inout RandomSource) -> Tensor {
  apply(DropoutOperation(rate: rate, seed: random.next(), dropsChannels: true), to: x)
}

/// Backward draws the mask again from the seed instead of keeping it.
struct DropoutOperation: TensorOperation {
  let rate: Float
  let seed: UInt64
  /// Whether the elements of a channel share their fate.
  let dropsChannels: Bool

  var name: String { dropsChannels ? "dropout2d" : "dropout" }
  var attributes: [(name: String, value: Attribute)] { [("rate", .real(rate))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(rate >= 0 && rate < 1, name, "the rate must lie in 0..<1, found \(rate)")
    check(!dropsChannels || inputs[0].rank >= 2, name, "expected N×C×…, found shape \(inputs[0])")
    return inputs
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] { [masked(inputs[0])] }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { [masked(gradients[0]!.rowMajor())] }

  private func masked(_ x: Tensor) -> Tensor {
    let scale = 1 / (1 - rate), kernels = kernels
    // How many elements take one stream of the seed.
    let grain = dropsChannels ? x.shape[2...].reduce(1, *) : 1 << 14
    // A uniform number k / 2²⁴ is below the rate where k is below this.
    let limit = UInt32((Double(rate) * 16_777_216).rounded(.up))
    return Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress, x.count > 0 else { return }
      let p = x.pointer(for: name)
      parallelRuns(x.count, grain: grain) { run in
        var random = RandomSource(seed: seed).stream(run.lowerBound / grain)
        let (source, target) = (p + run.lowerBound, y + run.lowerBound)
        if dropsChannels {
          kernels.scale(source, random.nextUniform() < rate ? 0 : scale, target, run.count)
        } else {
          kernels.dropout(source, random.state, limit, scale, target, run.count)
        }
      }
      withExtendedLifetime(x) {}
    }
  }
}
