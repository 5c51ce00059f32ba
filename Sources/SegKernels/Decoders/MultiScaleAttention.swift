/// A head that says how far the prediction of one scale is to be trusted: N×1×H×W, logits.
///
/// 3×3, norm, ReLU, 3×3, norm, ReLU, 1×1, all without bias. Parameter names are the published `scale_attn`'s. Tao,
/// Sapra and Catanzaro, "Hierarchical Multi-Scale Attention for Semantic Segmentation", 2020.
public final class ScaleAttention: UnaryModule {
  private let layers: Sequential

  /// A head with zero weights.
  public init(inputChannels: Int, hidden: Int = 256) {
    func conv(_ input: Int, _ output: Int, kernel: Int) -> Conv2d {
      Conv2d(inputChannels: input, outputChannels: output, kernel: Pair(kernel), bias: false)
    }
    layers = Sequential([
      ("conv0", conv(inputChannels, hidden, kernel: 3)), ("bn0", BatchNorm2d(channels: hidden)), ("relu0", ReLU()),
      ("conv1", conv(hidden, hidden, kernel: 3)), ("bn1", BatchNorm2d(channels: hidden)), ("relu1", ReLU()),
      ("conv2", conv(hidden, 1, kernel: 1)),
    ])
  }

  public var parts: [Part] { layers.parts }

  public func callAsFunction(_ x: Tensor) -> Tensor { layers(x) }
}

/// The predictions of one image at several scales, merged from the largest scale to the smallest.
///
/// With p the logits of a scale and a their attention (after its sigmoid), both at that scale's image size, the running
/// prediction r, which begins as p of the largest scale, becomes
///
///     r ← a · p + (1 − a) · resize(r)               at scales of at least 1,
///     r ← up(a · p) + (1 − up(a)) · r               at smaller ones.
///
/// The attention of the largest scale is never asked for. Resizing is bilinear, without aligned corners and without
/// antialiasing. Tao, Sapra and Catanzaro 2020, equation 1, with the published code's order of resizing and weighting.
///
/// - Parameters:
///   - x: images N×C×H×W.
///   - scales: factors of the image's size; the scaled image has ⌊size · scale⌋ pixels.
///   - predict: the logits of images at the images' size, and a function that computes their attention.
/// - Returns: logits at the size of the smallest scale of at least 1, or of the largest scale where there is none.
public func mergedScales(
  _ x: Tensor, scales: [Float], _ predict: (Tensor) -> (logits: Tensor, attention: () -> Tensor)
) -> Tensor {
  check(!scales.isEmpty && scales.allSatisfy { $0 > 0 }, "mergedScales", "expected positive scales, found \(scales)")
  var running: Tensor?
  for scale in scales.sorted(by: >) {
    let size = Pair(height: Int(Float(x.shape[2]) * scale), width: Int(Float(x.shape[3]) * scale))
    check(size.height > 0 && size.width > 0, "mergedScales", "scale \(scale) leaves nothing of \(x.shape)")
    let (logits, attention) = predict(scale == 1 ? x : resize(x, to: size))
    guard let current = running else {
      running = logits
      continue
    }
    let a = attention()
    if scale >= 1 {
      running = a * logits + (1 - a) * resize(current, to: size)
    } else {
      let target = Pair(height: current.shape[2], width: current.shape[3])
      running = resize(a * logits, to: target) + (1 - resize(a, to: target)) * current
    }
  }
  return running!
}
