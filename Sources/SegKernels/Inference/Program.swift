import CSegKernels

/// A graph compiled for its input sizes: norms folded, epilogues fused, weights packed, memory planned.
///
/// ```swift
/// let program = Program(Graph.capture(inputs: [[1, 3, 512, 1024]], parameters: net) { [net($0[0])] })
/// let session = program.makeSession()
/// var logits = Tensor.zeros(program.outputShapes[0])
/// session.run(image, into: &logits)
/// ```
/// Between its layers it keeps images in channel blocks and uses kernels for exactly that, so that its results are the
/// graph's up to rounding, and the same to the bit for any number of threads. A program shares nothing with the module
/// that was captured: later changes of the weights do not reach it, and the module's own memory may go. Compiled for the
/// instruction set in use at that time. Immutable: any number of sessions, on any threads, run it at once.
public struct Program: Sendable {
  /// The shapes of what goes in.
  public let inputShapes: [Shape]
  /// The shapes of what comes out.
  public let outputShapes: [Shape]

  let steps: [Step]
  /// Floats of a session's arena, and of the scratch memory of each thread.
  let arenaCount: Int, scratchCount: Int

  /// Compiles a graph.
  ///
  /// - Parameters:
  ///   - graph: what is compiled, for the shapes that it was captured with.
  ///   - weights: where the weights are packed; programs of one network share them.
  public init(_ graph: Graph, sharing weights: PackedWeights = PackedWeights()) {
    self.init(graph, sharing: weights, forcing: nil)
  }

  /// - Parameter algorithm: how to convolve wherever that is possible: for tests and measurements.
  package init(
    _ graph: Graph, sharing weights: PackedWeights = PackedWeights(), forcing algorithm: ConvolutionAlgorithm?
  ) {
    let fused = graph.foldingBatchNorms().fusingEpilogues().trimmingConvolutions(weights).fusingElementwise()
    var lowering = Lowering(fused, weights, algorithm)
    lowering.lower()
    inputShapes = graph.inputs.map { graph.values[$0].shape }
    outputShapes = graph.outputs.map { graph.values[$0].shape }
    let plan = ArenaPlan(lowering.buffers)
    steps = lowering.steps.map { $0.placed(plan.offsets) }
    arenaCount = plan.count
    scratchCount = (lowering.scratchCount + 15) / 16 * 16
  }

  /// Memory to run in: one for each thread that runs the program.
  public func makeSession() -> Session { Session(self) }

  /// The bytes of a session's arena: all that lies between the layers.
  public var arenaBytes: Int { arenaCount * MemoryLayout<Float>.stride }

  /// What is done in order, by name: for those who want to see what became of a network.
  public var summary: [String] { steps.map(\.name) }
}

extension UnaryModule {
  /// The module as it is now, compiled for images of one shape.
  ///
  /// - Parameters:
  ///   - shape: N×C×H×W.
  ///   - weights: where the weights are packed: programs for several shapes share them.
  public func compiled(for shape: Shape, sharing weights: PackedWeights = PackedWeights()) -> Program {
    Program(Graph.capture(inputs: [shape], parameters: self) { [self($0[0])] }, sharing: weights)
  }
}

extension Program {
  /// Where a value lies, and how.
  struct Location {
    enum Memory {
      case input(Int)
      case output(Int)
      case constant(Tensor)
      /// A buffer while the program is made; then, at an offset of 0, a place in the arena.
      case arena(Int)
    }
    var memory: Memory
    /// Floats from there to the first image, and from image to image.
    var offset = 0
    var imageStride: Int
  }

  /// One thing that a session does.
  enum Step {
    case kernel(KernelStep)
    /// An operation without a blocked form, applied to row-major tensors.
    case operation(OperationStep)
    /// Floats copied as they are.
    case copy(from: Location, to: Location, count: Int)

    var name: String {
      switch self {
      case .kernel(let step): step.name
      case .operation(let step): "operation \(step.operation.name)"
      case .copy: "copy"
      }
    }

    /// The same with buffers replaced by their places in the arena.
    func placed(_ offsets: [Int]) -> Step {
      func place(_ location: Location) -> Location {
        guard case .arena(let buffer) = location.memory else { return location }
        return Location(memory: .arena(offsets[buffer]), offset: location.offset, imageStride: location.imageStride)
      }
      switch self {
      case .kernel(var step):
        step.x = place(step.x)
        step.addend = step.addend.map(place)
        step.weights = step.weights.map(place)
        step.y = place(step.y)
        return .kernel(step)
      case .operation(var step):
        step.inputs = step.inputs.map(place)
        step.outputs = step.outputs.map(place)
        return .operation(step)
      case .copy(let from, let to, let count): return .copy(from: place(from), to: place(to), count: count)
      }
    }
  }

  /// A kernel's step without its memory.
  struct KernelStep: @unchecked Sendable {
    // Sendable although `step` holds pointers: they point into `owned`, which nobody writes.
    let name: String
    let step: SKMapStep
    var x: Location
    var addend: Location?
    var weights: Location?
    var y: Location
    let owned: [AnyObject]
  }

  struct OperationStep: Sendable {
    let operation: any TensorOperation
    var inputs: [Location]
    let shapes: [Shape]
    var outputs: [Location]
  }
}

extension Program.Location: Sendable {}
extension Program.Location.Memory: Sendable {}
extension Program.Step: Sendable {}

/// Taps of a resize, at a fixed place.
final class TapTable {
  let base: UnsafeMutablePointer<SKTap>

  init(_ taps: [SKTap]) {
    base = .allocate(capacity: max(taps.count, 1))
    base.initialize(from: taps, count: taps.count)
  }

  deinit { base.deallocate() }
}
