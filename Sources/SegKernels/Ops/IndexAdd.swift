/// `x` with slices of `source` added at the places of an axis that `indices` name: y = x, then y[indices[i]] += source[i].
///
/// Semantics as PyTorch's `index_add`; slices that go to one place are added in order. Traps where shapes do not fit, or
/// an index is outside the axis.
///
/// - Parameters:
///   - x: what is added to.
///   - axis: negative axes count from the end.
///   - indices: one number for each slice of `source` along the axis, 0..<(extent of `x` there); they may repeat.
///   - source: the shape of `x`, but for its extent along the axis.
public func indexAdd(_ x: Tensor, axis: Int, indices: Labels, source: Tensor) -> Tensor {
  apply(IndexAddOperation(axis: axis, indices: indices), to: x, source)
}

/// y = x, y[indices[i]] += source[i]; dx = dy, dsource[i] = dy[indices[i]].
struct IndexAddOperation: TensorOperation {
  let axis: Int
  let indices: Labels

  let name = "indexAdd"
  var attributes: [(name: String, value: Attribute)] {
    [("axis", .integer(axis)), ("indices", .integers(indices.values.map(Int.init)))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, source) = (inputs[0], inputs[1]), axis = x.axis(self.axis, for: name)
    check(
      source.rank == x.rank && source.replacing(axis: axis, with: 0) == x.replacing(axis: axis, with: 0), name,
      "shapes \(x) and \(source) differ beside axis \(axis)")
    check(
      indices.shape == [source[axis]], name,
      "\(source[axis]) slices of shape \(source) take as many indices, found shape \(indices.shape)")
    return [x]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[1].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let source = inputs[1], axis = inputs[0].shape.axis(self.axis, for: name)
    indices.checkIndices(below: inputs[0].shape[axis], for: name)
    let columns = PairedColumns(source.shape, inputs[0].shape, axis: axis)
    var y = inputs[0]
    y.withUnsafeMutableBufferPointer { y in
      guard let y = y.baseAddress, source.count > 0 else { return }
      let p = source.pointer(for: name)
      indices.withUnsafeBufferPointer { indices in
        let indices = indices.baseAddress!
        columns.forEach { start, target, count in
          for row in 0..<columns.extent {
            let from = p + start + row * columns.step
            let to = y + target + Int(indices[row]) * columns.otherStep
            for i in 0..<count { to[i] += from[i] }
          }
        }
      }
      withExtendedLifetime(source) {}
    }
    return [y]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!, axis = dy.shape.axis(self.axis, for: name)
    let pick = IndexMapOperation(name: name, axis: axis, sources: indices.values.map(Int.init), filler: 0)
    return [dy, context.needsGradient[1] ? apply(pick, to: dy) : nil]
  }
}
