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

  /// Moves every element between the two layouts. The operation's own kernels convert faster; this is the plain form.
  private func relaid(as target: Layout, block: Int) -> Tensor {
    let source = pointer(for: "layout conversion")
    var result = Tensor(uninitialized: shape, layout: target)
    let destination = result.exclusivePointer()
    let (channels, area) = (shape[1], shape[2] * shape[3])
    let blocks = (channels + block - 1) / block
    for image in 0..<shape[0] {
      for channel in 0..<(blocks * block) {
        let blocked = (image * blocks + channel / block) * area * block + channel % block
        let plain = (image * channels + channel) * area
        for pixel in 0..<area {
          if target == .rowMajor {
            if channel < channels { destination[plain + pixel] = source[blocked + pixel * block] }
          } else {
            destination[blocked + pixel * block] = channel < channels ? source[plain + pixel] : 0
          }
        }
      }
    }
    withExtendedLifetime(self) {}
    result.trace = trace
    return result
  }
}
