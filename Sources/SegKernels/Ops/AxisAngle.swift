import Glibc

/// The rotations of axis-angle vectors (Rodrigues): R = I + a [ω]ₓ + b [ω]ₓ² with θ = |ω|, a = sin θ / θ and
/// b = (1 − cos θ) / θ².
///
/// Exact and smooth at ω = 0, where both factors come from their series.
/// - Parameter axisAngle: N×3, radians.
/// - Returns: N×3×3.
public func rotation(axisAngle: Tensor) -> Tensor { apply(AxisAngleOperation(), to: axisAngle) }

/// Computed in doubles: there are few of them, and the factors' slopes cancel badly near 0.
struct AxisAngleOperation: TensorOperation {
  let name = "axisAngle"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(inputs[0].rank == 2 && inputs[0][1] == 3, name, "expected N×3, found \(inputs[0])")
    return [[inputs[0][0], 3, 3]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 40 * inputs[0][0] }

  /// a, b, and their derivatives over θ: a′/θ and b′/θ.
  private static func factors(_ squared: Double) -> (a: Double, b: Double, aSlope: Double, bSlope: Double) {
    if squared < 1e-4 {
      let s = squared
      return (
        1 - s / 6 * (1 - s / 20), 0.5 - s / 24 * (1 - s / 30), -1.0 / 3 + s / 30 * (1 - s / 28),
        -1.0 / 12 + s / 180 * (1 - s / 37.333_333_333_333_336)
      )
    }
    let angle = squared.squareRoot(), (s, c) = (sin(angle), cos(angle))
    let a = s / angle, b = (1 - c) / squared
    return (a, b, (c - a) / squared, (a - 2 * b) / squared)
  }

  private static func cross(_ w: SIMD3<Double>) -> [Double] { [0, -w.z, w.y, w.z, 0, -w.x, -w.y, w.x, 0] }

  /// [ω]ₓ² = ω ωᵀ − θ² I.
  private static func square(_ w: SIMD3<Double>, _ i: Int, _ j: Int) -> Double {
    w[i] * w[j] - (i == j ? (w * w).sum() : 0)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let count = inputs[0].shape[0]
    return [
      Tensor(uninitialized: [count, 3, 3]) { target in
        inputs[0].withUnsafeBufferPointer { source in
          for n in 0..<count {
            let w = SIMD3(Double(source[3 * n]), Double(source[3 * n + 1]), Double(source[3 * n + 2]))
            let factor = Self.factors((w * w).sum()), cross = Self.cross(w)
            for i in 0..<3 {
              for j in 0..<3 {
                let value = factor.a * cross[3 * i + j] + factor.b * Self.square(w, i, j)
                target[9 * n + 3 * i + j] = Float(value + (i == j ? 1 : 0))
              }
            }
          }
        }
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let axisAngle = context.saved[0], count = axisAngle.shape[0]
    return [
      Tensor(uninitialized: axisAngle.shape) { target in
        axisAngle.withUnsafeBufferPointer { source in
          gradients[0]!.withUnsafeBufferPointer { dy in
            for n in 0..<count {
              let w = SIMD3(Double(source[3 * n]), Double(source[3 * n + 1]), Double(source[3 * n + 2]))
              let factor = Self.factors((w * w).sum()), cross = Self.cross(w)
              for k in 0..<3 {
                var unit = SIMD3<Double>(repeating: 0)
                unit[k] = 1
                let turned = Self.cross(unit)
                var sum = 0.0
                for i in 0..<3 {
                  for j in 0..<3 {
                    let squareSlope = unit[i] * w[j] + w[i] * unit[j] - (i == j ? 2 * w[k] : 0)
                    let slope =
                      factor.aSlope * w[k] * cross[3 * i + j] + factor.a * turned[3 * i + j]
                      + factor.bSlope * w[k] * Self.square(w, i, j) + factor.b * squareSlope
                    sum += slope * Double(dy[9 * n + 3 * i + j])
                  }
                }
                target[3 * n + k] = Float(sum)
              }
            }
          }
        }
      }
    ]
  }
}
