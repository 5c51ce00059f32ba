import CSegKernels

/// The elements that `indices` name along an axis: y[i, j, k] = x[i, indices[i, j, k], k] along axis 1 of three.
///
/// Semantics as PyTorch's `gather`: the result has the shape of the indices, which off the axis may be smaller than `x`.
/// The gradient of an element that is named several times is the sum of theirs. Traps where shapes do not fit, or an
/// index is outside the axis.
///
/// - Parameters:
///   - x: where elements are taken from.
///   - axis: negative axes count from the end.
///   - indices: as many axes as `x`, each value 0..<(extent of `x` along the axis).
public func gather(_ x: Tensor, axis: Int, indices: Labels) -> Tensor {
  apply(GatherOperation(axis: axis, indices: indices), to: x)
}

/// y[…, i, …] = x[…, indices[…, i, …], …]; its gradient adds up at the places that were read.
struct GatherOperation: TensorOperation {
  let axis: Int
  let indices: Labels

  let name = "gather"
  var attributes: [(name: String, value: Attribute)] {
    [("axis", .integer(axis)), ("indices", .integers(indices.values.map(Int.init)))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0], axis = x.axis(self.axis, for: name)
    check(
      indices.shape.rank == x.rank && x.indices.allSatisfy { $0 == axis || indices.shape[$0] <= x[$0] }, name,
      "indices of shape \(indices.shape) do not fit into shape \(x) beside axis \(axis)")
    return [indices.shape]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], axis = x.shape.axis(self.axis, for: name)
    indices.checkIndices(below: x.shape[axis], for: name)
    let columns = PairedColumns(indices.shape, x.shape, axis: axis), kernels = kernels
    return [
      Tensor(uninitialized: indices.shape) { y in
        guard let y = y.baseAddress, indices.count > 0 else { return }
        let p = x.pointer(for: name)
        indices.withUnsafeBufferPointer { indices in
          let indices = indices.baseAddress!
          columns.forEach { start, source, count in
            kernels.take(
              p + source, columns.otherStep, indices + start, columns.extent, columns.step, y + start, count)
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), shape = context.inputShapes[0], kernels = kernels
    let columns = PairedColumns(indices.shape, shape, axis: shape.axis(axis, for: name))
    var dx = Tensor.zeros(shape)
    dx.withUnsafeMutableBufferPointer { dx in
      guard let dx = dx.baseAddress, indices.count > 0 else { return }
      let d = dy.pointer(for: name)
      indices.withUnsafeBufferPointer { indices in
        let indices = indices.baseAddress!
        columns.forEach { start, target, count in
          kernels.give(
            d + start, columns.otherStep, indices + start, columns.extent, columns.step, dx + target, count)
        }
      }
      withExtendedLifetime(dy) {}
    }
    return [dx]
  }
}

extension Labels {
  /// Traps, naming the operation, unless all values are indices 0..<extent.
  func checkIndices(below extent: Int, for operation: String) {
    guard let value = stranger(to: extent, ignoring: nil) else { return }
    misuse(operation, "index \(value) is not one of 0..<\(extent)")
  }

  /// Traps, naming the operation, unless all values are classes or `ignoreIndex`.
  func checkClasses(_ classes: Int, ignoreIndex: Int32, for operation: String) {
    guard let value = stranger(to: classes, ignoring: ignoreIndex) else { return }
    misuse(operation, "label \(value) is neither 0..<\(classes) nor \(ignoreIndex)")
  }

  /// A value that is neither one of 0..<count nor ignored, if there is one.
  ///
  /// Looked for apart from the loops that read by index, so that those need not look.
  func stranger(to count: Int, ignoring ignored: Int32?) -> Int32? {
    let kernels = kernels, grain = 1 << 15
    return withUnsafeBufferPointer { values in
      guard let values = values.baseAddress, self.count > 0 else { return nil }
      if count == 0, ignored == nil { return values[0] }
      var found = [Int32](repeating: 0, count: ceilingDivide(self.count, grain))
      found.withUnsafeMutableBufferPointer { found in
        guard let found = found.baseAddress else { return }
        parallelRuns(self.count, grain: grain) {
          // To ignore an index changes nothing.
          found[$0.lowerBound / grain] = kernels.hasStranger(
            values + $0.lowerBound, $0.count, Int32(count), ignored ?? Int32(max(count - 1, 0)))
        }
      }
      return found.contains(1) ? self.values.first { ($0 < 0 || $0 >= count) && $0 != ignored } : nil
    }
  }
}
