import SegKernels

/// Finds the brighter half of each picture: two convolutions, trained on pictures made up here, then compiled.
final class Edges: UnaryModule {
  private let features = Conv2d(inputChannels: 1, outputChannels: 8, kernel: 3, bias: true)
  private let classifier = Conv2d(inputChannels: 8, outputChannels: 2, kernel: 1, bias: true)

  init(seed: UInt64) { initialize(.kaimingFanOut, seed: seed) }

  var parts: [Part] { [Part("features", features), Part("classifier", classifier)] }

  func callAsFunction(_ x: Tensor) -> Tensor { classifier(relu(features(x))) }
}

@main
struct Core {
  static func main() {
    let network = Edges(seed: 1), optimizer = AdamW(learningRate: 0.02)
    var random = RandomSource(seed: 2)
    for step in 1...40 {
      let (images, labels) = pictures(8, &random)
      let (loss, gradients) = valueAndGradient(of: network) { crossEntropy($0(images), labels) }
      optimizer.update(network, with: gradients)
      if step.isMultiple(of: 20) { print("step \(step): loss \(loss.scalar)") }
    }

    // For inference a network is compiled once; sessions of one program may run in as many threads as one likes.
    network.setTraining(false)
    let (images, labels) = pictures(8, &random)
    let session = network.compiled(for: images.shape).makeSession()
    let found = argmax(session([images])[0])
    let right = zip(found.values, labels.values).count { $0 == $1 }
    print("right: \(100 * right / labels.count) % of the pixels")
  }

  /// Noise, brighter right of a column that differs from picture to picture: N×1×16×16, and which pixels those are.
  static func pictures(_ count: Int, _ random: inout RandomSource) -> (Tensor, Labels) {
    let noise = Tensor.normal([count, 1, 16, 16], using: &random)
    let middles = (0..<count).map { _ in Int.random(in: 4..<12, using: &random) }
    let labels = Labels([count, 16, 16], (0..<count * 256).map { $0 % 16 < middles[$0 / 256] ? 0 : 1 })
    return (noise * 0.3 + Tensor(noise.shape, labels.values.map(Float.init)), labels)
  }
}
