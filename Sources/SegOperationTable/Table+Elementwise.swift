import SegKernels

extension OperationTable {
  static let elementwise: [OperationCase] = unary + binary

  private static let unary: [OperationCase] = [
    unaryRows("relu", .awayFromZero, relu, Reference.relu),
    unaryRows("negate", .normal, { -$0 }, Reference.negate),
    unaryRows("abs", .awayFromZero, { $0.abs() }, Reference.abs),
    unaryRows("square", .normal, { $0.square() }, Reference.square),
    unaryRows("sqrt", .positive, { $0.sqrt() }, Reference.sqrt),
    unaryRows("reciprocal", .positive, { $0.reciprocal() }, Reference.reciprocal),
    unaryRows("exp", .normal, { $0.exp() }, Reference.exp),
    unaryRows("log", .positive, { $0.log() }, Reference.log),
    unaryRows("sigmoid", .normal, sigmoid, Reference.sigmoid),
    unaryRows("tanh", .normal, { $0.tanh() }, Reference.tanh),
    unaryRows("softplus", .normal, softplus, Reference.softplus),
    unaryRows("gelu", .normal, gelu, Reference.gelu),
    unaryRows("erf", .normal, { erf($0) }, Reference.erf),
    unaryRows("sin", .normal, { $0.sin() }, Reference.sin),
    unaryRows("cos", .normal, { $0.cos() }, Reference.cos),
    unaryRows("acos", .withinOne, { $0.acos() }, Reference.acos),
    unaryRows("clamp", .distinct, { $0.clamped(to: -0.77...1.13) }, { Reference.clamp($0, -0.77...1.13) }),
  ].flatMap { $0 }

  private static func unaryRows(
    _ name: String, _ domain: OperationCase.Domain, _ run: @escaping @Sendable (Tensor) -> Tensor,
    _ reference: @escaping @Sendable (ReferenceArray) -> ReferenceArray
  ) -> [OperationCase] {
    let shapes: [Shape] = [[], [0], [1], [3, 5], [2, 3, 4, 7], [257], [40_001], largeMap]
    return shapes.map { shape in
      OperationCase(
        name, "\(shape)", [(shape, domain)], tolerance: 5e-7, run: { run($0[0]) }, reference: { reference($0[0]) })
    }
  }

  private static let binary: [OperationCase] = [
    binaryRows("add", .normal, { $0 + $1 }, Reference.add),
    binaryRows("subtract", .normal, { $0 - $1 }, Reference.subtract),
    binaryRows("multiply", .normal, { $0 * $1 }, Reference.multiply),
    binaryRows("divide", .positive, { $0 / $1 }, Reference.divide),
    binaryRows("minimum", .normal, { minimum($0, $1) }, Reference.minimum),
    binaryRows("maximum", .normal, { maximum($0, $1) }, Reference.maximum),
    binaryRows("atan2", .awayFromZero, { atan2($0, $1) }, Reference.atan2),
  ].flatMap { $0 }

  private static func binaryRows(
    _ name: String, _ domain: OperationCase.Domain, _ run: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    _ reference: @escaping @Sendable (ReferenceArray, ReferenceArray) -> ReferenceArray
  ) -> [OperationCase] {
    let shapes: [(Shape, Shape)] = [
      ([], []), ([0], [1]), ([7], [7]), ([2, 3, 4], [4]), ([2, 1, 4], [3, 1]), ([2, 3, 4, 5], [1, 3, 1, 1]),
      ([], [2, 3]), ([1, 17], [5, 1]), ([2, 3, 5, 7], [2, 3, 5, 7]), ([3, 1, 5], [3, 4, 1]), ([3, 11_003], [3, 1]),
      ([40_001], [40_001]), (largeMap, largeMap), (largeMap, [64, 1, 1]),
    ]
    return shapes.map { a, b in
      OperationCase(
        name, "\(a) and \(b)", [(a, domain), (b, domain)], tolerance: 2e-7, run: { run($0[0], $0[1]) },
        reference: { reference($0[0], $0[1]) })
    }
  }
}
