import Foundation
import SegFormats
import SegImages
import SegKernels

/// ESPNet (Mehta et al., 2018) with its published CamVid weights: a network that others trained and scored, to score
/// predictions on real frames. Written from the paper's figures; names are those of the checkpoint.
struct ESPNet {
  private let weights: [String: Tensor]

  init(checkpoint: URL) throws { weights = try readWeights(at: checkpoint).tensors }

  /// Logits of 12 outputs at the image's size, whose sides are multiples of 8.
  func callAsFunction(_ image: Image) -> Tensor {
    let x = Tensor(image, normalization: ESPNet.normalization).flipped(axis: 1)  // to BGR
    func reduced(_ x: Tensor) -> Tensor { averagePool2d(x, kernel: 3, stride: 2, padding: 1) }
    let half = activated(
      normalized(convolved(x, "encoder.level1.conv", stride: 2), "encoder.level1.bn"), "encoder.level1.act")
    let pyramid = activatedNorm(concatenate([half, reduced(x)], axis: 1), "encoder.b1")
    let (quarter, quarterRefined) = level(2, pyramid, blocks: 2)
    let middle = activatedNorm(concatenate([quarterRefined, quarter, reduced(reduced(x))], axis: 1), "encoder.b2")
    let (eighth, eighthRefined) = level(3, middle, blocks: 8)
    let deep = activatedNorm(concatenate([eighth, eighthRefined], axis: 1), "encoder.b3")

    let up3 = enlarged(normalized(convolved(deep, "encoder.classifier.conv"), "br"), "up_l3.0")
    let joined = activatedNorm(concatenate([convolved(middle, "level3_C.conv"), up3], axis: 1), "combine_l2_l3.0")
    let combined = activatedNorm(pyramidOfDilations(joined, "combine_l2_l3.1", stride: 1), "combine_l2_l3.1.bn")
    let up2 = activatedNorm(enlarged(combined, "up_l2.0"), "up_l2.1")
    let last = convolved(concatenate([up2, pyramid], axis: 1), "conv.conv")
    return enlarged(activated(normalized(last, "conv.bn"), "conv.act"), "classifier")
  }

  /// Statistics of the README of the weights, in BGR there; and another division by 255.
  private static let normalization = ImageNormalization(
    mean: [105.03319, 108.40886, 110.33103].map { $0 / 255 }, deviation: [69.90435, 72.69075, 72.12571])

  /// A level of the encoder: its first, strided block, and what the residual ones make of it.
  private func level(_ number: Int, _ x: Tensor, blocks: Int) -> (first: Tensor, last: Tensor) {
    let name = "encoder.level\(number)_0"
    let first = activated(normalized(pyramidOfDilations(x, name, stride: 2), name + ".bn"), name + ".act")
    let last = (0..<blocks).reduce(first) { x, index in
      let name = "encoder.level\(number).\(index)"
      return activatedNorm(x + pyramidOfDilations(x, name, stride: 1), name + ".bn")
    }
    return (first, last)
  }

  /// The efficient spatial pyramid: reduce, dilate by 1, 2, 4, 8 and 16, add up, concatenate.
  private func pyramidOfDilations(_ x: Tensor, _ name: String, stride: Int) -> Tensor {
    let reduced = convolved(x, name + ".c1.conv", stride: stride)
    var parts = [1, 2].map { convolved(reduced, name + ".d\($0).conv", dilation: $0) }
    for dilation in [4, 8, 16] {
      parts.append(parts.last! + convolved(reduced, name + ".d\(dilation).conv", dilation: dilation))
    }
    return concatenate(parts, axis: 1)
  }

  private func convolved(_ x: Tensor, _ name: String, stride: Int = 1, dilation: Int = 1) -> Tensor {
    let weight = weights[name + ".weight"]!
    return conv2d(
      x, weight: weight, stride: Pair(stride), padding: Pair(weight.shape[-1] / 2 * dilation), dilation: Pair(dilation))
  }

  private func enlarged(_ x: Tensor, _ name: String) -> Tensor {
    transposedConv2d(x, weight: weights[name + ".weight"]!, stride: 2)
  }

  private func normalized(_ x: Tensor, _ name: String) -> Tensor {
    batchNorm(
      x, weight: weights[name + ".weight"]!, bias: weights[name + ".bias"]!, mean: weights[name + ".running_mean"]!,
      variance: weights[name + ".running_var"]!, epsilon: 1e-3)
  }

  /// PReLU with a slope a channel.
  private func activated(_ x: Tensor, _ name: String) -> Tensor {
    let slope = weights[name + ".weight"]!
    return relu(x) - relu(-x) * slope.reshaped([1, slope.count, 1, 1])
  }

  private func activatedNorm(_ x: Tensor, _ name: String) -> Tensor {
    activated(normalized(x, name + ".bn"), name + ".act")
  }
}
