/// The inverses of 3×3 matrices […, 3, 3], computed in double precision.
///
/// Y = X⁻¹ with dX = −Yᵀ · dY · Yᵀ. A matrix whose determinant is 0, or cannot be told from 0 in double precision, has no
/// inverse: its result and its gradient are NaN throughout, and the other matrices of the batch are not touched by that.
/// Traps unless the last two axes are 3×3.
public func inverse3x3(_ x: Tensor) -> Tensor { apply(Inverse3x3Operation(), to: x) }

/// Y = X⁻¹, dX = −Yᵀ · dY · Yᵀ.
struct Inverse3x3Operation: TensorOperation {
  let name = "inverse3x3"

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    checkMatrices(inputs[0], for: name)
    return inputs
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 5 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    return [mapMatrices(inputs[0], inputs[0], for: name) { x, _ in x.inverse }]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [
      mapMatrices(context.saved[0], gradients[0]!.rowMajor(), for: name) { x, dy in
        // Inverted again rather than kept: the result was rounded to floats.
        let y = x.inverse.transposed
        return -(y * dy * y)
      }
    ]
  }
}
