import CSegKernels

extension Tensor {
  /// The same value in row-major order; itself if it is already.
  package func rowMajor() -> Tensor {
    guard case .channelBlocked(let block) = layout else { return self }
    return relaid(as: .rowMajor, block: block)
  }

  /// The same `[N, C, H, W]` value with its channels in blocks, the last block padded with zeros.
  package func channelBlocked(_ block: Int) -> Tensor {
    check(rank == 4, "channelBlocked", "expected N×C×H×W, found shape \(shape)")
    if layout == .channelBlocked(block) { return self }
    return rowMajor().relaid(as: .channelBlocked(block), block: block)
  }

  /// The same value in the given layout.
  package func inLayout(_ layout: Layout) -> Tensor {
    switch layout {
    case .rowMajor: rowMajor()
    case .channelBlocked(let block): channelBlocked(block)
    }
  }

  /// The number of floats that are stored: with channels in blocks, the last block's padding too.
  var storedCount: Int { layout.storedCount(shape) }

  private func relaid(as target: Layout, block: Int) -> Tensor {
    var result = Tensor(uninitialized: shape, layout: target)
    // A tensor of another instruction set's block must be read by that set's kernels.
    let kernels = InstructionSet.allCases.reversed().lazy.compactMap { sk_kernels(Int32($0.rawValue))?.pointee }
      .first { Int($0.channelBlock()) == block }
    guard let kernels else { misuse("layout", "no kernels for blocks of \(block) channels") }
    guard count > 0 else { return result }
    var step = SKMapStep(mapping: self, to: &result)
    step.planRows(block: block)
    step.run = target == .rowMajor ? kernels.unblockChannels : kernels.blockChannels
    step.run(scratch: 0)
    withExtendedLifetime(self) {}
    result.trace = trace
    return result
  }
}
