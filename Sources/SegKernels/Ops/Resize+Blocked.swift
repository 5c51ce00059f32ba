import CSegKernels

// Resizing of images in channel blocks, forward and backward.
extension ResizeOperation {
  /// A tensor in channel blocks without padding, and the block; nil for others, which are resized plane by plane.
  func wholeBlocks(_ x: Tensor) -> (Tensor, Int)? {
    guard case .channelBlocked(let block) = x.layout, block == Int(kernels.channelBlock()), x.shape[1] % block == 0,
      x.count > 0
    else { return nil }
    return (x, block)
  }

  func resizedInBlocks(_ x: Tensor, _ block: Int) -> Tensor {
    let shape = outputShapes([x.shape])[0]
    var y = Tensor(uninitialized: shape, layout: x.layout)
    guard shape.elementCount > 0 else { return y }
    var step = SKMapStep(mapping: x, to: &y)
    step.planRows(block: block)
    step.run = kernels.resizeBlocked
    run(&step, x.shape)
    withExtendedLifetime(x) {}
    return y
  }

  func gradientInBlocks(_ dy: Tensor, _ block: Int, _ shape: Shape) -> Tensor {
    var dx = Tensor(uninitialized: shape, layout: dy.layout)
    var step = SKMapStep(mapping: dy, to: &dx)
    // The geometry is that of the resize itself: dy is its output.
    (step.geometry.height, step.geometry.width) = (Int32(shape[2]), Int32(shape[3]))
    (step.geometry.outputHeight, step.geometry.outputWidth) = (Int32(rows.count), Int32(columns.count))
    step.tasks = Int32(shape[0] * ceilingDivide(shape[1], block))
    step.run = kernels.resizeBlockedGradient
    run(&step, shape)
    withExtendedLifetime(dy) {}
    return dx
  }

  private func run(_ step: inout SKMapStep, _ input: Shape) {
    let rowTaps = taps(rows, input[2], size.height), columnTaps = taps(columns, input[3], size.width)
    rowTaps.withUnsafeBufferPointer { rowTaps in
      columnTaps.withUnsafeBufferPointer { columnTaps in
        step.rowTaps = rowTaps.baseAddress
        step.columnTaps = columnTaps.baseAddress
        step.run(scratch: 0)
      }
    }
  }
}
