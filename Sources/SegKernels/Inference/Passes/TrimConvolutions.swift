extension Graph {
  /// Takes zeros around an image into the convolution that follows, and takes away the rows and columns of kernels that
  /// never meet the image: of a dilation as large as the map, all but the middle ones.
  ///
  /// Comes after ``fusingEpilogues()``, which makes every convolution a ``FusedConvolution``.
  ///
  /// - Parameter weights: where what is left of kernels is kept.
  func trimmingConvolutions(_ weights: PackedWeights) -> Graph {
    var editor = GraphEditor(self)
    for index in nodes.indices where editor.nodes[index].operation is FusedConvolution {
      editor.absorbPadding(index)
      editor.trimKernel(index, weights)
    }
    return editor.finish()
  }
}

extension GraphEditor {
  fileprivate mutating func absorbPadding(_ index: Int) {
    var inputs = nodes[index].inputs
    guard var fused = nodes[index].operation as? FusedConvolution else { return }
    var border = fused.border
    while let producer = producer(of: inputs[0]), let zeros = zeros(producer) {
      let extent = values[nodes[producer].inputs[0]].shape[zeros.axis]
      if zeros.axis == 2 {
        border.top += zeros.before
        border.bottom += zeros.count - zeros.before - extent
      } else {
        border.left += zeros.before
        border.right += zeros.count - zeros.before - extent
      }
      inputs[0] = nodes[producer].inputs[0]
    }
    guard inputs[0] != nodes[index].inputs[0] else { return }
    fused.border = border
    replace(index, with: fused, inputs: inputs)
  }

  /// A node that puts zeros before and after the rows or columns of images.
  private func zeros(_ index: Int) -> (axis: Int, before: Int, count: Int)? {
    guard let map = nodes[index].operation as? IndexMapOperation, map.filler == 0, map.axis >= 2 else { return nil }
    let shape = values[nodes[index].inputs[0]].shape
    guard shape.rank == 4, let before = map.sources.firstIndex(of: 0),
      before + shape[map.axis] <= map.sources.count
    else { return nil }
    let inside = before..<(before + shape[map.axis])
    let isPadding = map.sources.indices.allSatisfy { map.sources[$0] == (inside.contains($0) ? $0 - before : -1) }
    return isPadding ? (map.axis, before, map.sources.count) : nil
  }

  fileprivate mutating func trimKernel(_ index: Int, _ weights: PackedWeights) {
    var inputs = nodes[index].inputs
    guard var fused = nodes[index].operation as? FusedConvolution, let weight = constant(inputs[1]) else { return }
    let x = values[inputs[0]].shape, y = values[nodes[index].outputs[0]].shape, window = fused.convolution.window
    /// The taps along one direction that meet the image from some output.
    func taps(_ kernel: Int, _ stride: Int, _ dilation: Int, _ before: Int, _ extent: Int, _ outputs: Int) -> Range<Int>
    {
      let meeting = (0..<kernel).filter { tap in
        let first = tap * dilation - before
        return first < extent && first + (outputs - 1) * stride >= 0
      }
      return meeting.isEmpty ? 0..<1 : meeting.first!..<(meeting.last! + 1)
    }
    let top = window.padding.height + fused.border.top, left = window.padding.width + fused.border.left
    let rows = taps(window.kernel.height, window.stride.height, window.dilation.height, top, x[2], y[2])
    let columns = taps(window.kernel.width, window.stride.width, window.dilation.width, left, x[3], y[3])
    guard rows.count < window.kernel.height || columns.count < window.kernel.width else { return }
    var trimmed = window
    trimmed.kernel = Pair(height: rows.count, width: columns.count)
    trimmed.padding = 0
    // What is left of the border follows from the outputs; it is negative where the image's edge is never read.
    fused.border.top = top - rows.lowerBound * window.dilation.height
    fused.border.left = left - columns.lowerBound * window.dilation.width
    fused.border.bottom =
      (y[2] - 1) * window.stride.height + (rows.count - 1) * window.dilation.height + 1 - x[2] - fused.border.top
    fused.border.right =
      (y[3] - 1) * window.stride.width + (columns.count - 1) * window.dilation.width + 1 - x[3] - fused.border.left
    fused.convolution = Conv2dOperation(window: trimmed, groups: fused.convolution.groups)
    inputs[1] = addConstant(weights.part(of: weight, rows: rows, columns: columns))
    replace(index, with: fused, inputs: inputs)
  }
}
