import Glibc

/// What an implicit decoder is told about a query's place beside the feature vector.
public enum EncodingKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing at all: a control.
  case absent
  /// The offset alone: 2 numbers.
  case offset
  /// The offset, and sines and cosines of it at fixed frequencies: 26 numbers.
  case fixed
  /// The same with learned frequencies (released configuration).
  case learned
  /// Learned rows and columns of a table of 100 places along each axis of the image, in place of the offset.
  case table

  /// The numbers that a query gets.
  var count: Int {
    switch self {
    case .absent: 0
    case .offset: 2
    case .fixed, .learned: 26
    case .table: 24
    }
  }
}

/// ψ(p) = [p, sin(E p), cos(E p)] of an offset p = (y, x), E of six frequencies an axis: wⱼ = 2^(6j/5), j = 0…5.
///
/// IFA (arXiv 2206.08655), released code: `SpatialEncoding`. The published key of a learned E is `emb`, 12×2.
public final class SpatialEncoding: Module {
  /// Which numbers are made.
  public let kind: EncodingKind
  /// E: 12×2.
  public let frequencies: Parameter
  /// Of the kind `table`: 100×12 each.
  private let rows: Parameter, columns: Parameter
  /// The places of the table along an axis.
  static let tableExtent = 100

  /// An encoding with the published frequencies.
  public init(_ kind: EncodingKind) {
    self.kind = kind
    let powers = (0..<6).map { Float(pow(2, 6 * Double($0) / 5)) }
    frequencies = Parameter(
      Tensor([12, 2], powers.flatMap { [$0, 0] } + powers.flatMap { [0, $0] }),
      role: kind == .learned ? .weight : .constant)
    var random = RandomSource(seed: 1, name: "positions")
    rows = Parameter(.uniform([SpatialEncoding.tableExtent, 12], in: 0..<1, using: &random))
    columns = Parameter(.uniform([SpatialEncoding.tableExtent, 12], in: 0..<1, using: &random))
  }

  public var parts: [Part] {
    switch kind {
    case .learned: [Part("emb", frequencies)]
    case .table: [Part("row_embed.weight", rows), Part("col_embed.weight", columns)]
    case .absent, .offset, .fixed: []
    }
  }

  /// The numbers of offsets U×2 (y, x), in rows U×count.
  ///
  /// Of the kind `table`, the "offsets" are the numbers of a row and of a column of the table.
  public func callAsFunction(_ offsets: Tensor) -> Tensor {
    switch kind {
    case .absent, .offset: return offsets
    case .fixed, .learned:
      let angles = linear(offsets, weight: frequencies.value)
      return concatenate([offsets, angles.sin(), angles.cos()], axis: 1)
    case .table:
      func indices(_ axis: Int) -> Labels {
        let count = offsets.shape[0]
        return Labels(
          [count, 12], offsets.withUnsafeBufferPointer { p in (0..<(12 * count)).map { Int32(p[$0 / 12 * 2 + axis]) } })
      }
      return concatenate(
        [
          gather(columns.value, axis: 0, indices: indices(1)), gather(rows.value, axis: 0, indices: indices(0)),
        ], axis: 1)
    }
  }
}
