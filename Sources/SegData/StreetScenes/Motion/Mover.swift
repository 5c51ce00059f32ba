/// Something that moves, or changes its shape, while a clip lasts. At every time it has the same triangles.
struct Mover: Sendable {
  /// Where it is in the world, by the seconds since the clip began.
  let place: @Sendable (_ time: Float) -> Frame
  /// Draws it in its own frame, as it is at a time.
  let draw: @Sendable (_ mesh: inout Mesh, _ time: Float) -> Void
}
