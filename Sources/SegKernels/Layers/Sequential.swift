/// Modules one after the other, under the names that the published model gives them.
public final class Sequential: UnaryModule {
  private let steps: [(name: String, module: any UnaryModule)]

  /// Modules with explicit names, for models whose numbering counts layers without parameters.
  public init(_ steps: [(String, any UnaryModule)]) { self.steps = steps.map { ($0.0, $0.1) } }

  /// Modules named "0", "1", …
  public convenience init(_ modules: any UnaryModule...) {
    self.init(modules.enumerated().map { ("\($0)", $1) })
  }

  public var parts: [Part] { steps.map { Part($0.name, $0.module) } }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var y = x
    var rest = steps[...]
    while let module = rest.popFirst()?.module {
      // A norm takes the rectifier behind it along.
      if let norm = module as? BatchNorm2d, rest.first?.module is ReLU {
        rest.removeFirst()
        y = norm(y, rectified: true)
      } else {
        y = module(y)
      }
    }
    return y
  }
}

/// max(x, 0) as a step of a `Sequential`.
public final class ReLU: UnaryModule {
  /// A step without parameters.
  public init() {}

  public var parts: [Part] { [] }

  public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}
