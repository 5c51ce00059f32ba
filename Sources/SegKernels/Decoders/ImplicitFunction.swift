/// What an implicit decoder is made of.
public struct ImplicitFunctionConfiguration: Sendable, Hashable {
  /// The channels of the levels, finest first.
  public var levelChannels: [Int]
  /// Outputs of the hidden layers: 512, 256, 256 as released (`num_layer` 2); 128, 128 and 512, 256 are its
  /// alternatives.
  public var hidden = [512, 256, 256]
  /// How many classes are told apart.
  public var classes: Int
  /// What the network is told about a query's place.
  public var encoding = EncodingKind.learned
  /// A query reads the 3×3 neighbourhood of its cell instead of the cell.
  public var unfolds = false
  /// Four predictions from the cells around a query, weighted by area, so that the result has no edges between cells.
  public var isEnsemble = false

  /// The released decoder on levels of given widths.
  public init(levelChannels: [Int], classes: Int) {
    self.levelChannels = levelChannels
    self.classes = classes
  }
}

/// The implicit function of IFA: at every query, s(q) = MLP(concatᵢ [pᵢ, ψ(pᵢ), zᵢ*]).
///
/// zᵢ* is the nearest vector of level i and pᵢ the query's offset from its centre. The first layer is never applied to
/// that concatenation: each level is multiplied by its slice of the weights at its own size and then sampled
/// (``sampledSum(_:at:)``), and the few different offsets of a grid are encoded once. In evaluation, grids are answered
/// in blocks of queries. ``plain(_:at:)`` is the definition. IFA (arXiv 2206.08655), Figure 2 and released code.
///
/// Parameter names are those of the released `decoder.ifa`. The released local ensemble keeps the last of its four
/// corners only, and shifts by half a cell of the query grid; here, as in LIIF, the shift is half a cell of the level
/// sampled, and the four predictions are weighted by the areas opposite to them in the finest level.
public final class ImplicitFunction: Module {
  /// What the function is made of.
  public let configuration: ImplicitFunctionConfiguration
  private let encodings: [SpatialEncoding]
  private let convolutions: [PointwiseConvolution]
  private let norms: [BatchNorm2d]
  private var isTraining = false

  /// The largest table of encodings that is made beforehand, in queries.
  private static let largestTable = 1 << 14

  /// A function with zero weights.
  public init(_ configuration: ImplicitFunctionConfiguration) {
    self.configuration = configuration
    encodings = configuration.levelChannels.map { _ in SpatialEncoding(configuration.encoding) }
    let taps = configuration.unfolds ? 9 : 1
    let inputs = configuration.levelChannels.reduce(0) { $0 + $1 * taps + configuration.encoding.count }
    let widths = [inputs] + configuration.hidden + [configuration.classes]
    convolutions = zip(widths, widths.dropFirst()).map { PointwiseConvolution(inputChannels: $0, outputChannels: $1) }
    norms = configuration.hidden.map { BatchNorm2d(channels: $0) }
  }

  public var parts: [Part] {
    encodings.enumerated().map { Part("pos\($0 + 1)", $1) }
      + zip(convolutions, norms).enumerated().flatMap { index, layer in
        [Part("imnet.\(3 * index)", layer.0), Part("imnet.\(3 * index + 1)", layer.1)]
      } + [Part("imnet.\(3 * norms.count)", convolutions.last!)]
  }

  public func trainingChanged(to isTraining: Bool) { self.isTraining = isTraining }

  /// Logits at queries: N×classes×h×w for a grid, N×classes×1×Q for points.
  ///
  /// - Parameters:
  ///   - levels: N×C×H×W each, finest first.
  ///   - positions: where the queries lie.
  public func callAsFunction(_ levels: [Tensor], at positions: QueryPositions) -> Tensor {
    ensemble(levels, positions) { answer(levels, positions, shift: $0) }
  }

  /// The definition, with every query's vector made whole: an oracle, in memory that grows with the queries.
  public func plain(_ levels: [Tensor], at positions: QueryPositions) -> Tensor {
    ensemble(levels, positions) { shift in
      let vectors = levels.indices.flatMap { index -> [Tensor] in
        let view = LevelView(levels[index].shape, positions, shift)
        let level = configuration.unfolds ? unfolded(levels[index]) : levels[index]
        let own = encodings[index].kind.count == 0 ? nil : encoded(index, view)
        return (own.map { [sampledSum([$0.map], at: [$0.places])] } ?? []) + [sampledSum([level], at: [view.places])]
      }
      let images = levels[0].shape[0]
      let alike = vectors.map {
        $0.shape[0] == images ? $0 : concatenate([Tensor](repeating: $0, count: images), axis: 0)
      }
      return rest(convolutions[0](concatenate(alike, axis: 1)))
    }
  }

  /// Everything behind the first layer's product.
  private func rest(_ x: Tensor) -> Tensor {
    var y = norms[0](x, rectified: true)
    for index in 1..<norms.count { y = norms[index](convolutions[index](y), rectified: true) }
    return convolutions.last!(y)
  }

  /// One prediction, or four that are weighted by area.
  private func ensemble(_ levels: [Tensor], _ positions: QueryPositions, _ answer: (Shift) -> Tensor) -> Tensor {
    guard configuration.isEnsemble else { return answer(.none) }
    let corners = [Shift(y: -1, x: -1), Shift(y: -1, x: 1), Shift(y: 1, x: -1), Shift(y: 1, x: 1)]
    let areas = corners.map { LevelView(levels[0].shape, positions, $0).areas }
    let total = areas.dropFirst().reduce(areas[0], +)
    // A prediction counts as much as the area of the corner opposite to it.
    let predictions = corners.indices.map { answer(corners[$0]) * (areas[3 - $0] / total) }
    return predictions.dropFirst().reduce(predictions[0], +)
  }

  /// One prediction, by the factorised first layer.
  private func answer(_ levels: [Tensor], _ positions: QueryPositions, shift: Shift) -> Tensor {
    if !isTraining, case .grid = positions, !(Recorder.current is Tape) {
      return answerInBlocks(levels, positions, shift)
    }
    let first = convolutions[0]
    var maps: [Tensor] = [], places: [SamplePlaces] = []
    for (index, level) in levels.enumerated() {
      let view = LevelView(level.shape, positions, shift), slice = slice(of: first.weight.value, index)
      maps.append(
        conv2d(level, weight: slice.feature, bias: index == 0 ? first.bias.value : nil, padding: Pair(taps / 2)))
      places.append(view.places)
      if let encoding = slice.encoding {
        let own = encoded(index, view, weight: encoding)
        maps.append(own.map)
        places.append(own.places)
      }
    }
    return rest(sampledSum(maps, at: places))
  }

  /// The same with norms folded, in blocks of queries.
  private func answerInBlocks(_ levels: [Tensor], _ positions: QueryPositions, _ shift: Shift) -> Tensor {
    let folded = zip(convolutions, norms).map { ImplicitFunction.folded($0, $1) }
    var maps: [Tensor] = [], places: [SamplePlaces] = []
    var direct: [(offsets: GridOffsets, weight: Tensor, frequencies: Tensor)] = []
    for (index, level) in levels.enumerated() {
      let view = LevelView(level.shape, positions, shift), slice = slice(of: folded[0].weight, index)
      maps.append(conv2d(level, weight: slice.feature, padding: Pair(taps / 2)))
      places.append(view.places)
      guard let encoding = slice.encoding else { continue }
      if encodings[index].kind != .table, view.tableCount > ImplicitFunction.largestTable,
        encodings[index].kind.count == 26
      {
        direct.append((view.gridOffsets, encoding, encodings[index].frequencies.value))
      } else {
        let own = encoded(index, view, weight: encoding)
        maps.append(own.map)
        places.append(own.places)
      }
    }
    let last = convolutions.last!
    let own = last.weight.value.reshaped(last.weight.shape[0], last.weight.shape[1])
    return implicitNetwork(
      maps, at: places, encoded: direct, bias: folded[0].bias,
      layers: folded.dropFirst() + [(weight: own, bias: last.bias.value)])
  }

  private var taps: Int { configuration.unfolds ? 3 : 1 }

  /// The columns of the first layer's weight that belong to a level: those of the encoding D×E, and the kernel of the
  /// feature D×C×k×k.
  private func slice(of weight: Tensor, _ level: Int) -> (encoding: Tensor?, feature: Tensor) {
    let encoding = configuration.encoding.count, outputs = weight.shape[0]
    let start = configuration.levelChannels[..<level].reduce(0) { $0 + $1 * taps * taps + encoding }
    let channels = configuration.levelChannels[level], weight = weight.reshaped(outputs, weight.count / outputs)
    let feature = weight.slice(axis: 1, (start + encoding)..<(start + encoding + channels * taps * taps))
    return (
      encoding == 0 ? nil : weight.slice(axis: 1, start..<(start + encoding)),
      feature.reshaped(outputs, channels, taps, taps)
    )
  }

  /// The encodings of the different offsets of a level as a map 1×count×rows×columns (or multiplied by a weight
  /// D×count), and where queries find theirs.
  private func encoded(_ level: Int, _ view: LevelView, weight: Tensor? = nil) -> (map: Tensor, places: SamplePlaces) {
    let table = encodings[level].kind == .table ? view.cellsOfTable : view.table
    let rows = encodings[level](table.offsets)
    let map = weight.map { linear($0, weight: rows) } ?? rows.transposed()
    return (map.reshaped(1, map.shape[0], table.size.height, table.size.width), table.places)
  }

  /// The 3×3 neighbourhood of every cell: N×9C×h×w.
  private func unfolded(_ x: Tensor) -> Tensor {
    unfold(x, kernel: 3, padding: 1).reshaped(x.shape[0], 9 * x.shape[1], x.shape[2], x.shape[3])
  }

  /// A layer with the norm behind it taken in: weight O×C and bias.
  private static func folded(_ layer: PointwiseConvolution, _ norm: BatchNorm2d) -> (weight: Tensor, bias: Tensor) {
    let scale = norm.weight.value / (norm.runningVariance.value + norm.epsilon).sqrt()
    let (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    let weight = layer.weight.value.reshaped(outputs, inputs) * scale.reshaped(outputs, 1)
    return (weight, (layer.bias.value - norm.runningMean.value) * scale + norm.bias.value)
  }
}
