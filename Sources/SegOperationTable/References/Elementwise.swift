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
