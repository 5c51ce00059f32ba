import SegKernels

/// What other views say about a depth: photometric error of the best view, static pixels left out, and smoothness.
///
/// At each scale, disparities are enlarged to the image's size; there, L = mean minₛ pe(I, Iₛ warped) over pixels whose
/// minimum is below minₛ pe(I, Iₛ) (auto-masking: what looks alike without any motion teaches nothing), plus
/// λ/2^scale times the edge-aware smoothness of the disparity over its mean. The mean over scales is the loss. Godard
/// et al. 2019, Eq. 1 to 5.
public struct DepthLoss: Sendable, Hashable {
  /// λ.
  public var smoothness: Float = 1e-3
  /// Whether static pixels are left out.
  public var masksStatic = true

  /// The published factors.
  public init() {}

  /// One other view.
  public struct View: Sendable {
    /// N×3×H×W, colours of 0…1.
    public let image: Tensor
    /// From the target's camera to this one's.
    public let motion: RigidMotion

    /// A view of given parts.
    public init(image: Tensor, motion: RigidMotion) {
      self.image = image
      self.motion = motion
    }
  }

  /// The loss of disparities, from what other views show.
  ///
  /// - Parameters:
  ///   - disparities: finest first, of the target.
  ///   - target: N×3×H×W, colours of 0…1.
  ///   - views: the frames that are warped to the target.
  ///   - intrinsics: N×4: fx, fy, cx, cy in pixels.
  ///   - configuration: what disparities mean in metres.
  /// - Returns: a scalar.
  public func callAsFunction(
    _ disparities: [Tensor], target: Tensor, views: [View], intrinsics: Tensor, _ configuration: DepthConfiguration
  ) -> Tensor {
    check(!views.isEmpty, "DepthLoss", "expected at least one other view, found none")
    let size = Pair(height: target.shape[2], width: target.shape[3])
    let still = masksStatic ? views.map { photometricError(target, $0.image) } : []
    let terms = disparities.enumerated().map { scale, disparity -> Tensor in
      let depth = configuration.depth(resize(disparity, to: size))
      let errors = views.map {
        photometricError(target, warp($0.image, depth: depth, intrinsics: intrinsics, motion: $0.motion))
      }
      let best = concatenate(still + errors, axis: 1).minimum(axes: [1])
      let image = scale == 0 ? target : averagePool2d(target, kernel: Pair(1 << scale))
      let relative = disparity / (disparity.mean(axes: [2, 3], keepDimensions: true) + 1e-7)
      return best.mean() + edgeAwareSmoothness(relative, image: image) * (smoothness / Float(1 << scale))
    }
    return terms.dropFirst().reduce(terms[0], +) / Float(terms.count)
  }
}
