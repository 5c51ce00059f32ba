import SegKernels

/// A batch whose samples the processes of a group hold, as a whole, in every process: for losses that are no sums over
/// pixels.
///
/// Each process then computes the same from it. The gradient is that of the **sum over processes** of what they compute:
/// so a process that adds up a loss of the whole batch divides it by the number of processes.
///
/// - Parameters:
///   - x: N×…, of the same shape in every process.
///   - group: the processes that hold the batch together.
/// - Returns: (size · N)×…, in the order of ranks.
public func gathered(_ x: Tensor, from group: any ProcessGroup) -> Tensor {
  apply(GatherOperation(group: group), to: x)
}

/// Labels that the processes of a group hold, as a whole, in every process.
public func gathered(_ labels: Labels, from group: any ProcessGroup) -> Labels {
  Labels(uninitialized: whole(labels.shape, group)) { all in
    labels.withUnsafeBufferPointer {
      group.gather(UnsafeRawBufferPointer($0), into: UnsafeMutableRawBufferPointer(all))
    }
  }
}

private func whole(_ shape: Shape, _ group: any ProcessGroup) -> Shape {
  check(shape.rank >= 1, "gathered", "expected samples along the first axis, found a scalar")
  return Shape([shape[0] * group.size] + shape.dropFirst())
}

struct GatherOperation: TensorOperation {
  let group: any ProcessGroup

  var name: String { "gathered" }
  var attributes: [(name: String, value: Attribute)] { [("processes", .integer(group.size))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] { [whole(inputs[0], group)] }
  func floatingPointOperations(_ inputs: [Shape]) -> Int { 0 }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    [
      Tensor(uninitialized: whole(inputs[0].shape, group)) { all in
        inputs[0].withUnsafeBufferPointer {
          group.gather(UnsafeRawBufferPointer($0), into: UnsafeMutableRawBufferPointer(all))
        }
      }
    ]
  }

  /// All processes compute the same, so what reaches this one's samples is `size` times its own gradient there.
  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let samples = context.inputShapes[0][0]
    return [gradients[0]!.slice(axis: 0, (group.rank * samples)..<((group.rank + 1) * samples)) * Float(group.size)]
  }
}
