extension Graph {
  /// Takes the norms of evaluation into the convolutions before them:
  ///
  /// w′ = w · s and b′ = β + (b − mean) · s, with s = γ / √(variance + ε), calculated in double precision.
  ///
  /// The weights themselves stay as they are: s becomes the ``FusedConvolution/scale`` of the convolution, which is
  /// multiplied in when they are packed. A norm stays where its convolution has other users, or where a parameter is no
  /// constant.
  func foldingBatchNorms() -> Graph {
    var editor = GraphEditor(self)
    for index in nodes.indices {
      let norm = editor.nodes[index]
      guard let operation = norm.operation as? BatchNormOperation,
        let producer = editor.soleProducer(of: norm.inputs[0]),
        let convolution = editor.nodes[producer].operation as? Conv2dOperation
      else { continue }
      let inputs = editor.nodes[producer].inputs
      let parameters = norm.inputs.dropFirst().compactMap(editor.constant)
      let bias = inputs.count > 2 ? editor.constant(inputs[2]) : Tensor.zeros(parameters[0].shape)
      guard parameters.count == 4, editor.constant(inputs[1]) != nil, let bias else { continue }
      let p = parameters.map { $0.scalars.map(Double.init) }
      let scale = p[0].indices.map { p[0][$0] / (p[3][$0] + Double(operation.epsilon)).squareRoot() }
      let shift = bias.scalars.enumerated().map { Float(p[1][$0] + (Double($1) - p[2][$0]) * scale[$0]) }
      editor.replace(
        index, absorbing: producer,
        with: FusedConvolution(convolution: convolution, scale: scale, hasAddend: false, rectifies: false),
        inputs: [inputs[0], inputs[1], editor.addConstant(Tensor(bias.shape, shift))])
    }
    return editor.finish()
  }
}
