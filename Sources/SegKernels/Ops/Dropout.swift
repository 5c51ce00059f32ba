/// Sets each element to 0 with probability `rate` and divides the others by 1 − rate, so that the mean stays.
///
/// - Parameter random: the source of the mask; one number is drawn from it.
public func dropout(_ x: Tensor, rate: Float, using random: inout RandomSource) -> Tensor {
  apply(DropoutOperation(rate: rate, seed: random.next()), to: x)
}

/// Backward draws the mask again from the seed instead of keeping it.
struct DropoutOperation: TensorOperation {
  let rate: Float
  let seed: UInt64

  let name = "dropout"
  var attributes: [(name: String, value: Attribute)] { [("rate", .real(rate))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(rate >= 0 && rate < 1, name, "the rate must lie in 0..<1, found \(rate)")
    return inputs
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] { [masked(inputs[0])] }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { [masked(gradients[0]!.rowMajor())] }

  private func masked(_ x: Tensor) -> Tensor {
    let scale = 1 / (1 - rate), grain = 1 << 14
    return Tensor(uninitialized: x.shape) { y in
      guard let y = y.baseAddress else { return }
      let p = x.pointer(for: name)
      parallelRuns(x.count, grain: grain) { run in
        var random = RandomSource(seed: seed).stream(run.lowerBound / grain)
        for i in run { y[i] = random.nextUniform() < rate ? 0 : p[i] * scale }
      }
      withExtendedLifetime(x) {}
    }
  }
}
