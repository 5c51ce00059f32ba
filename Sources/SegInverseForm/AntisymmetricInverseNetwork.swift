import SegKernels

/// The package's own network: small, convolutional, and exactly antisymmetric.
///
/// Five 3×3 convolutions with norm and ReLU (2 → 16 → 32 → 64 → 96 of stride 2, then 128 of dilation 2) and a 1×1
/// convolution f look at both tiles. Each cell of 16 pixels says by f(a, b) − f(b, a) how far boundaries are displaced in
/// it, and by f(a, b) + f(b, a) how sure that is; the answer is the transform that explains all cells best, see
/// `TransformFit`. Equal maps give exactly 0, and maps that change places the opposite, which is the inverse transform.
/// Both orders pass in one batch, so that this holds in training too.
///
/// A change of scale is a difference between shifts on both sides of a tile, over the distance of the boundaries that
/// happen to be there: a linear layer over all cells cannot divide, and never learnt it.
public final class AntisymmetricInverseNetwork: InverseNetwork {
  public let side: Int
  public let transform: BoundaryTransform
  private let layers: Sequential
  private let head: Conv2d
  private let fit: TransformFit

  /// A network for tiles of one size.
  ///
  /// - Parameters:
  ///   - transform: what is estimated.
  ///   - side: a multiple of 16.
  ///   - seed: draws the weights; nil leaves them zero, for loading.
  public init(_ transform: BoundaryTransform = .shiftScaleRotation, side: Int = 112, seed: UInt64?) {
    check(side > 0 && side % 16 == 0, "AntisymmetricInverseNetwork", "expected a side of 16 · n, found \(side)")
    self.side = side
    self.transform = transform
    let widths = [2, 16, 32, 64, 96, 128]
    layers = Sequential(
      zip(widths, widths.dropFirst()).enumerated().flatMap { index, pair -> [(String, any UnaryModule)] in
        let (stride, dilation): (Pair, Pair) = index < 4 ? (2, 1) : (1, 2)
        let convolution = Conv2d(
          inputChannels: pair.0, outputChannels: pair.1, kernel: 3, stride: stride, dilation: dilation, bias: false)
        return [("\(index).0", convolution), ("\(index).1", BatchNorm2d(channels: pair.1)), ("\(index).2", ReLU())]
      })
    head = Conv2d(
      inputChannels: 128, outputChannels: 5, kernel: 1, bias: true, initialization: .normal(deviation: 0.03, bias: 0))
    fit = TransformFit(transform, cells: side / 16, stride: 16)
    if let seed { initialize(.kaimingFanOut, seed: seed) }
  }

  public var parts: [Part] { [Part("conv", layers), Part("head", head)] }

  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    estimates(prediction, target).coefficients
  }

  /// The coefficients, and how far boundaries are displaced in each cell, N×2×h×w in units of the largest shift.
  func estimates(_ prediction: Tensor, _ target: Tensor) -> (coefficients: Tensor, displacements: Tensor) {
    checkTiles(prediction, target)
    let count = prediction.shape[0]
    let pairs = concatenate(
      [concatenate([prediction, target], axis: 1), concatenate([target, prediction], axis: 1)], axis: 0)
    let cells = head(layers(pairs))
    let (one, other) = (cells.slice(axis: 0, 0..<count), cells.slice(axis: 0, count..<(2 * count)))
    // A cell counts as one until it knows better.
    let start = Tensor([1, 3, 1, 1], [1, 0, 1])
    let roots = one.slice(axis: 1, 2..<5) + other.slice(axis: 1, 2..<5) + start
    let displacements = one.slice(axis: 1, 0..<2) - other.slice(axis: 1, 0..<2)
    return (fit(displacements: displacements, roots: roots), displacements)
  }

  /// What transforms displace in each cell, to first order.
  func displacements(of coefficients: Tensor) -> Tensor { fit.displacements(of: coefficients) }
}
