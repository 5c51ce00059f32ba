import SegKernels

/// The transform that best explains how far boundaries are displaced in the cells of a tile.
///
/// A cell at place p says that boundaries are displaced there by d, a vector, and how sure it is, as a symmetric 2×2 matrix
/// W: along an edge a displacement cannot be seen. To first order a transform with coefficients θ displaces p by J(p) · θ.
/// The fit minimises
///
///     Σ over cells (J θ − d)ᵀ W (J θ − d) + |θ|²
///
/// which is solved by (Σ Jᵀ W J + I) θ = Σ Jᵀ W d; with nothing to be seen it is no transform. It is odd in d.
package struct TransformFit {
  private let count: Int
  private let cells: Int
  /// (2 · cells)×k: J, all first rows before all second.
  private let jacobian: Tensor
  /// k×k: the pull towards no transform.
  private let identity: Tensor
  /// (3 · cells)×k²: what W₁₁, W₁₂ and W₂₂ of each cell add to Σ Jᵀ W J.
  private let products: Tensor

  /// - Parameters:
  ///   - cells: rows and columns of cells.
  ///   - stride: pixels of a tile between the centres of cells; the first one's is the first pixel's.
  package init(_ transform: BoundaryTransform, cells: Int, stride: Int) {
    let k = transform.count, side = Double(cells * stride)
    func place(_ index: Int) -> Double { (Double(index * stride) + 0.5) * 2 / side - 1 }
    let rows = (0..<(cells * cells)).map { transform.jacobian(u: place($0 % cells), v: place($0 / cells)) }
    func outer(_ a: [Double], _ b: [Double]) -> [Float] { a.flatMap { x in b.map { y in Float(x * y) } } }
    count = k
    identity = Tensor([k, k], (0..<(k * k)).map { $0 % (k + 1) == 0 ? 1 : 0 })
    self.cells = cells
    jacobian = Tensor([2 * rows.count, k], (rows.map(\.x) + rows.map(\.y)).flatMap { $0.map { Float($0) } })
    let mixed = rows.map { row in zip(outer(row.x, row.y), outer(row.y, row.x)).map { $0 + $1 } }
    let all = rows.map { outer($0.x, $0.x) } + mixed + rows.map { outer($0.y, $0.y) }
    products = Tensor([3 * rows.count, k * k], all.flatMap { $0 })
  }

  /// J · θ in every cell, N×2×h×w in units of the largest shift, of coefficients N×k.
  package func displacements(of coefficients: Tensor) -> Tensor {
    matmul(coefficients, jacobian.permuted(1, 0)).reshaped(coefficients.shape[0], 2, cells, cells)
  }

  /// Coefficients N×k.
  ///
  /// - Parameters:
  ///   - displacements: d in units of the largest shift, N×2×h×w.
  ///   - roots: l₁₁, l₂₁, l₂₂ of W = L · Lᵀ, L lower, N×3×h×w.
  package func callAsFunction(displacements: Tensor, roots: Tensor) -> Tensor {
    let n = displacements.shape[0]
    func channel(_ x: Tensor, _ index: Int) -> Tensor { x.slice(axis: 1, index..<(index + 1)) }
    let (l11, l21, l22) = (channel(roots, 0), channel(roots, 1), channel(roots, 2))
    let (w11, w12, w22) = (l11.square(), l11 * l21, l21.square() + l22.square())
    let (dx, dy) = (channel(displacements, 0), channel(displacements, 1))
    let weighted = concatenate([w11 * dx + w12 * dy, w12 * dx + w22 * dy], axis: 1)
    let normal = matmul(concatenate([w11, w12, w22], axis: 1).reshaped(n, -1), products).reshaped(n, count, count)
    return solveSymmetric(normal + identity, matmul(weighted.reshaped(n, -1), jacobian))
  }
}
