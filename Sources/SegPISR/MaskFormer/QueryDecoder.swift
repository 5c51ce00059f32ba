import Glibc
import SegKernels

/// Learned queries that look at each other and at a map, layer by layer: DETR's transformer decoder.
///
/// In a layer: y ← norm(y + attention(y + q, y + q, y)); y ← norm(y + attention(y + q, m + s, m)); y ← norm(y + W₂
/// relu(W₁ y)), q the queries, m the map and s the sines of its positions. Carion et al., "End-to-End Object Detection
/// with Transformers", 2020; without dropout.
final class QueryDecoder: Module {
  private let project: Conv2d
  private let layers: [QueryLayer]
  private let norm: LayerNorm
  /// Q×C, drawn from N(0, 1).
  let queries: Parameter
  private let width: Int

  init(inputChannels: Int, _ size: MaskFormer.Size) {
    width = size.width
    project = Conv2d(inputChannels: inputChannels, outputChannels: size.width, kernel: 1, bias: true)
    layers = (0..<size.layers).map { _ in QueryLayer(size) }
    norm = LayerNorm(features: size.width)
    queries = Parameter(.zeros([size.queries, size.width]))
  }

  var parts: [Part] {
    [Part("input_proj", project), Part("query_embed.weight", queries), Part("layers", layers), Part("norm", norm)]
  }

  /// N×Q×C behind every layer.
  func callAsFunction(_ map: Tensor) -> [Tensor] {
    let x = project(map), shape = x.shape, area = shape[2] * shape[3]
    let memory = x.reshaped(shape[0], width, area).permuted(0, 2, 1)
    let keys = memory + sinePositions(height: shape[2], width: shape[3], channels: width)
    let places = queries.value.reshaped(1, queries.shape[0], width)
    var y = Tensor.zeros([shape[0], queries.shape[0], width])
    return layers.map { layer in
      y = layer(y, places, keys: keys, values: memory)
      return norm(y)
    }
  }
}

/// One layer of a ``QueryDecoder``.
final class QueryLayer: Module {
  private let own: MultiHeadAttention, cross: MultiHeadAttention
  private let widen: Linear, narrow: Linear
  private let norms: [LayerNorm]

  init(_ size: MaskFormer.Size) {
    own = MultiHeadAttention(features: size.width, heads: size.heads)
    cross = MultiHeadAttention(features: size.width, heads: size.heads)
    widen = Linear(inputFeatures: size.width, outputFeatures: size.hidden)
    narrow = Linear(inputFeatures: size.hidden, outputFeatures: size.width)
    norms = (0..<3).map { _ in LayerNorm(features: size.width) }
  }

  var parts: [Part] {
    [
      Part("self_attn", own), Part("multihead_attn", cross), Part("linear1", widen), Part("linear2", narrow),
    ] + norms.enumerated().map { Part("norm\($0 + 1)", $1) }
  }

  func callAsFunction(_ x: Tensor, _ places: Tensor, keys: Tensor, values: Tensor) -> Tensor {
    let placed = x + places
    var y = norms[0](x + own(placed, placed, x))
    y = norms[1](y + cross(y + places, keys, values))
    return norms[2](y + narrow(relu(widen(y))))
  }
}

/// Sines and cosines of rows, then of columns, 1×(H·W)×C: DETR's positions, normalised to 2π.
func sinePositions(height: Int, width: Int, channels: Int) -> Tensor {
  check(channels % 4 == 0, "sinePositions", "expected a multiple of 4 channels, found \(channels)")
  let half = channels / 2
  func waves(_ place: Int, of extent: Int) -> [Float] {
    let angle = Double(place + 1) / Double(extent) * 2 * Double.pi
    return (0..<half).map { i in
      let x = angle / pow(10000, Double(i / 2 * 2) / Double(half))
      return Float(i % 2 == 0 ? sin(x) : cos(x))
    }
  }
  let rows = (0..<height).map { waves($0, of: height) }, columns = (0..<width).map { waves($0, of: width) }
  return Tensor([1, height * width, channels], rows.flatMap { row in columns.flatMap { row + $0 } })
}
