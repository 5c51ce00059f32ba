extension Graph {
  /// Makes chains of the elementwise operations on images, as far as no one else needs the value between; and lets
  /// convolutions do those chains that need no other map.
  ///
  /// Comes after ``fusingEpilogues()``, which takes sums and ReLUs that a kernel does by itself.
  func fusingElementwise() -> Graph {
    var editor = GraphEditor(self)
    for index in nodes.indices where editor.values[editor.nodes[index].outputs[0]].shape.rank == 4 {
      if let link = editor.chainLink(index) { editor.extend(index, by: link) }
    }
    for index in nodes.indices {
      guard let chain = editor.nodes[index].operation as? ElementwiseChain, !chain.hasAddend, !chain.hasGate,
        // A chain that another one has absorbed has no inputs left.
        let x = editor.nodes[index].inputs.first, let producer = editor.soleProducer(of: x),
        var convolution = editor.nodes[producer].operation as? FusedConvolution, convolution.chain == nil
      else { continue }
      convolution.chain = chain
      editor.replace(index, absorbing: producer, with: convolution, inputs: editor.nodes[producer].inputs)
    }
    return editor.finish()
  }
}

/// What a node does to its value: the links, and with which other value.
private struct ChainLink {
  let value: Graph.ValueID
  let links: [ElementwiseChain.Link]
  var addend: Graph.ValueID?
  var gate: Graph.ValueID?
}

extension GraphEditor {
  /// Puts a chain in a node's place: one that goes on with the chain before it, where that is nobody else's.
  fileprivate mutating func extend(_ index: Int, by link: ChainLink) {
    let producer = soleProducer(of: link.value)
    if let producer, var chain = nodes[producer].operation as? ElementwiseChain,
      !(chain.hasAddend && link.addend != nil), !(chain.hasGate && link.gate != nil)
    {
      var inputs = nodes[producer].inputs
      if let addend = link.addend { inputs.insert(addend, at: 1) }
      if let gate = link.gate { inputs.append(gate) }
      chain.links += link.links
      chain.hasAddend = chain.hasAddend || link.addend != nil
      chain.hasGate = chain.hasGate || link.gate != nil
      return replace(index, absorbing: producer, with: chain, inputs: inputs)
    }
    let chain = ElementwiseChain(links: link.links, hasAddend: link.addend != nil, hasGate: link.gate != nil)
    replace(index, with: chain, inputs: [link.value] + [link.addend, link.gate].compactMap { $0 })
  }

  /// A node as a link; nil where it is none.
  fileprivate mutating func chainLink(_ index: Int) -> ChainLink? {
    let node = nodes[index]
    switch node.operation {
    case let operation as UnaryOperation: return ChainLink(value: node.inputs[0], links: [.each(operation)])
    case let clamp as ClampOperation: return ChainLink(value: node.inputs[0], links: [.clamp(clamp.range)])
    case let operation as BinaryOperation:
      let (a, b) = (node.inputs[0], node.inputs[1])
      return numberLink(operation, index, a, b) ?? combinedLink(operation, index, a, b)
    default: return nil
    }
  }

  /// A map and one number.
  private func numberLink(
    _ operation: BinaryOperation, _ index: Int, _ a: Graph.ValueID, _ b: Graph.ValueID
  ) -> ChainLink? {
    let shape = values[nodes[index].outputs[0]].shape
    func number(_ id: Graph.ValueID) -> Float? {
      // No clamp begins or ends at what is not a number.
      constant(id).flatMap { $0.count == 1 && !$0.scalars[0].isNaN ? $0.scalars[0] : nil }
    }
    if values[a].shape == shape, let c = number(b) {
      switch operation {
      case .add: return ChainLink(value: a, links: [.affine(scale: 1, shift: c)])
      case .subtract: return ChainLink(value: a, links: [.affine(scale: 1, shift: -c)])
      // −0 leaves the sign of zeros alone.
      case .multiply: return ChainLink(value: a, links: [.affine(scale: c, shift: -0.0)])
      // By a number whose inverse is one; the others have too few bits, or none.
      case .divide: return (1 / c).isNormal ? ChainLink(value: a, links: [.affine(scale: 1 / c, shift: -0.0)]) : nil
      case .maximum: return ChainLink(value: a, links: [.clamp(c...Float.infinity)])
      case .minimum: return ChainLink(value: a, links: [.clamp(-Float.infinity...c)])
      case .atan2: return nil
      }
    }
    if values[b].shape == shape, let c = number(a) {
      switch operation {
      case .add: return ChainLink(value: b, links: [.affine(scale: 1, shift: c)])
      case .subtract: return ChainLink(value: b, links: [.affine(scale: -1, shift: c)])
      case .multiply: return ChainLink(value: b, links: [.affine(scale: c, shift: -0.0)])
      case .divide: return nil
      case .maximum: return ChainLink(value: b, links: [.clamp(c...Float.infinity)])
      case .minimum: return ChainLink(value: b, links: [.clamp(-Float.infinity...c)])
      case .atan2: return nil
      }
    }
    return nil
  }

  /// Two maps, or a map and a number for each channel.
  private mutating func combinedLink(
    _ operation: BinaryOperation, _ index: Int, _ a: Graph.ValueID, _ b: Graph.ValueID
  ) -> ChainLink? {
    let shape = values[nodes[index].outputs[0]].shape
    let sides: [(value: Graph.ValueID, other: Graph.ValueID, combination: ElementwiseChain.Combination)]
    switch operation {
    case .add: sides = [(a, b, .add), (b, a, .add)]
    case .subtract: sides = [(a, b, .subtract), (b, a, .subtractFrom)]
    case .multiply: sides = [(a, b, .multiply), (b, a, .multiply)]
    default: return nil
    }
    if a == b { return ChainLink(value: a, links: [.combine(sides[0].combination, .start)]) }
    func chain(before id: Graph.ValueID) -> (chain: ElementwiseChain, start: Graph.ValueID)? {
      guard let producer = soleProducer(of: id), let chain = nodes[producer].operation as? ElementwiseChain else {
        return nil
      }
      return (chain, nodes[producer].inputs[0])
    }
    // The operand that the other one was made of: x · sigmoid(x).
    for side in sides where chain(before: side.value)?.start == side.other {
      return ChainLink(value: side.value, links: [.combine(side.combination, .start)])
    }
    if values[a].shape == shape, values[b].shape == shape {
      // Best what goes on with a chain.
      let side = sides.first { chain(before: $0.value).map { !$0.chain.hasAddend } ?? false } ?? sides[0]
      return ChainLink(value: side.value, links: [.combine(side.combination, .addend)], addend: side.other)
    }
    for side in sides where values[side.value].shape == shape {
      guard let gate = gate(side.other, of: shape) else { continue }
      return ChainLink(value: side.value, links: [.combine(side.combination, .gate)], gate: gate)
    }
    return nil
  }

  /// A value of one number for each channel, in the shape that kernels know: N×C×1×1 or, of a constant, 1×C×1×1.
  private mutating func gate(_ id: Graph.ValueID, of map: Shape) -> Graph.ValueID? {
    let shape = values[id].shape
    if shape == [map[0], map[1], 1, 1] { return id }
    guard let tensor = constant(id), tensor.count == map[1], shape.rank >= 3,
      Array(shape.suffix(3)) == [map[1], 1, 1]
    else { return nil }
    return addConstant(tensor.reshaped(1, map[1], 1, 1))
  }
}
