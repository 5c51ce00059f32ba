import SegKernels

/// y = 1 where a ∘ b, 0 elsewhere; both of one shape. Has no gradient.
struct ComparisonOperation: TensorOperation {
  enum Kind: String { case equal = "Equal", greater = "Greater", less = "Less" }

  let kind: Kind

  var name: String { kind.rawValue }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    precondition(inputs[0] == inputs[1], "\(name): shapes \(inputs[0]) and \(inputs[1]) differ")
    return [inputs[0]]
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let pairs = zip(inputs[0].scalars, inputs[1].scalars)
    switch kind {
    case .equal: return [Tensor(inputs[0].shape, pairs.map { $0 == $1 ? 1 : 0 })]
    case .greater: return [Tensor(inputs[0].shape, pairs.map { $0 > $1 ? 1 : 0 })]
    case .less: return [Tensor(inputs[0].shape, pairs.map { $0 < $1 ? 1 : 0 })]
    }
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { [nil, nil] }
}

/// Every element rounded, or its sign. Has no gradient.
struct RoundingOperation: TensorOperation {
  enum Kind: String { case floor = "Floor", ceil = "Ceil", round = "Round", sign = "Sign" }

  let kind: Kind

  var name: String { kind.rawValue }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let values = inputs[0].scalars.map { value -> Float in
      switch kind {
      case .floor: value.rounded(.down)
      case .ceil: value.rounded(.up)
      case .round: value.rounded(.toNearestOrEven)
      case .sign: value > 0 ? 1 : value < 0 ? -1 : value
      }
    }
    return [Tensor(inputs[0].shape, values)]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { [nil] }
}
