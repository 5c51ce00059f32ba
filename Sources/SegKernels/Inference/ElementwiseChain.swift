import CSegKernels

/// Elementwise operations one after the other, done in one pass over a map: x · sigmoid(x), clamps, gates, sums.
///
/// Inputs: x; then the addend, of x's shape, and the gate N×C×1×1 (or 1×C×1×1), if a link uses them.
struct ElementwiseChain: CompiledOperation {
  /// What a link combines the value with.
  enum Operand { case start, addend, gate }

  /// How it does so.
  enum Combination { case add, subtract, subtractFrom, multiply }

  /// What is done to each element v.
  enum Link {
    case each(UnaryOperation)
    /// scale · v + shift
    case affine(scale: Float, shift: Float)
    case clamp(ClosedRange<Float>)
    /// v + o, v − o, o − v, or v · o
    case combine(Combination, Operand)
  }

  var links: [Link] = []
  var hasAddend = false
  var hasGate = false

  let name = "elementwise"
  var attributes: [(name: String, value: Attribute)] {
    [("links", .integer(links.count)), ("addend", .flag(hasAddend)), ("gate", .flag(hasGate))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [inputs[0]] }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { links.count * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    [
      links.reduce(inputs[0]) { v, link in
        switch link {
        case .each(let operation): return apply(operation, to: v)
        case .affine(let scale, let shift):
          let scaled = scale == 1 ? v : v * scale
          return shift == 0 ? scaled : scaled + shift
        case .clamp(let range): return v.clamped(to: range)
        case .combine(let combination, let operand):
          let o =
            switch operand {
            case .start: inputs[0]
            case .addend: inputs[1]
            case .gate: inputs[hasAddend ? 2 : 1]
            }
          switch combination {
          case .add: return v + o
          case .subtract: return v - o
          case .subtractFrom: return o - v
          case .multiply: return v * o
          }
        }
      }
    ]
  }
}

/// The links of a chain as kernels read them, at a fixed place.
final class PackedChain {
  let base: UnsafeMutablePointer<SKLink>
  let count: Int

  init(_ chain: ElementwiseChain, _ kernels: SKKernels) {
    count = chain.links.count
    base = .allocate(capacity: max(count, 1))
    base.initialize(from: chain.links.map { PackedChain.packed($0, kernels) }, count: count)
  }

  deinit { base.deallocate() }

  private static func packed(_ link: ElementwiseChain.Link, _ kernels: SKKernels) -> SKLink {
    var packed = SKLink()
    switch link {
    case .each(let operation):
      packed.kind = Int32(SK_EACH)
      packed.each = operation.kernel(kernels)
    case .affine(let scale, let shift):
      packed.kind = Int32(SK_AFFINE)
      (packed.a, packed.b) = (scale, shift)
    case .clamp(let range):
      packed.kind = Int32(SK_CLAMP)
      (packed.a, packed.b) = (range.lowerBound, range.upperBound)
    case .combine(let combination, let operand):
      let kind =
        switch combination {
        case .add: SK_ADD
        case .subtract: SK_SUBTRACT
        case .subtractFrom: SK_SUBTRACT_FROM
        case .multiply: SK_MULTIPLY
        }
      let place =
        switch operand {
        case .start: SK_START
        case .addend: SK_ADDEND
        case .gate: SK_GATE
        }
      (packed.kind, packed.operand) = (Int32(kind), Int32(place))
    }
    return packed
  }
}

extension SKMapStep {
  /// What is done to each element at the end; the links must outlive the step.
  mutating func append(_ chain: PackedChain) {
    links = UnsafePointer(chain.base)
    linkCount = Int32(chain.count)
  }
}
