import CSegKernels

/// Sets each element to 0 with probability `rate` and divides the others by 1 − rate, so that the mean stays.
///
/// - Parameters:
///   - x: of any shape.
///   - rate: the probability of a 0.
///   - random: the source of the mask; one number is drawn from it.
///   - first: the number of x's first sample where x is a part of a batch: it gets that part of the batch's mask.
public func dropout(_ x: Tensor, rate: Float, using random: inout RandomSource, firstSample first: Int = 0) -> Tensor {
  apply(DropoutOperation(rate: rate, seed: random.next(), dropsChannels: false, firstSample: first), to: x)
}

/// Dropout of whole channels N×C×…: neighbouring pixels say much the same, so dropping single ones hides little.
public func dropout2d(
  _ x: Tensor, rate: Float, using random: inout RandomSource, firstSample first: Int = 0
) -> Tensor {
  apply(DropoutOperation(rate: rate, seed: random.next(), dropsChannels: true, firstSample: first), to: x)
}

/// Backward draws the mask again from the seed instead of keeping it.
struct DropoutOperation: TensorOperation {
  let rate: Float
  let seed: UInt64
  /// Whether the elements of a channel share their fate.
  let dropsChannels: Bool
  /// Samples of the batch that come before x.
  let firstSample: Int

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
      // Streams belong to places in the whole batch, of which x begins at `first`.
      let first = firstSample * (x.count / x.shape[0])
      parallelFor((first + x.count - 1) / grain - first / grain + 1) { number in
        let stream = first / grain + number
        let start = max(first, stream * grain), end = min(first + x.count, (stream + 1) * grain)
        var random = RandomSource(seed: seed).stream(stream)
        let (source, target) = (p + start - first, y + start - first)
        if dropsChannels {
          kernels.scale(source, random.nextUniform() < rate ? 0 : scale, target, end - start)
        } else {
          random.skip(start - stream * grain)
          kernels.dropout(source, random.state, limit, scale, target, end - start)
        }
      }
      withExtendedLifetime(x) {}
    }
  }
}
