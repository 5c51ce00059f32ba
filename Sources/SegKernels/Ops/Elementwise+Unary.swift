import CSegKernels

extension Tensor {
  /// |x|; the gradient at 0 is 0.
  public func abs() -> Tensor { apply(UnaryOperation.abs, to: self) }

  /// x².
  public func square() -> Tensor { apply(UnaryOperation.square, to: self) }

  /// √x.
  public func sqrt() -> Tensor { apply(UnaryOperation.sqrt, to: self) }

  /// 1 / x.
  public func reciprocal() -> Tensor { apply(UnaryOperation.reciprocal, to: self) }

  /// eˣ, to about 1 ulp.
  public func exp() -> Tensor { apply(UnaryOperation.exp, to: self) }

  /// The natural logarithm.
  public func log() -> Tensor { apply(UnaryOperation.log, to: self) }

  /// tanh x.
  public func tanh() -> Tensor { apply(UnaryOperation.tanh, to: self) }

  /// sin x, for angles in radians.
  public func sin() -> Tensor { apply(UnaryOperation.sin, to: self) }

  /// cos x, for angles in radians.
  public func cos() -> Tensor { apply(UnaryOperation.cos, to: self) }

  /// The angle in 0…π whose cosine is x.
  public func acos() -> Tensor { apply(UnaryOperation.acos, to: self) }
}

/// -x.
public prefix func - (x: Tensor) -> Tensor { apply(UnaryOperation.negate, to: x) }

/// max(x, 0); the gradient at 0 is 0.
public func relu(_ x: Tensor) -> Tensor { apply(UnaryOperation.relu, to: x) }

/// 1 / (1 + e⁻ˣ).
public func sigmoid(_ x: Tensor) -> Tensor { apply(UnaryOperation.sigmoid, to: x) }

/// log(1 + eˣ), safe for any finite x.
public func softplus(_ x: Tensor) -> Tensor { apply(UnaryOperation.softplus, to: x) }

/// x · Φ(x), with Φ the normal distribution: the exact form, not the one by tanh.
public func gelu(_ x: Tensor) -> Tensor { apply(UnaryOperation.gelu, to: x) }

/// erf(x) = 2/√π · ∫₀ˣ exp(−t²) dt, the error function.
public func erf(_ x: Tensor) -> Tensor { apply(UnaryOperation.erf, to: x) }

/// A function of each element alone.
enum UnaryOperation: String, BlockedOperation {
  case negate, abs, square, sqrt, reciprocal, exp, log, relu, sigmoid, tanh, softplus, gelu, erf, sin, cos, acos

  var name: String { rawValue }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let kernel = kernel(kernels)!
    let x = inputs[0]
    var y = Tensor(uninitialized: x.shape, layout: x.layout)
    let (source, target) = (x.pointer(for: name), y.exclusivePointer())
    parallelRuns(x.storedCount) { kernel(source + $0.lowerBound, target + $0.lowerBound, $0.count) }
    withExtendedLifetime(x) {}
    if context.isRecording {
      switch self {
      case .negate: break
      case .abs, .square, .log, .softplus, .gelu, .erf, .sin, .cos, .acos: context.saved = [x]
      case .sqrt, .reciprocal, .exp, .relu, .sigmoid, .tanh: context.saved = [y]
      }
    }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!
    guard let kernel = gradientKernel else { return [self == .negate ? -dy : dy * context.saved[0]] }
    let kept = context.saved[0].inLayout(dy.layout)
    var dx = Tensor(uninitialized: dy.shape, layout: dy.layout)
    let (k, d, target) = (kept.pointer(for: name), dy.pointer(for: name), dx.exclusivePointer())
    parallelRuns(dy.storedCount) { kernel(k + $0.lowerBound, d + $0.lowerBound, target + $0.lowerBound, $0.count) }
    withExtendedLifetime((kept, dy)) {}
    return [dx]
  }

  /// The kernel; the same type as C's, so that a chain may hold it.
  func kernel(
    _ kernels: SKKernels
  ) -> (@convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)? {
    switch self {
    case .negate: return kernels.negate
    case .abs: return kernels.absolute
    case .square: return kernels.square
    case .sqrt: return kernels.squareRoot
    case .reciprocal: return kernels.reciprocal
    case .exp: return kernels.exponential
    case .log: return kernels.logarithm
    case .relu: return kernels.relu
    case .sigmoid: return kernels.sigmoid
    case .tanh: return kernels.hyperbolicTangent
    case .softplus: return kernels.softplus
    case .gelu: return kernels.gelu
    case .erf: return kernels.errorFunction
    case .sin: return kernels.sine
    case .cos: return kernels.cosine
    case .acos: return kernels.arcCosine
    }
  }

  /// Negation and the exponential need no kernel of their own: -dy, and dy · y.
  private var gradientKernel:
    ((UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)?
  {
    let kernels = kernels
    switch self {
    case .negate, .exp: return nil
    case .abs: return kernels.absoluteGradient
    case .square: return kernels.squareGradient
    case .sqrt: return kernels.squareRootGradient
    case .reciprocal: return kernels.reciprocalGradient
    case .log: return kernels.logarithmGradient
    case .relu: return kernels.reluGradient
    case .sigmoid: return kernels.sigmoidGradient
    case .tanh: return kernels.hyperbolicTangentGradient
    case .softplus: return kernels.softplusGradient
    case .gelu: return kernels.geluGradient
    case .erf: return kernels.errorFunctionGradient
    case .sin: return kernels.sineGradient
    case .cos: return kernels.cosineGradient
    case .acos: return kernels.arcCosineGradient
    }
  }
}
