extension Graph {
  /// Takes the norms of evaluation into the convolutions before them:
  ///
  /// w′ = w · s and b′ = β + (b − mean) · s, with s = γ / √(variance + ε), calculated in double precision.
  ///
  /// A norm stays where its convolution has other users, or where a parameter is no constant.
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
      guard parameters.count == 4, let weight = editor.constant(inputs[1]), let bias else { continue }
      let folded = fold(weight, bias, parameters, epsilon: operation.epsilon)
      editor.replace(
        index, absorbing: producer, with: convolution,
        inputs: [
          inputs[0], editor.addConstant(folded.weight, name: values[inputs[1]].name), editor.addConstant(folded.bias),
        ])
    }
    return editor.finish()
  }

  /// - Parameter parameters: γ, β, mean and variance.
  private func fold(
    _ weight: Tensor, _ bias: Tensor, _ parameters: [Tensor], epsilon: Float
  ) -> (weight: Tensor, bias: Tensor) {
    let p = parameters.map { $0.scalars.map(Double.init) }
    let scale = p[0].indices.map { p[0][$0] / (p[3][$0] + Double(epsilon)).squareRoot() }
    let shift = bias.scalars.enumerated().map { Float(p[1][$0] + (Double($1) - p[2][$0]) * scale[$0]) }
    let row = weight.count / max(weight.shape[0], 1)
    let folded = Tensor(uninitialized: weight.shape) { target in
      weight.withUnsafeBufferPointer { source in
        for (o, scale) in scale.enumerated() {
          for i in (o * row)..<((o + 1) * row) { target[i] = Float(Double(source[i]) * scale) }
        }
      }
    }
    return (folded, Tensor(bias.shape, shift))
  }
}
