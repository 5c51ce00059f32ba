import Glibc
import SegKernels

extension Reference {
  /// aᵢ + bᵢ, broadcasting as NumPy does.
  public static func add(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray { broadcast("add", a, b, +) }

  /// aᵢ − bᵢ, broadcasting as NumPy does.
  public static func subtract(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    broadcast("subtract", a, b, -)
  }

  /// aᵢ · bᵢ, broadcasting as NumPy does.
  public static func multiply(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    broadcast("multiply", a, b, *)
  }

  /// aᵢ / bᵢ, broadcasting as NumPy does.
  public static func divide(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray { broadcast("divide", a, b, /) }

  /// max(xᵢ, 0); NaN stays NaN.
  public static func relu(_ x: ReferenceArray) -> ReferenceArray { map(x) { $0 < 0 ? 0 : $0 } }

  /// −xᵢ.
  public static func negate(_ x: ReferenceArray) -> ReferenceArray { map(x) { -$0 } }

  /// |xᵢ|.
  public static func abs(_ x: ReferenceArray) -> ReferenceArray { map(x) { Swift.abs($0) } }

  /// e to the power of xᵢ.
  public static func exp(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.exp($0) } }

  /// The natural logarithm of xᵢ.
  public static func log(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.log($0) } }

  /// √xᵢ.
  public static func sqrt(_ x: ReferenceArray) -> ReferenceArray { map(x) { $0.squareRoot() } }

  /// xᵢ².
  public static func square(_ x: ReferenceArray) -> ReferenceArray { map(x) { $0 * $0 } }

  /// 1 / xᵢ.
  public static func reciprocal(_ x: ReferenceArray) -> ReferenceArray { map(x) { 1 / $0 } }

  /// 1 / (1 + e^−xᵢ).
  public static func sigmoid(_ x: ReferenceArray) -> ReferenceArray { map(x) { 1 / (1 + Glibc.exp(-$0)) } }

  /// The hyperbolic tangent of xᵢ.
  public static func tanh(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.tanh($0) } }

  /// y = log(1 + eˣ)
  public static func softplus(_ x: ReferenceArray) -> ReferenceArray {
    map(x) { max($0, 0) + log1p(Glibc.exp(-Swift.abs($0))) }
  }

  /// y = x · Φ(x) = x/2 · (1 + erf(x/√2))
  public static func gelu(_ x: ReferenceArray) -> ReferenceArray { map(x) { 0.5 * $0 * erfc(-$0 / 2.0.squareRoot()) } }

  /// y = erf x
  public static func erf(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.erf($0) } }

  /// y = sin x
  public static func sin(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.sin($0) } }

  /// y = cos x
  public static func cos(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.cos($0) } }

  /// y = arccos x
  public static func acos(_ x: ReferenceArray) -> ReferenceArray { map(x) { Glibc.acos($0) } }

  /// y = min(max(x, low), high)
  public static func clamp(_ x: ReferenceArray, _ range: ClosedRange<Double>) -> ReferenceArray {
    map(x) { min(max($0, range.lowerBound), range.upperBound) }
  }

  /// y = min(a, b)
  public static func minimum(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    broadcast("minimum", a, b) { min($0, $1) }
  }

  /// y = max(a, b)
  public static func maximum(_ a: ReferenceArray, _ b: ReferenceArray) -> ReferenceArray {
    broadcast("maximum", a, b) { max($0, $1) }
  }

  /// The angle of the point (x, y).
  public static func atan2(_ y: ReferenceArray, _ x: ReferenceArray) -> ReferenceArray {
    broadcast("atan2", y, x) { Glibc.atan2($0, $1) }
  }

  /// y = condition ≠ 0 ? a : b
  public static func select(_ condition: ReferenceArray, _ a: ReferenceArray, else b: ReferenceArray) -> ReferenceArray
  {
    let chosen = map(condition) { $0 == 0 ? 0 : 1 }
    return add(multiply(chosen, a), multiply(map(chosen) { 1 - $0 }, b))
  }

  /// xᵢ · maskᵢ / (1 − rate): dropout after the dice have fallen. The mask holds 1 where an element is kept, else 0.
  public static func dropout(_ x: ReferenceArray, mask: ReferenceArray, rate: Double) -> ReferenceArray {
    check(x.shape == mask.shape, "dropout", "input \(x.shape) and mask \(mask.shape) must agree")
    return broadcast("dropout", x, mask) { $0 * $1 / (1 - rate) }
  }

  private static func map(_ x: ReferenceArray, _ function: (Double) -> Double) -> ReferenceArray {
    ReferenceArray(x.shape, x.values.map(function))
  }

  private static func broadcast(
    _ operation: String, _ a: ReferenceArray, _ b: ReferenceArray, _ function: (Double, Double) -> Double
  ) -> ReferenceArray {
    guard let shape = a.shape.broadcast(with: b.shape) else {
      misuse(operation, "shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    return ReferenceArray(shape) { index in function(a[broadcast: index], b[broadcast: index]) }
  }
}

extension ReferenceArray {
  /// The element that stands at an index of a broadcast result: axes are aligned from the last one, and an extent of 1
  /// repeats.
  fileprivate subscript(broadcast index: [Int]) -> Double {
    self[at: zip(index.suffix(shape.rank), shape).map { place, extent in extent == 1 ? 0 : place }]
  }
}
