import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// Five training steps of a tiny network against PyTorch's: losses, parameters and running statistics.
final class TrainingFixtureTests: XCTestCase {
  private final class TinyNetwork: UnaryModule {
    let conv1 = Conv2d(inputChannels: 3, outputChannels: 8, kernel: 3, stride: 2, bias: false)
    let bn1 = BatchNorm2d(channels: 8)
    let conv2 = Conv2d(inputChannels: 8, outputChannels: 5, kernel: 3, bias: true)
    var parts: [Part] { [Part("conv1", conv1), Part("bn1", bn1), Part("conv2", conv2)] }
    func callAsFunction(_ x: Tensor) -> Tensor { conv2(relu(bn1(conv1(x)))) }
  }

  private struct Run: Decodable {
    let optimizer: String
    let rate: Float
    let weightDecay: Float
    let momentum: Float?
    let nesterov: Bool?
  }

  func testFiveSteps() throws {
    let arrays = try Fixtures.archive("training/training.safetensors")
    let runs = try Fixtures.json("training/training.json", as: [String: Run].self)
    // Adam with coupled weight decay is not ours.
    for (name, run) in runs where run.optimizer != "Adam" {
      let net = TinyNetwork()
      try net.load(
        Dictionary(
          uniqueKeysWithValues: net.state.compactMap { name, _ in
            arrays["initial/\(name)"].map { (name, $0.tensor) }
          }))
      net.setTraining(true)
      let optimizer: any Optimizer =
        run.optimizer == "SGD"
        ? SGD(learningRate: run.rate, momentum: run.momentum!, weightDecay: run.weightDecay, isNesterov: run.nesterov!)
        : AdamW(learningRate: run.rate, weightDecay: run.weightDecay)
      let losses = (0..<5).map { step -> Float in
        let images = arrays["batches/\(step)/images"]!.tensor, stored = arrays["batches/\(step)/labels"]!
        let labels = Labels(stored.shape, stored.tensor.scalars.map { Int32($0) })
        optimizer.learningRate = run.rate * Schedule.poly(power: 0.9).factor(step: step, of: 5)
        let (loss, gradients) = valueAndGradient(of: net) { crossEntropy($0(images), labels, ignoreIndex: 255) }
        if step == 0 {
          for (key, parameter) in net.state where parameter.role == .weight {
            assertClose(
              gradients[parameter]!, arrays["first_gradients/\(key)"]!.tensor, tolerance: 1e-5, "\(name) \(key)")
          }
        }
        optimizer.update(net, with: gradients)
        if step == 0 { compare(net, arrays, "\(name)/after1") }
        return loss.scalar
      }
      assertClose(Tensor([5], losses), arrays["\(name)/losses"]!.tensor, tolerance: 1e-5, name)
      compare(net, arrays, "\(name)/after5")
      net.setTraining(false)
      assertClose(net(arrays["batches/0/images"]!.tensor), arrays["\(name)/logits"]!.tensor, tolerance: 2e-5, name)
    }
  }

  private func compare(_ net: TinyNetwork, _ arrays: WeightArchive, _ prefix: String) {
    for (key, parameter) in net.state where parameter.role != .counter {
      assertClose(parameter.value, arrays["\(prefix)/\(key)"]!.tensor, tolerance: 2e-5, "\(prefix) \(key)")
    }
  }
}
