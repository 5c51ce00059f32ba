/// A camera without distortion: the point (x, y, z) of its frame (x right, y down, z forward) is seen at column
/// fx x / z + cx and row fy y / z + cy.
public struct PinholeCamera: Sendable, Hashable, Codable {
  /// Focal lengths, in columns and rows.
  public let fx, fy: Double
  /// The principal point, in columns and rows from the centre of the first pixel.
  public let cx, cy: Double

  /// A camera of given intrinsics.
  public init(fx: Double, fy: Double, cx: Double, cy: Double) {
    self.fx = fx
    self.fy = fy
    self.cx = cx
    self.cy = cy
  }
}
