/// Something that moves parameters against their gradients. Not Sendable: it belongs to one training loop.
public protocol Optimizer: AnyObject {
  /// The step size of the next update; schedules set it.
  var learningRate: Float { get set }

  /// Factors of the rate for parts of the network, by the beginning of their parameters' names; the longest that fits
  /// counts. A part with the factor 0 is frozen: nothing of it is touched.
  var rates: [String: Float] { get set }

  /// What the optimizer remembers, by name: saved with a checkpoint, and loaded from one.
  var state: [String: Tensor] { get set }

  /// Moves the trainable parameters of a module that have a gradient, in place.
  func update(_ module: any Module, with gradients: Gradients)
}

extension Optimizer {
  /// Calls `body` with each trainable parameter that has a gradient, and its rate.
  func forEachParameter(
    _ module: any Module, _ gradients: Gradients,
    _ body: (_ name: String, _ rate: Float, _ value: inout Tensor, _ gradient: Tensor) -> Void
  ) {
    for (name, parameter) in module.state where parameter.isTrainable {
      let part = rates.keys.filter { name.hasPrefix($0) }.max { $0.utf8.count < $1.utf8.count }
      let factor = part.map { rates[$0]! } ?? 1
      guard factor != 0, let gradient = gradients[parameter]?.rowMajor() else { continue }
      body(name, learningRate * factor, &parameter.value, gradient)
    }
  }
}
