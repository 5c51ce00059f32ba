import Foundation
import SegKernels
import SegTestSupport
import XCTest

/// Degenerate matrices, and what the operations on 3×3 matrices are for.
final class Matrix3Tests: XCTestCase {
  private let identity = Tensor([3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])
  private let regular = Tensor([3, 3], [2, 0, 1, 0, 3, 0, 1, 0, 1])
  /// Determinant 0.
  private let singular = Tensor([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])

  private func stacked(_ matrices: Tensor...) -> Tensor {
    concatenate(matrices.map { $0.reshaped(1, 3, 3) }, axis: 0)
  }

  /// A singular matrix has NaN for an inverse and for a gradient, and leaves the others of the batch alone.
  func testInverseOfASingularMatrixIsNaN() {
    let x = stacked(regular, singular, .zeros([3, 3]), Tensor([3, 3], filledWith: .infinity), identity)
    let (value, gradients) = valueAndGradient(at: [x], cotangent: .ones(x.shape)) { inverse3x3($0[0]) }
    // det = 3: [[1, 0, −1], [0, 1/3, 0], [−1, 0, 2]]
    XCTAssertEqual(Array(value.scalars[..<9]), [1, 0, -1, 0, 1 / 3, 0, -1, 0, 2])
    XCTAssertEqual(Array(value.scalars[36...]), identity.scalars)
    for result in [value, gradients[0]] {
      XCTAssertEqual(result.scalars.map(\.isNaN), (0..<45).map { (9..<36).contains($0) })
    }
    // dX = −Yᵀ · 1 · Yᵀ = −(row sums of Yᵀ) · (column sums of Yᵀ): sums of Y's columns 0, 1/3, 1, of its rows 0, 1/3, 1.
    assertClose(
      gradients[0].slice(axis: 0, 0..<1),
      Tensor([1, 3, 3], [0, 0, 0, 0, -1 / 9, -1 / 3, 0, -1 / 3, -1]), tolerance: 1e-6)
  }

  /// Rows and columns of very different sizes do not make a matrix singular; one that is nearly so keeps its inverse.
  func testInverseKnowsScaleFromSingularity() {
    let scaled = Tensor([3, 3], [1e-12, 2, 0, 3e-12, 1, 0, 0, 0, 1e15])
    // [[a, b], [c, d]]⁻¹ with ad − bc = −5e−12
    assertClose(
      inverse3x3(scaled), Tensor([3, 3], [-0.2e12, 0.4e12, 0, 0.6, -0.2, 0, 0, 0, 1e-15]), tolerance: 1e-6)
    let near = Tensor([3, 3], [1, 1, 0, 1, 1.000_000_1, 0, 0, 0, 1])
    let product = matmul(inverse3x3(near), near)
    XCTAssertLessThanOrEqual(zip(product.scalars, identity.scalars).map { abs($0 - $1) }.max()!, 1)
    XCTAssertTrue(inverse3x3(near).scalars.allSatisfy(\.isFinite))
  }

  /// Of a multiple of a rotation all singular values are equal; the gradient is that of the formula,
  /// (dR − R · dRᵀ · R) / 2σ, and finite.
  func testPolarGradientWhereSingularValuesAreEqual() {
    let turn = Tensor([3, 3], [0, 0, 1, 1, 0, 0, 0, 1, 0])
    let d = Tensor([3, 3], [1, -2, 3, 0.5, 4, -1, 2, 0, -3])
    for isRotation in [false, true] {
      let (value, gradients) = valueAndGradient(at: [turn * 4], cotangent: d) {
        polarFactor3x3($0[0], isRotation: isRotation)
      }
      assertClose(value, turn, tolerance: 1e-7)
      let expected = (d - matmul(matmul(turn, d.transposed()), turn)) / 8
      assertClose(gradients[0], expected, tolerance: 1e-6)
    }
  }

  /// Of two equally near orthogonal matrices the rotation is taken; what is not determined is orthogonal still; zero
  /// gives the identity. Where there is no gradient it is NaN.
  func testPolarFactorOfSingularMatrices() {
    let flat = Tensor([3, 3], [2, 0, 0, 0, 3, 0, 0, 0, 0])
    let line = Tensor([3, 3], [1, 2, 3, 2, 4, 6, -1, -2, -3])
    let mirror = Tensor([3, 3], [-1, 0, 0, 0, -1, 0, 0, 0, -1])
    let x = stacked(flat, singular, line, .zeros([3, 3]), mirror)
    for isRotation in [false, true] {
      let (r, gradients) = valueAndGradient(at: [x], cotangent: .ones(x.shape)) {
        polarFactor3x3($0[0], isRotation: isRotation)
      }
      assertClose(
        matmul(r, r.permuted(0, 2, 1)), identity.broadcast(to: x.shape), tolerance: 1e-6, "orthogonal")
      XCTAssertEqual(Array(r.scalars[..<9]), identity.scalars)
      XCTAssertEqual(Array(r.scalars[27..<36]), identity.scalars)
      for matrix in 0..<5 {
        let determinant: Float = matrix == 4 && !isRotation ? -1 : 1
        XCTAssertEqual(self.determinant(r, matrix), determinant, accuracy: 1e-5, "matrix \(matrix)")
        // Rank 2 determines the turn to first order; s₂ + s₃ = 0 does not, and for rotations nor does a mirror image.
        let exists = matrix < 2 || (matrix == 4 && !isRotation)
        let found = gradients[0].scalars[(9 * matrix)..<(9 * matrix + 9)]
        XCTAssertTrue(found.allSatisfy { $0.isNaN != exists }, "matrix \(matrix): \(found)")
      }
    }
  }

  /// Singular matrices have orthogonal factors like any other; the singular values are those of the closed form.
  func testDecompositionOfSingularMatrices() {
    let line = Tensor([3, 3], [1, 2, 3, 2, 4, 6, -1, -2, -3])
    let x = stacked(singular, line, .zeros([3, 3]), identity)
    let (u, s, v) = svd3x3(x)
    let eye = identity.broadcast(to: x.shape)
    assertClose(matmul(u, u.permuted(0, 2, 1)), eye, tolerance: 1e-6, "u")
    assertClose(matmul(v, v.permuted(0, 2, 1)), eye, tolerance: 1e-6, "v")
    assertClose(matmul(u * s.reshaped(4, 1, 3), v.permuted(0, 2, 1)), x, tolerance: 1e-6, "together")
    // s² of the first: the roots of λ² − 285 λ + 324, the squares of its elements and of its cofactors added up; of the
    // second: 14 · 6.
    let root = (Double(285 * 285 - 4 * 324)).squareRoot()
    let expected = [(285 + root) / 2, (285 - root) / 2, 0, 84, 0, 0, 0, 0, 0, 1, 1, 1].map { Float($0.squareRoot()) }
    assertClose(s, Tensor([4, 3], expected), tolerance: 1e-6)
    let broken = svd3x3(Tensor([3, 3], [1, 2, 3, 4, .nan, 6, 7, 8, 9]))
    XCTAssertTrue((broken.u.scalars + broken.s.scalars + broken.v.scalars).allSatisfy(\.isNaN))
  }

  /// Equal singular values do no harm to the gradient of s, and none to that of u and v where no one asks for it.
  func testSingularValuesOfTheIdentityHaveAGradient() {
    let (_, gradients) = valueAndGradient(at: [identity], cotangent: .ones([3])) { svd3x3($0[0]).s }
    XCTAssertEqual(gradients[0].scalars, identity.scalars)
    let (_, others) = valueAndGradient(at: [identity], cotangent: Tensor([3, 3], [0, 1, 0, 0, 0, 0, 0, 0, 0])) {
      svd3x3($0[0]).u
    }
    XCTAssertFalse(others[0].scalars.allSatisfy(\.isFinite), "u has no gradient here, and says so")
  }

  /// InverseForm's geodesic distance between a transform and a turned one is the angle, its gradient is finite.
  func testGeodesicDistanceOfATurnIsItsAngle() {
    let angle = 0.3
    let (c, s) = (Float(cos(angle)), Float(sin(angle)))
    let turned = matmul(regular, Tensor([3, 3], [c, -s, 0, s, c, 0, 0, 0, 1]))
    let (value, gradients) = valueAndGradient(at: [regular, turned]) { inputs in
      let step = matmul(inverse3x3(inputs[0]), inputs[1])
      let nearest = polarFactor3x3(step, isRotation: true)
      let residual = (step - nearest).square().sum()
      return (((nearest * identity).sum() - 1) * 0.5).acos() + residual * 0.1
    }
    XCTAssertEqual(value.scalar, Float(angle), accuracy: 1e-5)
    XCTAssertTrue(gradients.allSatisfy { $0.scalars.allSatisfy(\.isFinite) })
    XCTAssertGreaterThan(gradients[1].scalars.map(abs).max()!, 0.1)
  }

  private func determinant(_ x: Tensor, _ matrix: Int) -> Float {
    let m = Array(x.scalars[(9 * matrix)..<(9 * matrix + 9)])
    let (first, second, third) = (m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6])
    return m[0] * first + m[1] * second + m[2] * third
  }
}
