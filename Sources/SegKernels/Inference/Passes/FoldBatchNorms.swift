extension Graph {
  /// Takes the norms of evaluation, and constant factors, into the convolutions before them:
  ///
  /// w′ = w · s and b′ = b · s + t; of a norm s = γ / √(variance + ε) and t = β − mean · s, in double precision.
  ///
  /// The weights themselves, which may be a result, stay as they are: s becomes the ``FusedConvolution/scale`` of the
  /// convolution, which is multiplied in when they are packed. A norm or a factor stays where its convolution has other
  /// users, or where a parameter is no constant.
  func foldingBatchNorms() -> Graph {
    var editor = GraphEditor(self)
    for index in nodes.indices {
      guard let map = editor.channelMap(index), let producer = editor.soleProducer(of: map.x) else { continue }
      let inputs = editor.nodes[producer].inputs
      let before: FusedConvolution
      switch editor.nodes[producer].operation {
      case let convolution as Conv2dOperation:
        before = FusedConvolution(convolution: convolution)
      case let convolution as FusedConvolution: before = convolution
      default: continue
      }
      let bias = inputs.count > 2 ? editor.constant(inputs[2]) : Tensor.zeros([map.scale.count])
      guard let bias else { continue }
      let scale = before.scale.map { zip($0, map.scale).map(*) } ?? map.scale
      let shift = bias.scalars.enumerated().map { Float(Double($1) * map.scale[$0] + map.shift[$0]) }
      editor.replace(
        index, absorbing: producer,
        with: FusedConvolution(convolution: before.convolution, scale: scale),
        inputs: [inputs[0], inputs[1], editor.addConstant(Tensor(bias.shape, shift))])
    }
    return editor.finish()
  }
}

extension GraphEditor {
  /// x · scale + shift by channel, if that is what a node does to a map x.
  fileprivate func channelMap(_ index: Int) -> (x: Graph.ValueID, scale: [Double], shift: [Double])? {
    let node = nodes[index], shape = values[node.outputs[0]].shape
    guard shape.rank == 4 else { return nil }
    switch node.operation {
    case let norm as BatchNormOperation:
      let p = node.inputs.dropFirst().compactMap(constant).map { $0.scalars.map(Double.init) }
      guard p.count == 4 else { return nil }
      let scale = p[0].indices.map { p[0][$0] / (p[3][$0] + Double(norm.epsilon)).squareRoot() }
      return (node.inputs[0], scale, scale.indices.map { p[1][$0] - p[2][$0] * scale[$0] })
    case BinaryOperation.multiply:
      for (x, factor) in [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])] {
        guard let factor = constant(factor), values[x].shape == shape else { continue }
        let isOne = factor.count == 1, zeros = [Double](repeating: 0, count: shape[1])
        guard isOne || Array(factor.shape.suffix(3)) == [shape[1], 1, 1] && factor.count == shape[1] else { continue }
        return (x, zeros.indices.map { Double(factor.scalars[isOne ? 0 : $0]) }, zeros)
      }
      return nil
    default: return nil
    }
  }
}
