/// How an image is cut into tiles: by layout, so that any aspect ratio keeps its scale.
public struct TileLayout: Sendable, Hashable {
  /// Rows of tiles.
  public let rows: Int
  /// Columns of tiles.
  public let columns: Int

  /// A given layout; the released code's is 3×6 whatever the image.
  public init(rows: Int, columns: Int) {
    check(rows > 0 && columns > 0, "TileLayout", "expected rows and columns, found \(rows)×\(columns)")
    self.rows = rows
    self.columns = columns
  }

  /// Three rows, and round(3 · width / height) columns but one at least: 3×6 for Cityscapes, as released.
  public init(height: Int, width: Int) {
    self.init(rows: 3, columns: max(1, Int((3 * Float(width) / Float(height)).rounded())))
  }

  /// Maps N×1×H×W as tiles (rows · columns · N)×1×side×side: all images of the first tile, then of the second, row by
  /// row.
  ///
  /// The map is resized to whole tiles (bilinear, without antialiasing, as released), then cut with one copy.
  public func tiles(of maps: Tensor, side: Int) -> Tensor {
    check(maps.rank == 4 && maps.shape[1] == 1, "TileLayout.tiles", "expected maps N×1×H×W, found \(maps.shape)")
    let size = Pair(height: rows * side, width: columns * side)
    let whole = maps.shape[2] == size.height && maps.shape[3] == size.width ? maps : resize(maps, to: size)
    return whole.reshaped(maps.shape[0], rows, side, columns, side).permuted(1, 3, 0, 2, 4)
      .reshaped(rows * columns * maps.shape[0], 1, side, side)
  }
}
