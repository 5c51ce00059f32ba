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
  private let own: Attention, cross: Attention
  private let widen: Linear, narrow: Linear
  private let norms: [LayerNorm]

  init(_ size: MaskFormer.Size) {
    own = Attention(features: size.width, heads: size.heads)
    cross = Attention(features: size.width, heads: size.heads)
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
    return norms[2](y + narrow.ofRows(relu(widen.ofRows(y))))
  }
}

/// Attention of several heads: softmax(q kᵀ / √d) v of projected rows, d = features / heads. Vaswani et al. 2017.
final class Attention: Module {
  private let query: Linear, key: Linear, value: Linear, output: Linear
  private let heads: Int

  init(features: Int, heads: Int) {
    check(features % heads == 0, "Attention", "\(heads) heads do not divide \(features) features")
    func layer() -> Linear { Linear(inputFeatures: features, outputFeatures: features) }
    (query, key, value, output) = (layer(), layer(), layer(), layer())
    self.heads = heads
  }

  var parts: [Part] {
    [Part("q_proj", query), Part("k_proj", key), Part("v_proj", value), Part("out_proj", output)]
  }

  /// N×L×C of queries N×L×C, keys and values N×M×C.
  func callAsFunction(_ queries: Tensor, _ keys: Tensor, _ values: Tensor) -> Tensor {
    let (n, rows, c) = (keys.shape[0], queries.shape[1], queries.shape[2])
    func split(_ x: Tensor) -> Tensor {
      x.reshaped(n, x.shape[1], heads, c / heads).permuted(0, 2, 1, 3)
    }
    let scale = 1 / Float(c / heads).squareRoot()
    let q = split(query.ofRows(queries)) * scale, k = split(key.ofRows(keys)), v = split(value.ofRows(values))
    let found = matmul(softmax(matmul(q, k.permuted(0, 1, 3, 2)), axis: 3), v)
    return output.ofRows(found.permuted(0, 2, 1, 3).reshaped(n, rows, c))
  }
}

/// Normalisation of every row of features: see `layerNorm`.
final class LayerNorm: Module {
  private let weight: Parameter, bias: Parameter

  init(features: Int) {
    weight = Parameter(.ones([features]))
    bias = Parameter(.zeros([features]))
  }

  var parts: [Part] { [Part("weight", weight), Part("bias", bias)] }

  func callAsFunction(_ x: Tensor) -> Tensor { layerNorm(x, weight: weight.value, bias: bias.value) }
}

extension Linear {
  /// The map of N×L×C, row by row.
  func ofRows(_ x: Tensor) -> Tensor {
    self(x.reshaped(x.shape[0] * x.shape[1], x.shape[2])).reshaped(x.shape[0], x.shape[1], weight.shape[0])
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
