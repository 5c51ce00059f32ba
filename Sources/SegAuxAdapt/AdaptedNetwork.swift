import SegImages
import SegKernels

/// A network that learns while it runs, and can go back to where it began.
final class AdaptedNetwork {
  let network: any UnaryModule
  private let optimizer: any Optimizer
  private let start: [Tensor]

  /// - Parameter isTraining: whether batch norms normalise by each frame.
  init(_ network: any UnaryModule, _ optimizer: any Optimizer, isTraining: Bool) {
    self.network = network
    self.optimizer = optimizer
    network.setTraining(isTraining)
    // Copies that share memory until the first step writes the parameters.
    start = network.parameters.map { $0.value.detached() }
  }

  /// The loss of `forward` and its gradients; nothing moves yet.
  func gradients(_ forward: (any UnaryModule) -> Tensor) -> (loss: Float, gradients: Gradients) {
    func record(_ network: some UnaryModule) -> (Float, Gradients) {
      let (loss, gradients) = valueAndGradient(of: network) { forward($0) }
      return (loss.scalar, gradients)
    }
    return record(network)
  }

  /// One step of the optimizer.
  func step(_ gradients: Gradients) { optimizer.update(network, with: gradients) }

  /// Back to the parameters and statistics of the start, with an optimizer that remembers nothing.
  func restart() {
    for (parameter, value) in zip(network.parameters, start) { parameter.value = value }
    optimizer.state = [:]
  }
}

/// A frame as networks take it: normalised, and mirrored at its lower and right edge up to what they divide it by.
struct PreparedFrame {
  /// 1×3×H'×W'.
  let x: Tensor
  /// Rows and columns of the frame itself.
  let size: Pair

  init(_ image: Image, _ normalization: ImageNormalization, divisor: Int) {
    size = Pair(height: image.height, width: image.width)
    func padded(_ x: Tensor, axis: Int) -> Tensor {
      let extent = x.shape[axis], missing = max((extent + divisor - 1) / divisor, 2) * divisor - extent
      return x.padded(axis: axis, before: 0, after: missing, with: missing < extent ? .reflect : .constant(0))
    }
    x = padded(padded(Tensor(image, normalization: normalization), axis: 2), axis: 3)
  }

  /// The likeliest class of every pixel of the frame, H×W, from logits of the padded one.
  func labels(_ logits: Tensor) -> Labels {
    argmax(
      logits, resizedTo: Pair(height: x.shape[2], width: x.shape[3]), rows: 0..<size.height, columns: 0..<size.width
    ).reshaped([size.height, size.width])
  }

  /// The likeliest class at the logits' own places, 1×h×w; `ignored` where they lie outside the frame.
  func pseudoLabels(_ logits: Tensor, ignored: Int32) -> Labels {
    var labels = argmax(logits)
    let (height, width) = (logits.shape[2], logits.shape[3])
    let rows = (size.height * height + x.shape[2] - 1) / x.shape[2]
    let columns = (size.width * width + x.shape[3] - 1) / x.shape[3]
    guard rows < height || columns < width else { return labels }
    labels.withUnsafeMutableBufferPointer { labels in
      for place in labels.indices where place / width >= rows || place % width >= columns { labels[place] = ignored }
    }
    return labels
  }
}

extension Tensor {
  /// Whether every element is a number.
  var isFinite: Bool { sum().scalar.isFinite }
}

extension Gradients {
  /// Whether every gradient is a number.
  var isFinite: Bool { norm.isFinite }
}
