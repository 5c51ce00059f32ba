extension Tensor: CustomStringConvertible {
  /// Shape and elements; long axes show their first and last three.
  public var description: String {
    guard hasData else { return "Tensor\(shape) (captured, no data)" }
    let scalars = self.scalars
    func text(axis: Int, offset: Int) -> String {
      guard axis < rank else { return "\(scalars[offset])" }
      let step = shape.strides[axis]
      let visible = shape[axis] <= 8 ? Array(0..<shape[axis]) : [0, 1, 2, -1] + Array((shape[axis] - 3)..<shape[axis])
      let parts = visible.map { $0 < 0 ? "…" : text(axis: axis + 1, offset: offset + $0 * step) }
      let separator = axis == rank - 1 ? ", " : ",\n" + String(repeating: " ", count: axis + 1)
      return "[" + parts.joined(separator: separator) + "]"
    }
    return "Tensor\(shape)\n" + text(axis: 0, offset: 0)
  }
}
