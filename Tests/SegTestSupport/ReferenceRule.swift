import SegKernels

/// The rule by which the reference outputs' inputs and weights are regenerated from their names.
public enum ReferenceRule {
  /// `count` floats in [-1, 1): SplitMix64 seeded with the FNV-1a hash of the name.
  public static func values(_ name: String, count: Int) -> [Float] {
    var seed: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var random = RandomSource(seed: seed)
    return (0..<count).map { _ in Float(Double(random.next() >> 40) / 8_388_608 - 1) }
  }

  /// The tensor `u(name)` of a shape.
  public static func tensor(_ name: String, _ shape: Shape) -> Tensor {
    Tensor(shape, values(name, count: shape.elementCount))
  }

  /// The value of a parameter, by its full name and shape.
  public static func parameter(_ name: String, _ shape: Shape) -> Tensor {
    let u = values(name, count: shape.elementCount)
    if name.hasSuffix("num_batches_tracked") { return .zeros(shape) }
    if name.hasSuffix("running_var") { return Tensor(shape, u.map { 1 + 0.5 * $0 }) }
    if shape.rank >= 2 {
      let scale = Float((6 / Double(shape.dropFirst().reduce(1, *))).squareRoot())
      return Tensor(shape, u.map { $0 * scale })
    }
    if name.hasSuffix("bn2.weight") || name.hasSuffix("bn3.weight") {
      return Tensor(shape, u.map { 0.25 + 0.0625 * $0 })
    }
    if name.hasSuffix("weight") { return Tensor(shape, u.map { 1 + 0.25 * $0 }) }
    return Tensor(shape, u.map { 0.1 * $0 })
  }

  /// Gives every generated parameter of a module its value.
  public static func fill(_ module: any Module) {
    for (name, parameter) in module.state where parameter.role != .constant {
      parameter.value = self.parameter(name, parameter.shape)
    }
  }
}
