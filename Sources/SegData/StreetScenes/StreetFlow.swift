import SegKernels
import SegMetrics

/// How one view of a street maps to another: exact, since both are views of the same triangles.
public struct StreetFlow: Sendable {
  /// From each pixel's centre to where the same point of the scene lies in the other view, whether it is seen there or
  /// not. NaN behind the other camera, and across a cut.
  public let field: FlowField
  /// H×W, 1 where the point cannot be seen in the other view: something is before it, or it lies outside the picture.
  public let occluded: Labels
  /// H×W, 1 where the point itself has moved, not the camera alone.
  public let moving: Labels

  init(field: FlowField, occluded: Labels, moving: Labels) {
    self.field = field
    self.occluded = occluded
    self.moving = moving
  }

  /// Nothing of one view is found in the other.
  init(unrelated size: Pair) {
    let shape: Shape = [size.height, size.width]
    field = FlowField(Tensor([2, size.height, size.width], filledWith: .nan))
    occluded = Labels(shape, filledWith: 1)
    moving = Labels(shape, filledWith: 0)
  }
}
