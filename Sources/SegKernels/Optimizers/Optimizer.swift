/// Something that moves parameters against their gradients. Not Sendable: it belongs to one training loop.
public protocol Optimizer: AnyObject {
  /// The step size of the next update; schedules set it.
  var learningRate: Float { get set }

  /// What the optimizer remembers, by name: saved with a checkpoint, and loaded from one.
  var state: [String: Tensor] { get set }

  /// Moves the trainable parameters of a module that have a gradient, in place.
  func update(_ module: any Module, with gradients: Gradients)
}

extension Optimizer {
  /// Calls `body` with memory of each trainable parameter that has a gradient.
  func forEachParameter(
    _ module: any Module, _ gradients: Gradients,
    _ body: (_ name: String, _ value: inout Tensor, _ gradient: Tensor) -> Void
  ) {
    for (name, parameter) in module.state where parameter.isTrainable {
      guard let gradient = gradients[parameter]?.rowMajor() else { continue }
      body(name, &parameter.value, gradient)
    }
  }
}
