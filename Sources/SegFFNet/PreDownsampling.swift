import SegKernels

/// The fixed first step of `_pre_down` models: a 5×5 Gaussian a channel, stride 2.
///
/// Rows are mirrored by one at top and bottom, columns are not: 1024×2048 becomes 511×1022. The profile is scipy's
/// Gaussian filter of a unit impulse, σ = 0.7, with mirrored border.
final class PreDownsampling: UnaryModule {
  private let weight: Parameter

  init(channels: Int) {
    let profile: [Float] = [0.00967746, 0.20539965, 0.56984578, 0.20539965, 0.00967746]
    let kernel = profile.flatMap { row in profile.map { row * $0 } }
    weight = Parameter(Tensor([channels, 1, 5, 5], (0..<channels).flatMap { _ in kernel }), role: .constant)
  }

  var parts: [Part] { [Part("weight", weight)] }

  func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x.padded(top: 1, bottom: 1, left: 0, right: 0, with: .reflect), weight: weight.value, stride: 2,
      groups: x.shape[1])
  }
}
