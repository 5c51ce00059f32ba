import CSegKernels
import Glibc

/// Offsets of a grid of queries that are encoded while the queries are answered: where a table of all different ones
/// would be as large as the grid.
package struct GridOffsets: Sendable, Hashable {
  /// Of each row, and of each column.
  let rows: [Float], columns: [Float]

  package init(rows: [Float], columns: [Float]) {
    self.rows = rows
    self.columns = columns
  }
}

/// A small network applied to every query of a grid: y = Wₙ·relu(… relu(W₂·relu(s + c) + b₂) …) + bₙ with the sampled
/// sum s = Σₘ xₘ[placesₘ] + Σₖ Vₖ·ψₖ(offsetsₖ).
///
/// Inputs: the maps N×D×h×w; V (D×26) and E (12×2) for each of `encoded`; c (D); then W (outputs×inputs) and b for each
/// further layer. It runs over blocks of queries that stay in cache, so that memory does not grow with the grid beyond
/// the result. Its gradient is that of the same formula taken operation by operation (``composed(_:)``), which is also
/// what tests hold it against.
struct ImplicitNetworkOperation: BlockedOperation, ComposedOperation {
  let places: [SamplePlaces]
  let encoded: [GridOffsets]
  /// The network's further layers.
  let layers: Int

  let name = "implicitNetwork"
  var attributes: [(name: String, value: Attribute)] {
    [("size", .integers([places[0].size.height, places[0].size.width])), ("layers", .integer(layers))]
  }

  private var sum: SampledSumOperation { SampledSumOperation(places: places) }

  /// The inputs by what they are.
  private struct Parts<Value> {
    let maps: ArraySlice<Value>, encodings: [(weight: Value, frequencies: Value)], bias: Value
    let layers: [(weight: Value, bias: Value)]

    init(_ inputs: [Value], maps: Int, encodings: Int, layers: Int) {
      self.maps = inputs[..<maps]
      self.encodings = (0..<encodings).map { (inputs[maps + 2 * $0], inputs[maps + 2 * $0 + 1]) }
      let first = maps + 2 * encodings
      bias = inputs[first]
      self.layers = (0..<layers).map { (inputs[first + 1 + 2 * $0], inputs[first + 2 + 2 * $0]) }
    }
  }

  private func parts<Value>(_ inputs: [Value]) -> Parts<Value> {
    check(
      inputs.count == places.count + 2 * encoded.count + 1 + 2 * layers && layers > 0, name,
      "found \(inputs.count) inputs for \(places.count) maps, \(encoded.count) encodings and \(layers) layers")
    return Parts(inputs, maps: places.count, encodings: encoded.count, layers: layers)
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let parts = parts(inputs), sum = sum.outputShapes(Array(parts.maps))[0]
    var channels = sum[1]
    check(parts.bias == [channels], name, "expected a bias of \(channels), found \(parts.bias)")
    for (weight, frequencies) in parts.encodings {
      check(
        weight == [channels, 26] && frequencies == [12, 2], name,
        "expected [\(channels), 26] and [12, 2], found \(weight) and \(frequencies)")
    }
    for (weight, bias) in parts.layers {
      check(
        weight.rank == 2 && weight[1] == channels && bias == [weight[0]], name,
        "expected a weight of …×\(channels) and its bias, found \(weight) and \(bias)")
      channels = weight[0]
    }
    return [sum.replacing(axis: 1, with: channels)]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    let parts = parts(inputs), sum = sum.outputShapes(Array(parts.maps))[0], queries = sum[0] * sum[2] * sum[3]
    return queries
      * (parts.layers.reduce(0) { $0 + 2 * $1.weight.elementCount } + (places.count + 52 * encoded.count) * sum[1])
  }

  package func composed(_ inputs: [Tensor]) -> Tensor {
    let parts = parts(inputs), channels = parts.bias.shape[0]
    var maps = Array(parts.maps), places = places
    for ((weight, frequencies), offsets) in zip(parts.encodings, encoded) {
      let size = Pair(height: offsets.rows.count, width: offsets.columns.count)
      let table = offsetTable(offsets.rows, offsets.columns), angles = linear(table, weight: frequencies)
      let rows = concatenate([table, angles.sin(), angles.cos()], axis: 1)
      maps.append(linear(weight, weight: rows).reshaped(1, channels, size.height, size.width))
      places.append(.grid(rows: (0..<size.height).map(Int32.init), columns: (0..<size.width).map(Int32.init)))
    }
    var y = relu(sampledSum(maps, at: places) + parts.bias.reshaped(1, channels, 1, 1))
    for (index, layer) in parts.layers.enumerated() {
      y = conv2d(y, weight: layer.weight.reshaped(layer.weight.shape[0], layer.weight.shape[1], 1, 1), bias: layer.bias)
      if index < layers - 1 { y = relu(y) }
    }
    return y
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    valueAndGradient(at: context.saved, cotangent: gradients[0]!.rowMajor()) { composed($0) }.gradients
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs.map { $0.rowMajor() } }
    let shape = outputShapes(inputs.map(\.shape))[0]
    guard shape.elementCount > 0 else { return [.zeros(shape)] }
    let parts = parts(inputs), kernels = kernels, block = Int(kernels.channelBlock())
    let width = parts.bias.shape[0], blocks = ceilingDivide(width, block)
    let reader = MapReader(Array(parts.maps), places, block: block)
    let encoders = zip(parts.encodings, encoded).map { OffsetEncoder($0.frequencies, $1) }
    let lifts = parts.encodings.map { PointwiseLayer($0.weight, bias: .zeros([width]), rectifies: false) }
    let layers = parts.layers.enumerated().map {
      PointwiseLayer($1.weight, bias: $1.bias, rectifies: $0 < self.layers - 1)
    }
    let bias = PackedWeights.pack(bias: parts.bias, block: block)
    // About 96 queries at once: their 512 channels take 200 KB, less than half of a core's second-level cache.
    let run = min(96, shape[3]), runs = ceilingDivide(shape[3], run)
    let widest = (layers.map(\.outputs) + [width, 32]).max()!
    let room = (widest + 2 * block) * run
    let scratch = (layers + lifts).map { $0.scratchCount(run) }.max() ?? 0
    let identity = (0..<Int32(run)).map { $0 }
    return [
      Tensor(uninitialized: shape) { y in
        let y = y.baseAddress!
        parallelFor(shape[0] * shape[2] * runs) { task in
          let column = task % runs * run, row = task / runs % shape[2], image = task / runs / shape[2]
          let count = min(run, shape[3] - column)
          withWorkspace(2 * room + scratch) { memory in
            var (own, other) = (memory, memory + room)
            let scratch = memory + 2 * room
            // The encodings' part of the sum first; the maps are then added to it.
            for (index, encoder) in encoders.enumerated() {
              encoder.encode(row, column..<(column + count), block, into: other)
              lifts[index].run(other, own, count, adding: index > 0, scratch)
            }
            let extra = encoders.isEmpty ? 0 : 1
            identity.withUnsafeBufferPointer { identity in
              for part in 0..<blocks {
                let target = own + part * count * block
                reader.withRow(image, part, row, from: column) { planes, places in
                  planes[self.places.count] = UnsafePointer(target)
                  places[self.places.count] = identity.baseAddress!
                  kernels.gatherPixels(
                    planes, places, Int32(self.places.count + extra), bias.base + part * block, 1, target, count)
                }
              }
            }
            for layer in layers {
              layer.run(own, other, count, adding: false, scratch)
              swap(&own, &other)
            }
            let area = shape[2] * shape[3]
            for part in 0..<ceilingDivide(shape[1], block) {
              kernels.unblockRun(
                own + part * count * block, Int32(min(block, shape[1] - part * block)), area,
                y + (image * shape[1] + part * block) * area + row * shape[3] + column, count)
            }
          }
        }
        withExtendedLifetime((reader, bias)) {}
      }
    ]
  }
}

/// All pairs of a row's and a column's offset, row by row: U×2.
func offsetTable(_ rows: [Float], _ columns: [Float]) -> Tensor {
  Tensor([rows.count * columns.count, 2], rows.flatMap { row in columns.flatMap { [row, $0] } })
}

/// y = W·x + b for a run of pixels in channel blocks: the direct convolution's kernel.
private struct PointwiseLayer: @unchecked Sendable {
  // Sendable although `step` holds pointers: they point into the packed tensors, which nobody writes.
  let outputs: Int
  private let weight: Storage, bias: Storage
  private let step: SKMapStep

  init(_ weight: Tensor, bias: Tensor, rectifies: Bool) {
    let block = Int(kernels.channelBlock())
    outputs = weight.shape[0]
    self.weight = PackedWeights.pack(
      weight.rowMajor().reshaped(weight.shape[0], weight.shape[1], 1, 1), scale: nil, as: .direct)
    self.bias = PackedWeights.pack(bias: bias.rowMajor(), block: block)
    var step = SKMapStep()
    (step.batch, step.channels, step.outputs) = (1, Int32(weight.shape[1]), Int32(outputs))
    (step.geometry.kernelHeight, step.geometry.kernelWidth) = (1, 1)
    (step.geometry.strideHeight, step.geometry.strideWidth) = (1, 1)
    (step.geometry.dilationHeight, step.geometry.dilationWidth) = (1, 1)
    (step.geometry.height, step.geometry.outputHeight) = (1, 1)
    step.regionRows = 1
    step.regionPanels = Int32(ceilingDivide(outputs, 2 * block))
    step.rectify = rectifies ? 1 : 0
    step.weights = UnsafePointer(self.weight.base)
    step.bias = UnsafePointer(self.bias.base)
    self.step = step
  }

  private func step(of count: Int) -> SKMapStep {
    var step = step
    (step.geometry.width, step.geometry.outputWidth, step.regionColumns) = (Int32(count), Int32(count), Int32(count))
    return step
  }

  func scratchCount(_ count: Int) -> Int {
    var step = step(of: count)
    return kernels.directScratch(&step)
  }

  func run(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, adding: Bool,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    var step = step(of: count)
    step.x = x
    step.y = y
    step.addend = adding ? UnsafePointer(y) : nil
    kernels.convolveDirect(&step, 0, scratch)
  }
}

/// ψ of the offsets of a grid: sines and cosines of rows and columns are taken once, and those of their sums follow.
private struct OffsetEncoder {
  private let offsets: GridOffsets
  /// Sine and cosine of each of the 12 angles' part, by row and by column.
  private let rows: [(sine: Float, cosine: Float)], columns: [(sine: Float, cosine: Float)]

  init(_ frequencies: Tensor, _ offsets: GridOffsets) {
    self.offsets = offsets
    let e = frequencies.scalars
    func table(_ offsets: [Float], _ axis: Int) -> [(sine: Float, cosine: Float)] {
      offsets.flatMap { offset in
        (0..<12).map { index in
          let angle = Double(e[2 * index + axis]) * Double(offset)
          return (Float(sin(angle)), Float(cos(angle)))
        }
      }
    }
    rows = table(offsets.rows, 0)
    columns = table(offsets.columns, 1)
  }

  /// [y, x, sin, cos] of a run of queries in channel blocks, zeros beyond.
  func encode(_ row: Int, _ run: Range<Int>, _ block: Int, into y: UnsafeMutablePointer<Float>) {
    let count = run.count
    y.update(repeating: 0, count: ceilingDivide(26, block) * block * count)
    for (pixel, column) in run.enumerated() {
      func set(_ channel: Int, _ value: Float) {
        y[(channel / block * count + pixel) * block + channel % block] = value
      }
      set(0, offsets.rows[row])
      set(1, offsets.columns[column])
      for index in 0..<12 {
        let a = rows[12 * row + index], b = columns[12 * column + index]
        set(2 + index, a.sine * b.cosine + a.cosine * b.sine)
        set(14 + index, a.cosine * b.cosine - a.sine * b.sine)
      }
    }
  }
}

/// A small network applied to every query of a grid, in blocks of queries: see ``ImplicitFunction``.
///
/// - Parameters:
///   - maps: N×D×h×w each, read at `places` and added up.
///   - encoded: offsets whose encodings ψ (frequencies 12×2) times a weight D×26 are added too.
///   - bias: D numbers; the rectifier follows.
///   - layers: weights O×I and biases of further layers, with rectifiers between.
/// - Returns: N×O×rows×columns.
package func implicitNetwork(
  _ maps: [Tensor], at places: [SamplePlaces],
  encoded: [(offsets: GridOffsets, weight: Tensor, frequencies: Tensor)] = [], bias: Tensor,
  layers: [(weight: Tensor, bias: Tensor)]
) -> Tensor {
  let operation = ImplicitNetworkOperation(places: places, encoded: encoded.map(\.offsets), layers: layers.count)
  return apply(
    operation,
    to: maps + encoded.flatMap { [$0.weight, $0.frequencies] } + [bias] + layers.flatMap { [$0.weight, $0.bias] })[0]
}
