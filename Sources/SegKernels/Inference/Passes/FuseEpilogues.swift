extension Graph {
  /// Takes bias, addition and ReLU into the convolution or resize before them, as far as no one else needs the value
  /// between: every output element is then written once.
  ///
  /// Of a sum's two operands, either may absorb it; the one made later is asked first.
  func fusingEpilogues() -> Graph {
    var editor = GraphEditor(self)
    for index in nodes.indices {
      let node = editor.nodes[index]
      switch node.operation {
      case let convolution as Conv2dOperation:
        let channels = editor.values[node.inputs[1]].shape[0]
        let bias = node.inputs.count > 2 ? node.inputs[2] : editor.addConstant(.zeros([channels]))
        editor.replace(
          index, with: FusedConvolution(convolution: convolution),
          inputs: [node.inputs[0], node.inputs[1], bias])
      case let resize as ResizeOperation:
        editor.replace(
          index, with: FusedResize(resize: resize, hasAddend: false, rectifies: false), inputs: node.inputs)
      case UnaryOperation.relu:
        guard let producer = editor.soleProducer(of: node.inputs[0]),
          let rectified = (editor.nodes[producer].operation as? any FusedOperation)?.rectified
        else { continue }
        editor.replace(index, absorbing: producer, with: rectified, inputs: editor.nodes[producer].inputs)
      case BinaryOperation.add:
        fuseSum(index, &editor)
      default: continue
      }
    }
    return editor.finish()
  }

  private func fuseSum(_ index: Int, _ editor: inout GraphEditor) {
    let operands = editor.nodes[index].inputs
    // Broadcasting stays an operation of its own.
    guard operands[0] != operands[1], editor.values[operands[0]].shape == editor.values[operands[1]].shape else {
      return
    }
    let candidates = operands.enumerated().compactMap { side, id in
      editor.soleProducer(of: id).map { (producer: $0, other: operands[1 - side]) }
    }
    for (producer, other) in candidates.sorted(by: { $0.producer > $1.producer }) {
      guard let sum = (editor.nodes[producer].operation as? any FusedOperation)?.added else { continue }
      // Fused, the operation takes place where the sum did: there, both operands exist.
      return editor.replace(
        index, absorbing: producer, with: sum, inputs: editor.nodes[producer].inputs + [other])
    }
  }
}
