import CSegKernels

extension Tensor {
  /// The same elements under another shape; one extent may be -1 and is worked out. No data move.
  public func reshaped(_ shape: Shape) -> Tensor { apply(ReshapeOperation(dimensions: shape.dimensions), to: self) }

  /// The same elements under another shape; one extent may be -1 and is worked out. No data move.
  public func reshaped(_ dimensions: Int...) -> Tensor { apply(ReshapeOperation(dimensions: dimensions), to: self) }

  /// The axes in another order: axis `i` of the result is axis `axes[i]` of this tensor.
  public func permuted(_ axes: Int...) -> Tensor { permuted(axes) }

  /// The axes in another order: axis `i` of the result is axis `axes[i]` of this tensor.
  public func permuted(_ axes: [Int]) -> Tensor { apply(PermuteOperation(axes: axes), to: self) }

  /// A two-dimensional tensor with rows and columns exchanged.
  public func transposed() -> Tensor { permuted(1, 0) }
}

/// The tensors one after the other along an axis.
public func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
  apply(ConcatenateOperation(axis: axis), to: tensors)[0]
}

/// The same elements, another shape.
struct ReshapeOperation: TensorOperation {
  let dimensions: [Int]

  let name = "reshape"
  var attributes: [(name: String, value: Attribute)] { [("shape", .integers(dimensions))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let known = dimensions.filter { $0 != -1 }.reduce(1, *)
    let unknown = dimensions.count { $0 == -1 }
    let count = inputs[0].elementCount
    check(
      unknown == 0 && known == count || unknown == 1 && known > 0 && count % known == 0, name,
      "shape \(inputs[0]) with \(count) elements does not fit \(dimensions)")
    return [Shape(dimensions.map { $0 == -1 ? count / known : $0 })]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    [inputs[0].viewed(as: outputShapes([inputs[0].shape])[0])]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    [gradients[0]!.viewed(as: context.inputShapes[0])]
  }
}

/// The axes in another order.
struct PermuteOperation: TensorOperation {
  let axes: [Int]

  let name = "permute"
  var attributes: [(name: String, value: Attribute)] { [("axes", .integers(axes))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(axes.sorted() == Array(inputs[0].indices), name, "axes \(axes) are no order of the axes of \(inputs[0])")
    return [Shape(axes.map { inputs[0][$0] })]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], kernels = kernels
    let shape = outputShapes([x.shape])[0]
    let plan = PermutationPlan(x.shape, axes)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress, shape.elementCount > 0 else { return }
        let p = x.pointer(for: name)
        plan.forEach { source, target, rows, columns in
          if plan.stepX == 1 {
            (y + target).update(from: p + source, count: columns)
          } else {
            kernels.transpose(p + source, plan.stepX, Int32(rows), Int32(columns), y + target, plan.stepY)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let inverse = axes.indices.map { axes.firstIndex(of: $0)! }
    return [apply(PermuteOperation(axes: inverse), to: gradients[0]!)]
  }
}

/// Tensors one after the other along an axis.
struct ConcatenateOperation: BlockedOperation {
  let axis: Int

  let name = "concatenate"
  var attributes: [(name: String, value: Attribute)] { [("axis", .integer(axis))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(!inputs.isEmpty, name, "needs at least one tensor")
    let axis = inputs[0].axis(self.axis, for: name)
    for shape in inputs.dropFirst() {
      check(
        shape.rank == inputs[0].rank
          && shape.replacing(axis: axis, with: 0) == inputs[0].replacing(axis: axis, with: 0),
        name, "shapes \(inputs[0]) and \(shape) differ beside axis \(axis)")
    }
    return [inputs[0].replacing(axis: axis, with: inputs.reduce(0) { $0 + $1[axis] })]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let shape = outputShapes(inputs.map(\.shape))[0]
    if let blocks = ConcatenatedBlocks(inputs, along: shape.axis(axis, for: name)) { return [blocks.joined(to: shape)] }
    let (outer, inner) = extents(around: shape)
    let row = shape.elementCount / max(outer, 1)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress else { return }
        var offset = 0
        for x in inputs {
          let width = x.shape[x.shape.axis(axis, for: name)] * inner
          x.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress else { return }
            // Long blocks in pieces, short ones several at a time.
            let pieces = max(1, width >> 16), piece = (width + pieces - 1) / pieces
            parallelRuns(outer * pieces, grain: max(1, (1 << 15) / max(piece, 1))) { tasks in
              for task in tasks {
                let (block, part) = task.quotientAndRemainder(dividingBy: pieces), first = part * piece
                let count = min(piece, width - first)
                if count > 0 {
                  (y + block * row + offset + first).update(from: x + block * width + first, count: count)
                }
              }
            }
          }
          offset += width
        }
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!
    if let parts = ConcatenatedBlocks.split(dy, context.inputShapes, along: dy.shape.axis(axis, for: name)) {
      return parts
    }
    let plain = dy.rowMajor()
    var start = 0
    return zip(context.inputShapes, context.needsGradient).map { shape, isNeeded in
      let extent = shape[shape.axis(axis, for: name)]
      defer { start += extent }
      return isNeeded ? plain.slice(axis: axis, start..<(start + extent)) : nil
    }
  }

  /// The number of blocks before the axis, and of floats after it.
  private func extents(around shape: Shape) -> (outer: Int, inner: Int) {
    let axis = shape.axis(self.axis, for: name)
    return (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
  }
}
