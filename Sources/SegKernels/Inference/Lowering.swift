import CSegKernels

/// From a graph's nodes to steps: which values are in channel blocks, which buffer holds them, and for how long.
struct Lowering {
  let graph: Graph
  let weights: PackedWeights
  let forced: ConvolutionAlgorithm?
  let kernels = SegKernels.kernels
  let block: Int

  private(set) var steps: [Program.Step] = []
  private(set) var buffers: [ArenaPlan.Buffer] = []
  private(set) var scratchCount = 0
  /// Where values are, row-major and in blocks; some are in both forms.
  private var plain: [Graph.ValueID: Program.Location] = [:]
  private var blocked: [Graph.ValueID: Program.Location] = [:]
  /// Where values shall be made that are parts of a concatenation.
  private var reserved: [Graph.ValueID: Program.Location] = [:]
  /// The output whose memory a value may be made in: the value is that output, or the same rows in another shape.
  private var homes: [Graph.ValueID: Int] = [:]
  /// The buffers that hold several values: concatenations, and what channels are cut out of.
  private var shared: Set<Int> = []
  /// The last node that takes a value; outputs are needed beyond all.
  private var lastUse: [Graph.ValueID: Int] = [:]
  /// The node being lowered.
  private var current = 0

  init(_ graph: Graph, _ weights: PackedWeights, _ forced: ConvolutionAlgorithm?) {
    self.graph = graph
    self.weights = weights
    self.forced = forced
    block = Int(kernels.channelBlock())
  }

  mutating func lower() {
    for (index, id) in graph.inputs.enumerated() { plain[id] = rowMajor(.input(index), id) }
    for (id, value) in graph.values.enumerated() {
      if case .constant(let tensor) = value.source { plain[id] = rowMajor(.constant(tensor.rowMajor()), id) }
    }
    for (index, node) in graph.nodes.enumerated() { for id in node.inputs { lastUse[id] = index } }
    for id in graph.outputs { lastUse[id] = Int.max }
    findHomes()
    for node in graph.nodes { reserveParts(of: node) }
    for (index, node) in graph.nodes.enumerated() {
      current = index
      if !lowerView(node) && !lowerBlocked(node) { lowerPlain(node) }
    }
    for (index, id) in graph.outputs.enumerated() {
      let target = rowMajor(.output(index), id)
      if let source = blocked[id], plain[id] == nil {
        emitLayout(kernels.unblockChannels, "unblock", id, from: source, to: target)
      } else if let source = plain[id], !source.isOutput(index) {
        emit(.copy(from: source, to: target, count: shape(id).elementCount), touching: [source])
      }
    }
  }

  // MARK: Values

  func shape(_ id: Graph.ValueID) -> Shape { graph.values[id].shape }

  private func rowMajor(_ memory: Program.Location.Memory, _ id: Graph.ValueID) -> Program.Location {
    .init(memory: memory, imageStride: shape(id).dropFirst().reduce(1, *))
  }

  private mutating func findHomes() {
    let producers = Dictionary(
      uniqueKeysWithValues: graph.nodes.flatMap { node in node.outputs.map { ($0, node) } })
    for (index, output) in graph.outputs.enumerated() {
      var id = output
      while let node = producers[id], node.operation is ReshapeOperation { id = node.inputs[0] }
      if producers[id] != nil, homes[id] == nil { homes[id] = index }
    }
  }

  /// Where a value in rows is to be made: in its output's own memory if it has one.
  private mutating func newRows(_ id: Graph.ValueID) -> Program.Location {
    rowMajor(homes[id].map { .output($0) } ?? newBuffer(shape(id).elementCount), id)
  }

  /// A buffer that no step has touched yet.
  mutating func newBuffer(_ count: Int) -> Program.Location.Memory {
    buffers.append(ArenaPlan.Buffer(count: count, life: Int.max...Int.max))
    return .arena(buffers.count - 1)
  }

  /// The floats of one image in blocks.
  private func blockedStride(_ shape: Shape) -> Int { ceilingDivide(shape[1], block) * block * shape[2] * shape[3] }

  /// Where a value in blocks is to be made.
  mutating func newBlocked(_ id: Graph.ValueID) -> Program.Location {
    let stride = blockedStride(shape(id))
    let location = reserved[id] ?? .init(memory: newBuffer(shape(id)[0] * stride), imageStride: stride)
    blocked[id] = location
    return location
  }

  /// Where a sum in blocks is to be made: over its addend, if nobody needs that any more. Each element of the addend is
  /// read just before the same one of the result is written; the kernel's other input is left alone.
  mutating func newBlocked(
    _ id: Graph.ValueID, over addend: Graph.ValueID?, x: Program.Location? = nil
  ) -> Program.Location {
    guard reserved[id] == nil, let addend, lastUse[addend] == current, let location = blocked[addend],
      case .arena(let buffer) = location.memory, shape(addend) == shape(id)
    else { return newBlocked(id) }
    // Shared memory belongs to other values too, and a kernel's input is read by other tasks than the one that writes.
    if shared.contains(buffer) || x?.isIn(buffer) ?? false { return newBlocked(id) }
    blocked[id] = location
    return location
  }

  /// Whether some step has made the value in blocks.
  func isInBlocks(_ id: Graph.ValueID) -> Bool { blocked[id] != nil }

  /// The value in blocks, converted if it is not.
  mutating func inBlocks(_ id: Graph.ValueID) -> Program.Location {
    if let known = blocked[id] { return known }
    let source = plain[id]!
    let target = newBlocked(id)
    emitLayout(kernels.blockChannels, "block", id, from: source, to: target)
    return target
  }

  /// The value as a convolution takes it, and whether that is row-major.
  mutating func forConvolution(
    _ id: Graph.ValueID, _ algorithm: ConvolutionAlgorithm
  ) -> (location: Program.Location, isPlain: Bool) {
    if algorithm == .direct, blocked[id] == nil { return (plain[id]!, true) }
    return (inBlocks(id), false)
  }

  /// The value row-major, converted if it is not.
  mutating func inRows(_ id: Graph.ValueID) -> Program.Location {
    if let known = plain[id] { return known }
    let target = newRows(id)
    emitLayout(kernels.unblockChannels, "unblock", id, from: blocked[id]!, to: target)
    plain[id] = target
    return target
  }

  // MARK: Steps

  private mutating func emit(_ step: Program.Step, touching locations: [Program.Location]) {
    for case .arena(let buffer) in locations.map(\.memory) {
      let first = min(buffers[buffer].life.lowerBound, steps.count)
      buffers[buffer].life = first...steps.count
    }
    steps.append(step)
  }

  mutating func emit(
    _ name: String, _ step: SKMapStep, x: Program.Location, addend: Program.Location? = nil,
    weights: Program.Location? = nil, y: Program.Location, owned: [AnyObject] = [], scratch: Int = 0
  ) {
    var step = step
    step.imageX = x.imageStride
    step.imageAddend = addend?.imageStride ?? 0
    step.imageY = y.imageStride
    scratchCount = max(scratchCount, scratch)
    emit(
      .kernel(.init(name: name, step: step, x: x, addend: addend, weights: weights, y: y, owned: owned)),
      touching: [x, y] + [addend, weights].compactMap { $0 })
  }

  private mutating func emitLayout(
    _ kernel: SKMapKernel?, _ name: String, _ id: Graph.ValueID, from x: Program.Location, to y: Program.Location
  ) {
    var step = mapStep(from: shape(id), to: shape(id))
    step.run = kernel
    emit(name, step, x: x, y: y)
  }

  /// A step that walks the output's rows.
  func mapStep(from x: Shape, to y: Shape) -> SKMapStep {
    var step = SKMapStep()
    step.batch = Int32(x[0])
    (step.channels, step.outputs) = (Int32(x[1]), Int32(y[1]))
    (step.geometry.height, step.geometry.width) = (Int32(x[2]), Int32(x[3]))
    (step.geometry.outputHeight, step.geometry.outputWidth) = (Int32(y[2]), Int32(y[3]))
    step.planRows(block: block)
    return step
  }

  /// A node whose result is its input's memory seen otherwise, so that nothing is done: another shape of rows, or whole
  /// blocks of channels.
  private mutating func lowerView(_ node: Graph.Node) -> Bool {
    let (x, y) = (node.inputs[0], node.outputs[0])
    switch node.operation {
    case is ReshapeOperation:
      var location = inRows(x)
      location.imageStride = rowMajor(location.memory, y).imageStride
      plain[y] = location
    case let slice as IndexMapOperation:
      guard slice.axis == 1, shape(x).rank == 4, var location = blocked[x], case .arena(let buffer) = location.memory,
        let first = slice.sources.first, slice.sources.elementsEqual(first..<(first + slice.sources.count)),
        isWholeBlocks(y, at: first, of: shape(x))
      else { return false }
      location.offset += first * shape(x)[2] * shape(x)[3]
      blocked[y] = location
      shared.insert(buffer)
    default: return false
    }
    return true
  }

  /// A node without a blocked form.
  private mutating func lowerPlain(_ node: Graph.Node) {
    let inputs = node.inputs.map { inRows($0) }
    let outputs = node.outputs.map { newRows($0) }
    for (id, location) in zip(node.outputs, outputs) { plain[id] = location }
    emit(
      .operation(.init(operation: node.operation, inputs: inputs, shapes: node.inputs.map(shape), outputs: outputs)),
      touching: inputs + outputs)
  }

  // MARK: Concatenations

  /// Makes a concatenation of channels one buffer, in which parts are made by their producers in place where they are
  /// whole blocks.
  private mutating func reserveParts(of node: Graph.Node) {
    guard isBlockedConcatenation(node) else { return }
    let whole = shape(node.outputs[0]), area = whole[2] * whole[3]
    let location = newBlocked(node.outputs[0])
    if case .arena(let buffer) = location.memory { shared.insert(buffer) }
    var channel = 0
    for part in node.inputs {
      if reserved[part] == nil, isWholeBlocks(part, at: channel, of: whole) {
        reserved[part] = .init(
          memory: location.memory, offset: location.offset + channel * area, imageStride: location.imageStride)
      }
      channel += shape(part)[1]
    }
  }

  func isBlockedConcatenation(_ node: Graph.Node) -> Bool {
    guard let operation = node.operation as? ConcatenateOperation else { return false }
    let shapes = node.inputs.map(shape)
    return shapes[0].rank == 4 && shapes[0].axis(operation.axis, for: operation.name) == 1
      && shapes.allSatisfy { $0.elementCount > 0 }
  }

  /// Whether a part of a concatenation shares no block with another.
  private func isWholeBlocks(_ part: Graph.ValueID, at channel: Int, of whole: Shape) -> Bool {
    let end = channel + shape(part)[1]
    return channel % block == 0 && (end % block == 0 || end == whole[1])
  }

  /// What no producer put in place is copied there.
  mutating func lowerConcatenation(_ node: Graph.Node) {
    let whole = blocked[node.outputs[0]]!, wholeShape = shape(node.outputs[0])
    let area = wholeShape[2] * wholeShape[3]
    var channel = 0
    for part in node.inputs {
      defer { channel += shape(part)[1] }
      guard isWholeBlocks(part, at: channel, of: wholeShape) else {
        var step = mapStep(from: shape(part), to: shape(part))
        step.run = kernels.placeChannels
        (step.channels, step.firstChannel) = (Int32(wholeShape[1]), Int32(channel))
        emit("concatenate", step, x: inBlocks(part), y: whole)
        continue
      }
      let target = Program.Location(
        memory: whole.memory, offset: whole.offset + channel * area, imageStride: whole.imageStride)
      let source = inBlocks(part)
      if !source.isSame(as: target) {
        var step = mapStep(from: shape(part), to: shape(part))
        step.run = kernels.combineBlocked
        emit("concatenate", step, x: source, y: target)
      }
    }
  }
}

extension Program.Location {
  fileprivate func isIn(_ buffer: Int) -> Bool {
    if case .arena(let own) = memory { own == buffer } else { false }
  }

  fileprivate func isOutput(_ index: Int) -> Bool {
    if case .output(let own) = memory { own == index } else { false }
  }

  func isSame(as other: Program.Location) -> Bool {
    guard case .arena(let a) = memory, case .arena(let b) = other.memory else { return false }
    return a == b && offset == other.offset
  }
}
