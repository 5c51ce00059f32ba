/// The small heads of published segmentation networks: 1×1 to a hidden width, norm, ReLU, 1×1 to the outputs.
///
/// - Parameters:
///   - inputChannels: those of the map.
///   - hidden: the width between the convolutions.
///   - outputs: those of the result.
///   - bias: whether the convolutions have biases.
///   - isNormNested: whether norm and ReLU are one step in the published numbering (`1.0`, then `2`), as where they
///     come from one function; otherwise they are two (`1`, then `3`).
public func pixelHead(
  inputChannels: Int, hidden: Int, outputs: Int, bias: Bool = true, isNormNested: Bool
) -> Sequential {
  let first = Conv2d(inputChannels: inputChannels, outputChannels: hidden, kernel: 1, bias: bias)
  let last = Conv2d(inputChannels: hidden, outputChannels: outputs, kernel: 1, bias: bias)
  return isNormNested
    ? Sequential([("0", first), ("1.0", BatchNorm2d(channels: hidden)), ("1.1", ReLU()), ("2", last)])
    : Sequential([("0", first), ("1", BatchNorm2d(channels: hidden)), ("2", ReLU()), ("3", last)])
}
