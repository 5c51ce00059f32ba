import CSegKernels

/// The operations that have a blocked form.
extension Lowering {
  /// Makes the steps of a node on channel blocks; false where it has no such form.
  mutating func lowerBlocked(_ node: Graph.Node) -> Bool {
    let x = shape(node.inputs[0])
    guard x.rank == 4, x.elementCount > 0, shape(node.outputs[0]).elementCount > 0 else { return false }
    switch node.operation {
    case let operation as FusedConvolution: return lowerConvolution(node, operation)
    case let operation as FusedResize:
      lowerResize(node, operation)
    case let operation as MaxPoolOperation:
      lowerPool(node, operation.window, kernels.maxPoolBlocked)
    case let operation as AveragePoolOperation:
      lowerPool(node, operation.window, kernels.averagePoolBlocked, countsPadding: operation.countIncludesPadding)
    case let operation as AdaptiveAveragePoolOperation:
      guard isInBlocks(node.inputs[0]) else { return false }
      lowerCells(node, to: shape(node.outputs[0]), sums: false, name: operation.name)
    case let operation as ReductionOperation:
      guard operation.sumsImages(of: x), isInBlocks(node.inputs[0]) else { return false }
      lowerCells(node, to: shape(node.outputs[0]), sums: true, name: operation.name)
    case let operation as ElementwiseChain: return lowerChain(node, operation)
    case is ConcatenateOperation where isBlockedConcatenation(node):
      lowerConcatenation(node)
    default: return false
    }
    return true
  }

  private mutating func lowerConvolution(_ node: Graph.Node, _ operation: FusedConvolution) -> Bool {
    let weight = shape(node.inputs[1])
    var constant: Tensor?
    if case .constant(let tensor) = graph.values[node.inputs[1]].source { constant = tensor }
    // Weights that are a result themselves are packed at each run: as direct convolution takes them, which is least.
    guard case .constant(let bias) = graph.values[node.inputs[2]].source,
      constant != nil || operation.convolution.groups == 1,
      let plan = ConvolutionPlan(
        operation.convolution, x: shape(node.inputs[0]), weight: weight,
        geometry: operation.geometry(shape(node.inputs[0])),
        kernels: kernels, forced: constant == nil ? .direct : forced)
    else { return false }
    var step = plan.step
    let (x, isPlain) = forConvolution(node.inputs[0], plan.algorithm)
    let addend = operation.hasAddend ? inBlocks(node.inputs[3]) : nil
    step.isPlain = isPlain ? 1 : 0
    step.rectify = operation.rectifies ? 1 : 0
    let biases = PackedWeights.pack(bias: bias, block: block)
    step.bias = UnsafePointer(biases.base)
    let packed =
      constant.map { lowerWeights($0, operation.scale, plan) } ?? lowerWeights(node.inputs[1], operation.scale, plan)
    let y = newBlocked(node.outputs[0], over: operation.hasAddend ? node.inputs[3] : nil, x: x)
    let chain = operation.chain.map { PackedChain($0, kernels) }
    // Winograd's tiles are no rows: the chain is a step of its own there.
    let endsWithChain = plan.algorithm.tileSide == nil
    if endsWithChain, let chain { step.append(chain) }
    emit(
      "\(plan.algorithm) \(operation.convolution.window.kernel) \(weight[1])→\(weight[0])", step, x: x,
      addend: addend, weights: packed, y: y, owned: [biases] + (chain.map { [$0] } ?? []),
      scratch: plan.scratchCount(kernels))
    if !endsWithChain, let chain { emitChain(chain, shape(node.outputs[0]), x: y, y: y) }
    return true
  }

  /// A chain over a map in blocks; false where nothing of it is in blocks yet.
  private mutating func lowerChain(_ node: Graph.Node, _ chain: ElementwiseChain) -> Bool {
    let id = node.inputs[0], addendID = chain.hasAddend ? node.inputs[1] : nil
    guard isInBlocks(id) || addendID.map(isInBlocks) ?? false else { return false }
    let x = inBlocks(id), addend = addendID.map { inBlocks($0) }
    var gate = chain.hasGate ? inBlocks(node.inputs.last!) : nil
    // One number a channel for all images.
    if chain.hasGate, shape(node.inputs.last!)[0] < shape(id)[0] { gate?.imageStride = 0 }
    let y = newBlocked(node.outputs[0], over: id, x: nil)
    emitChain(PackedChain(chain, kernels), shape(id), x: x, addend: addend, gate: gate, y: y)
    return true
  }

  private mutating func emitChain(
    _ chain: PackedChain, _ shape: Shape, x: Program.Location, addend: Program.Location? = nil,
    gate: Program.Location? = nil, y: Program.Location
  ) {
    var step = mapStep(from: shape, to: shape)
    step.run = kernels.chainBlocked
    step.append(chain)
    step.imageGate = gate?.imageStride ?? 0
    emit("elementwise", step, x: x, addend: addend, weights: gate, y: y, owned: [chain])
  }

  /// Means or sums of an image's cells; a task makes all of a block of channels.
  private mutating func lowerCells(_ node: Graph.Node, to y: Shape, sums: Bool, name: String) {
    let x = shape(node.inputs[0])
    var step = mapStep(from: x, to: [x[0], x[1], y[2], y[3]])
    step.run = kernels.cellsBlocked
    step.sumsCells = sums ? 1 : 0
    step.tasks = Int32(x[0] * ceilingDivide(x[1], block))
    let source = inBlocks(node.inputs[0])
    emit(name, step, x: source, y: newBlocked(node.outputs[0]))
  }

  /// Packs the weights of a convolution; Winograd's may be transformed by a step of their own, at each run.
  private mutating func lowerWeights(_ weight: Tensor, _ scale: [Double]?, _ plan: ConvolutionPlan) -> Program.Location
  {
    let storage = weights.packed(weight, scale: scale, as: plan.weightForm)
    let packed = Program.Location(
      memory: .constant(Tensor(shape: [storage.count], storage: storage)), imageStride: storage.count)
    guard plan.transformsWeights, let side = plan.algorithm.tileSide else { return packed }
    let (step, count) = PackedWeights.transformation(of: weight.shape, side: side)
    let transformed = Program.Location(memory: newBuffer(count), imageStride: count)
    emit("weights \(weight.shape[1])→\(weight.shape[0])", step, x: packed, y: transformed)
    return transformed
  }

  /// Packs weights that are another step's result.
  private mutating func lowerWeights(
    _ id: Graph.ValueID, _ scale: [Double]?, _ plan: ConvolutionPlan
  ) -> Program.Location {
    let weight = shape(id), panels = ceilingDivide(weight[0], 2 * block)
    let count = panels * 2 * block * weight[1...].reduce(1, *)
    let target = Program.Location(memory: newBuffer(count), imageStride: count)
    let factors = scale.map { PackedWeights.pack(bias: Tensor([weight[0]], $0.map(Float.init)), block: block) }
    var step = SKMapStep()
    step.run = kernels.packWeights
    (step.batch, step.outputs, step.channels, step.tasks) = (1, Int32(weight[0]), Int32(weight[1]), Int32(panels))
    step.geometry = plan.geometry
    step.bias = factors.map { UnsafePointer($0.base) }
    emit("weights \(weight[1])→\(weight[0])", step, x: inRows(id), y: target, owned: factors.map { [$0] } ?? [])
    return target
  }

  private mutating func lowerResize(_ node: Graph.Node, _ operation: FusedResize) {
    let (from, to) = (shape(node.inputs[0]), shape(node.outputs[0])), resize = operation.resize
    var step = mapStep(from: from, to: to)
    step.run = kernels.resizeBlocked
    step.rectify = operation.rectifies ? 1 : 0
    let rows = TapTable(resize.taps(resize.rows, from[2], resize.size.height))
    let columns = TapTable(resize.taps(resize.columns, from[3], resize.size.width))
    (step.rowTaps, step.columnTaps) = (UnsafePointer(rows.base), UnsafePointer(columns.base))
    let source = inBlocks(node.inputs[0]), addend = operation.hasAddend ? inBlocks(node.inputs[1]) : nil
    let y = newBlocked(node.outputs[0], over: operation.hasAddend ? node.inputs[1] : nil, x: source)
    emit("resize", step, x: source, addend: addend, y: y, owned: [rows, columns])
  }

  private mutating func lowerPool(
    _ node: Graph.Node, _ window: Window, _ kernel: SKMapKernel?, countsPadding: Bool = false
  ) {
    var step = mapStep(from: shape(node.inputs[0]), to: shape(node.outputs[0]))
    step.geometry = window.geometry(shape(node.inputs[0]), for: node.operation.name)
    step.run = kernel
    step.countPadding = countsPadding ? 1 : 0
    let source = inBlocks(node.inputs[0])
    emit(node.operation.name, step, x: source, y: newBlocked(node.outputs[0]))
  }
}
