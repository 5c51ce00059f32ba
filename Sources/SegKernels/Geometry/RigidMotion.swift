/// Rigid motions of N cameras, p ↦ R p + t: from one camera's frame (x right, y down, z ahead, metres) to another's.
public struct RigidMotion: Sendable {
  /// N×3×3.
  public let rotation: Tensor
  /// N×3, metres.
  public let translation: Tensor

  /// Motions of given parts. Traps unless they are N×3×3 and N×3.
  public init(rotation: Tensor, translation: Tensor) {
    let (r, t) = (rotation.shape, translation.shape)
    check(
      r.rank == 3 && r[1] == 3 && r[2] == 3 && t == [r[0], 3], "RigidMotion",
      "expected N×3×3 and N×3, found \(r) and \(t)")
    self.rotation = rotation
    self.translation = translation
  }

  /// Motions of axis-angle vectors N×3 (radians) and translations N×3; see ``rotation(axisAngle:)``.
  public init(axisAngle: Tensor, translation: Tensor) {
    self.init(rotation: SegKernels.rotation(axisAngle: axisAngle), translation: translation)
  }

  /// `count` cameras that do not move.
  public static func identity(_ count: Int) -> RigidMotion {
    RigidMotion(axisAngle: .zeros([count, 3]), translation: .zeros([count, 3]))
  }

  /// The way back: p ↦ Rᵀ p − Rᵀ t.
  public var inverse: RigidMotion {
    let count = rotation.shape[0]
    let back = (rotation * translation.reshaped(count, 3, 1)).sum(axes: [1])
    return RigidMotion(rotation: rotation.permuted(0, 2, 1), translation: back * -1)
  }

  /// Points N×3×P of the first frames in the second ones.
  public func callAsFunction(_ points: Tensor) -> Tensor {
    let count = rotation.shape[0]
    check(
      points.rank == 3 && points.shape[0] == count && points.shape[1] == 3, "RigidMotion",
      "expected \(count)×3×P points, found \(points.shape)")
    let rows = (0..<3).map { row in
      let factors = rotation.slice(axis: 1, row..<row + 1).reshaped(count, 3, 1)
      return (factors * points).sum(axes: [1], keepDimensions: true)
    }
    return concatenate(rows, axis: 1) + translation.reshaped(count, 3, 1)
  }
}
