import CSegKernels

/// How `pad` fills what it adds.
public enum Padding: Sendable, Hashable {
  /// A constant, mostly 0.
  case constant(Float)
  /// The neighbours mirrored at the edge, which is not repeated.
  case reflect
  /// The outermost pixels repeated.
  case replicate
}

extension Tensor {
  /// The elements `range` of one axis, every `step`-th of them.
  public func slice(axis: Int, _ range: Range<Int>, step: Int = 1) -> Tensor {
    let axis = shape.axis(axis, for: "slice")
    check(step >= 1, "slice", "the step must be at least 1, found \(step)")
    check(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "slice",
      "\(range) is outside axis \(axis) of shape \(shape)")
    return mapped("slice", axis, Array(stride(from: range.lowerBound, to: range.upperBound, by: step)))
  }

  /// The axis in reverse order.
  public func flipped(axis: Int) -> Tensor {
    let axis = shape.axis(axis, for: "flip")
    return mapped("flip", axis, (0..<shape[axis]).reversed())
  }

  /// Rows and columns added around an image `[…, H, W]`; negative numbers take them away.
  public func padded(top: Int, bottom: Int, left: Int, right: Int, with padding: Padding = .constant(0)) -> Tensor {
    check(rank >= 2, "pad", "expected rows and columns, found shape \(shape)")
    return padded(axis: rank - 2, before: top, after: bottom, with: padding)
      .padded(axis: rank - 1, before: left, after: right, with: padding)
  }

  /// Elements added before and after those of one axis; negative numbers take them away.
  public func padded(axis: Int, before: Int, after: Int, with padding: Padding = .constant(0)) -> Tensor {
    let axis = shape.axis(axis, for: "pad")
    let extent = shape[axis]
    guard before != 0 || after != 0 else { return self }
    check(extent + before + after >= 0, "pad", "(\(before), \(after)) takes more than axis \(axis) of \(shape) has")
    let places = -before..<(extent + after)
    switch padding {
    case .constant(let value):
      return mapped("pad", axis, places.map { (0..<extent).contains($0) ? $0 : -1 }, filler: value)
    case .reflect:
      check(
        before < extent && after < extent, "pad",
        "reflecting (\(before), \(after)) needs a longer axis \(axis) than that of shape \(shape)")
      return mapped("pad", axis, places.map { $0 < 0 ? -$0 : ($0 >= extent ? 2 * (extent - 1) - $0 : $0) })
    case .replicate:
      check(extent > 0, "pad", "axis \(axis) of shape \(shape) has nothing to repeat")
      return mapped("pad", axis, places.map { min(max($0, 0), extent - 1) })
    }
  }

  private func mapped(_ name: String, _ axis: Int, _ sources: [Int], filler: Float = 0) -> Tensor {
    apply(IndexMapOperation(name: name, axis: axis, sources: sources, filler: filler), to: self)
  }
}

/// Slices of a tensor, by number: y[…, i, …] = x[…, indices[i], …] along an axis; semantics as PyTorch's `index_select`.
///
/// The gradient of a slice that is named several times is the sum of theirs. Traps where an index is outside the axis.
///
/// - Parameters:
///   - x: where slices are taken from.
///   - axis: negative axes count from the end.
///   - indices: one axis.
public func indexSelect(_ x: Tensor, axis: Int, indices: Labels) -> Tensor {
  let axis = x.shape.axis(axis, for: "indexSelect")
  check(indices.shape.rank == 1, "indexSelect", "expected indices of one axis, found shape \(indices.shape)")
  indices.checkIndices(below: x.shape[axis], for: "indexSelect")
  return apply(
    IndexMapOperation(name: "indexSelect", axis: axis, sources: indices.values.map(Int.init), filler: 0), to: x)
}

/// Element `i` of an axis of the result is element `sources[i]` of the input, or a constant where that is -1: what
/// slicing, flipping and every kind of padding have in common. Its gradient adds up what went to several places.
struct IndexMapOperation: TensorOperation {
  let name: String
  let axis: Int
  let sources: [Int]
  let filler: Float

  var attributes: [(name: String, value: Attribute)] {
    [("axis", .integer(axis)), ("sources", .integers(sources)), ("filler", .real(filler))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [inputs[0].replacing(axis: axis, with: sources.count)] }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], kernels = kernels
    let shape = outputShapes([x.shape])[0], runs = IndexRuns(sources, x.shape, axis: axis)
    return [
      Tensor(uninitialized: shape) { y in
        guard let y = y.baseAddress, shape.elementCount > 0 else { return }
        if x.count == 0 { return y.update(repeating: filler, count: shape.elementCount) }
        let p = x.pointer(for: name)
        runs.forEachPart { part in
          runs.forEach(in: part) { target, source, step, count in
            if let source {
              kernels.pick(p + source, runs.sourceRow, step, y + target, runs.row, count, part.rows)
            } else {
              for row in 0..<part.rows { (y + target + row * runs.row).update(repeating: filler, count: count) }
            }
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), shape = context.inputShapes[0], kernels = kernels
    let runs = IndexRuns(sources, shape, axis: axis)
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress, shape.elementCount > 0 else { return }
        let d = dy.pointer(for: name)
        runs.forEachPart { part in
          // What a part reads from is its own.
          runs.forEachSource(in: part) { (dx + $0).update(repeating: 0, count: $1) }
          runs.forEach(in: part) { target, source, step, count in
            if let source {
              kernels.spread(d + target, runs.row, step, dx + source, runs.sourceRow, count, part.rows)
            }
          }
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }
}
