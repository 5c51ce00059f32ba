import CSegKernels

/// Adds with broadcasting.
public func + (a: Tensor, b: Tensor) -> Tensor { apply(BinaryOperation.add, to: a, b) }

/// Subtracts with broadcasting.
public func - (a: Tensor, b: Tensor) -> Tensor { apply(BinaryOperation.subtract, to: a, b) }

/// Multiplies element by element with broadcasting.
public func * (a: Tensor, b: Tensor) -> Tensor { apply(BinaryOperation.multiply, to: a, b) }

/// Divides element by element with broadcasting.
public func / (a: Tensor, b: Tensor) -> Tensor { apply(BinaryOperation.divide, to: a, b) }

/// Adds a number to every element.
public func + (a: Tensor, b: Float) -> Tensor { a + Tensor(b) }
/// Subtracts a number from every element.
public func - (a: Tensor, b: Float) -> Tensor { a - Tensor(b) }
/// Multiplies every element by a number.
public func * (a: Tensor, b: Float) -> Tensor { a * Tensor(b) }
/// Divides every element by a number.
public func / (a: Tensor, b: Float) -> Tensor { a / Tensor(b) }
/// Adds every element to a number.
public func + (a: Float, b: Tensor) -> Tensor { Tensor(a) + b }
/// Subtracts every element from a number.
public func - (a: Float, b: Tensor) -> Tensor { Tensor(a) - b }
/// Multiplies a number by every element.
public func * (a: Float, b: Tensor) -> Tensor { Tensor(a) * b }
/// Divides a number by every element.
public func / (a: Float, b: Tensor) -> Tensor { Tensor(a) / b }

/// The smaller of two elements, with broadcasting; equal ones share the gradient.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { apply(BinaryOperation.minimum, to: a, b) }

/// The larger of two elements, with broadcasting; equal ones share the gradient.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { apply(BinaryOperation.maximum, to: a, b) }

/// The angle in −π…π of the point (x, y), with broadcasting.
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor { apply(BinaryOperation.atan2, to: y, x) }

/// Arithmetic on two tensors under NumPy's broadcasting rule.
///
/// y = a ∘ b. Gradients are summed over the axes along which an operand was repeated.
enum BinaryOperation: String, BlockedOperation {
  case add, subtract, multiply, divide, minimum, maximum, atan2

  var name: String { rawValue }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    guard let shape = inputs[0].broadcast(with: inputs[1]) else {
      misuse(name, "shapes \(inputs[0]) and \(inputs[1]) do not broadcast")
    }
    return [shape]
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    // Sums are differentiated with nothing; everything else with its operands.
    if context.isRecording, self != .add, self != .subtract { context.saved = inputs.map { $0.rowMajor() } }
    return [compute(inputs[0], inputs[1], kernel)]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let d = gradients[0]!
    func gradient(_ input: Int, _ full: () -> Tensor) -> Tensor? {
      context.needsGradient[input] ? summed(full(), to: context.inputShapes[input]) : nil
    }
    switch self {
    case .add: return [gradient(0) { d }, gradient(1) { d }]
    case .subtract: return [gradient(0) { d }, gradient(1) { -d }]
    case .multiply:
      return [gradient(0) { d * context.saved[1] }, gradient(1) { d * context.saved[0] }]
    case .divide:
      let (a, b) = (context.saved[0], context.saved[1])
      return [gradient(0) { d / b }, gradient(1) { slopes(a, b, d, kernels.divisorGradient) }]
    case .minimum, .maximum:
      // The gradient goes to the larger operand; of a minimum, to the one whose rival is larger.
      let (a, b) = self == .maximum ? (context.saved[0], context.saved[1]) : (context.saved[1], context.saved[0])
      return [
        gradient(0) { slopes(a, b, d, kernels.largerGradient) },
        gradient(1) { slopes(b, a, d, kernels.largerGradient) },
      ]
    case .atan2:
      let (y, x) = (context.saved[0], context.saved[1])
      return [
        gradient(0) { slopes(y, x, d, kernels.ordinateGradient) },
        gradient(1) { slopes(y, x, d, kernels.abscissaGradient) },
      ]
    }
  }

  private typealias Kernel =
    (UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?, Int) -> Void

  private var kernel: Kernel {
    let kernels = kernels
    switch self {
    case .add: return kernels.add
    case .subtract: return kernels.subtract
    case .multiply: return kernels.multiply
    case .divide: return kernels.divide
    case .minimum: return kernels.minimumOf
    case .maximum: return kernels.maximumOf
    case .atan2: return kernels.arcTangent2
    }
  }

  private func compute(_ a: Tensor, _ b: Tensor, _ kernel: Kernel) -> Tensor {
    if a.shape == b.shape, a.layout != b.layout || a.layout != .rowMajor { return computeInBlocks(a, b, kernel) }
    let (a, b) = (a.rowMajor(), b.rowMajor())
    let plan = BroadcastPlan(a.shape, b.shape)
    return Tensor(uninitialized: plan.shape) { y in
      guard let y = y.baseAddress, plan.shape.elementCount > 0 else { return }
      let (pa, pb) = (a.pointer(for: name), b.pointer(for: name))
      plan.forEach { kernel(pa + $0, plan.strideA, pb + $1, plan.strideB, y + $2, $3) }
      withExtendedLifetime((a, b)) {}
    }
  }

  private typealias GradientKernel = (
    UnsafePointer<Float>?, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
  ) -> Void

  /// The gradient of a result by one operand, before it is summed where that operand was repeated.
  private func slopes(_ a: Tensor, _ b: Tensor, _ gradient: Tensor, _ kernel: GradientKernel) -> Tensor {
    let plan = BroadcastPlan(a.shape, b.shape), gradient = gradient.rowMajor()
    return Tensor(uninitialized: plan.shape) { dx in
      guard let dx = dx.baseAddress, plan.shape.elementCount > 0 else { return }
      let (pa, pb, d) = (a.pointer(for: name), b.pointer(for: name), gradient.pointer(for: name))
      plan.forEach { kernel(pa + $0, plan.strideA, pb + $1, plan.strideB, d + $2, dx + $2, $3) }
      withExtendedLifetime((a, b, gradient)) {}
    }
  }

  /// Two images of one shape, one of which at least is in channel blocks: so is the result.
  private func computeInBlocks(_ a: Tensor, _ b: Tensor, _ kernel: Kernel) -> Tensor {
    let layout = a.layout == .rowMajor ? b.layout : a.layout
    let (a, b) = (a.inLayout(layout), b.inLayout(layout))
    var y = Tensor(uninitialized: a.shape, layout: layout)
    let (pa, pb, target) = (a.pointer(for: name), b.pointer(for: name), y.exclusivePointer())
    parallelRuns(y.storedCount) {
      kernel(pa + $0.lowerBound, 1, pb + $0.lowerBound, 1, target + $0.lowerBound, $0.count)
    }
    withExtendedLifetime((a, b)) {}
    return y
  }
}

/// How two broadcast operands are walked: runs of the result in which each operand advances or repeats.
struct BroadcastPlan {
  let shape: Shape
  /// The length of a run, the number of runs, and the step of each operand within one.
  let run: Int, runs: Int
  let strideA: Int, strideB: Int
  private let outer: [(extent: Int, a: Int, b: Int)]

  init(_ a: Shape, _ b: Shape) {
    let shape = a.broadcast(with: b)!
    self.shape = shape
    func steps(_ operand: Shape) -> [Int] {
      let padding = [Int](repeating: 0, count: shape.rank - operand.rank)
      return padding + zip(operand, operand.strides).map { $0 == 1 ? 0 : $1 }
    }
    // Neighbouring axes that both operands walk without a break are one axis.
    var axes: [(extent: Int, a: Int, b: Int)] = []
    for (extent, (a, b)) in zip(shape, zip(steps(a), steps(b))) where extent != 1 {
      if let last = axes.last, last.a == a * extent, last.b == b * extent {
        axes[axes.count - 1] = (last.extent * extent, a, b)
      } else {
        axes.append((extent, a, b))
      }
    }
    let inner = axes.popLast() ?? (1, 0, 0)
    run = inner.extent
    strideA = inner.a
    strideB = inner.b
    outer = axes
    runs = axes.reduce(1) { $0 * $1.extent }
  }

  /// Calls `body` with pieces of the runs, in parallel: where the operands stand, where the result, and how far it goes.
  func forEach(_ body: (_ a: Int, _ b: Int, _ start: Int, _ count: Int) -> Void) {
    if runs == 1 {
      parallelRuns(run) { body($0.lowerBound * strideA, $0.lowerBound * strideB, $0.lowerBound, $0.count) }
    } else {
      parallelRuns(runs, grain: max(1, (1 << 15) / run)) {
        for index in $0 {
          let (a, b) = offsets(index)
          body(a, b, index * run, run)
        }
      }
    }
  }

  /// Where the operands stand at the start of a run.
  func offsets(_ run: Int) -> (a: Int, b: Int) {
    var (rest, a, b) = (run, 0, 0)
    for axis in outer.reversed() {
      let (quotient, index) = rest.quotientAndRemainder(dividingBy: axis.extent)
      a += index * axis.a
      b += index * axis.b
      rest = quotient
    }
    return (a, b)
  }
}

/// The sum of a broadcast result's gradient over the axes along which an operand of `shape` was repeated.
func summed(_ gradient: Tensor, to shape: Shape) -> Tensor {
  guard gradient.shape != shape else { return gradient }
  let extra = gradient.rank - shape.rank
  let axes = gradient.shape.indices.filter { $0 < extra || (shape[$0 - extra] == 1 && gradient.shape[$0] != 1) }
  return gradient.sum(axes: axes).viewed(as: shape)
}
