/// Images in channel blocks that are joined along their channels: whole blocks, which move as they are.
struct ConcatenatedBlocks {
  private let parts: [Tensor]
  private let layout: Layout

  /// - Returns: nil unless all parts are in the same blocks and none has padding.
  init?(_ parts: [Tensor], along axis: Int) {
    guard axis == 1, case .channelBlocked(let block) = parts[0].layout,
      parts.allSatisfy({ $0.layout == parts[0].layout && $0.shape[1] % block == 0 })
    else { return nil }
    self.parts = parts
    layout = parts[0].layout
  }

  func joined(to shape: Shape) -> Tensor {
    var y = Tensor(uninitialized: shape, layout: layout)
    let target = y.exclusivePointer(), row = shape.elementCount / max(shape[0], 1)
    var offset = 0
    for part in parts {
      let source = part.pointer(for: "concatenate"), width = part.count / max(shape[0], 1)
      parallelFor(shape[0]) { (target + $0 * row + offset).update(from: source + $0 * width, count: width) }
      withExtendedLifetime(part) {}
      offset += width
    }
    return y
  }

  /// The parts of a joined tensor; nil as above.
  static func split(_ joined: Tensor, _ shapes: [Shape], along axis: Int) -> [Tensor]? {
    guard axis == 1, case .channelBlocked(let block) = joined.layout, shapes.allSatisfy({ $0[1] % block == 0 })
    else { return nil }
    let source = joined.pointer(for: "concatenate"), images = joined.shape[0]
    let row = joined.count / max(images, 1)
    var offset = 0
    return shapes.map { shape in
      var part = Tensor(uninitialized: shape, layout: joined.layout)
      let target = part.exclusivePointer(), width = shape.elementCount / max(images, 1)
      parallelFor(images) { (target + $0 * width).update(from: source + $0 * row + offset, count: width) }
      offset += width
      return part
    }
  }
}
