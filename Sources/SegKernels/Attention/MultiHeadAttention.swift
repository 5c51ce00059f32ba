/// Attention of several heads: softmax(q kᵀ / √d) v of projected rows, d = features / heads, and a projection of what
/// the heads found side by side.
///
/// Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2. Parameters are called `q_proj`, `k_proj`, `v_proj`
/// and `out_proj`.
public final class MultiHeadAttention: Module {
  private let query: Linear, key: Linear, value: Linear, output: Linear
  private let heads: Int

  /// Weights start at zero; a model's initialiser or a weights file fills them.
  ///
  /// - Parameters:
  ///   - features: the width of queries, keys and values.
  ///   - heads: divides the features.
  public init(features: Int, heads: Int) {
    check(
      heads > 0 && features % heads == 0, "MultiHeadAttention", "\(heads) heads do not divide \(features) features")
    func layer() -> Linear { Linear(inputFeatures: features, outputFeatures: features) }
    (query, key, value, output) = (layer(), layer(), layer(), layer())
    self.heads = heads
  }

  public var parts: [Part] {
    [Part("q_proj", query), Part("k_proj", key), Part("v_proj", value), Part("out_proj", output)]
  }

  /// What every query finds, N×L×C.
  ///
  /// - Parameters:
  ///   - queries: N×L×C.
  ///   - keys: N×M×C, what queries are compared with.
  ///   - values: N×M×C, what is found there.
  public func callAsFunction(_ queries: Tensor, _ keys: Tensor, _ values: Tensor) -> Tensor {
    let (images, rows, features) = (queries.shape[0], queries.shape[1], queries.shape[2])
    func split(_ x: Tensor) -> Tensor {
      x.reshaped(images, x.shape[1], heads, features / heads).permuted(0, 2, 1, 3)
    }
    let scale = 1 / Float(features / heads).squareRoot()
    let q = split(query(queries)) * scale, k = split(key(keys)), v = split(value(values))
    let found = matmul(softmax(linear(q, weight: k), axis: 3), v)
    return output(found.permuted(0, 2, 1, 3).reshaped(images, rows, features))
  }
}
