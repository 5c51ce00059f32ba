import Glibc

/// What an inverse network estimates of the transform between two tiles, and in which units.
///
/// A transform maps the places of the target to those of the prediction, in coordinates that run from −1 to 1 over a
/// tile, columns first. It is θ = exp(G) with the generator
///
///     G = ⎛ a  −φ  x ⎞
///         ⎜ φ   b  y ⎟      shifts x, y; log-scales a, b; angle φ; perspective g, h.
///         ⎝ g   h  0 ⎠
///
/// so that the inverse transform is exp(−G). Identity is the zero vector for every kind, as the released network has
/// it.
public enum BoundaryTransform: String, Sendable, Hashable, Codable, CaseIterable {
  /// x, y in units of 20 % of a tile; a, b in units of log 1.25: the four numbers of the released network, as far as
  /// its authors describe them.
  case shiftScale
  /// The same and φ in units of 15°: the package's default.
  case shiftScaleRotation
  /// The six entries of θ − I in its first two rows.
  case affine
  /// The eight entries of θ − I but the last, with θ₃₃ = 1.
  case homography

  /// The largest components that pre-training draws: 20 % of a tile, a factor of 1.25, 15°, a perspective of 0.1.
  package static let limits = (shift: 0.4, logScale: log(1.25), angle: Double.pi / 12, perspective: 0.1)

  /// How many numbers it has.
  public var count: Int {
    switch self {
    case .shiftScale: 4
    case .shiftScaleRotation: 5
    case .affine: 6
    case .homography: 8
    }
  }

  /// The numbers of a generator's transform.
  package func coefficients(of generator: Generator) -> [Float] {
    let limits = Self.limits
    let plain = [
      generator.x / limits.shift, generator.y / limits.shift, generator.a / limits.logScale,
      generator.b / limits.logScale,
    ]
    switch self {
    case .shiftScale: return plain.map(Float.init)
    case .shiftScaleRotation: return (plain + [generator.angle / limits.angle]).map(Float.init)
    case .affine, .homography:
      let theta = generator.matrix(1)
      return (0..<count).map { Float(theta[$0] / theta[8] - ($0 % 4 == 0 ? 1 : 0)) }
    }
  }

  /// How the coefficients displace the place (u, v) to first order, in units of the largest shift: a row for columns and
  /// one for rows of the tile.
  package func jacobian(u: Double, v: Double) -> (x: [Double], y: [Double]) {
    let limits = Self.limits
    let (scale, angle) = (limits.logScale / limits.shift, limits.angle / limits.shift)
    switch self {
    case .shiftScale: return ([1, 0, u * scale, 0], [0, 1, 0, v * scale])
    case .shiftScaleRotation: return ([1, 0, u * scale, 0, -v * angle], [0, 1, 0, v * scale, u * angle])
    case .affine, .homography:
      let x = [u, v, 1, 0, 0, 0, -u * u, -u * v], y = [0, 0, 0, u, v, 1, -u * v, -v * v]
      return (x.prefix(count).map { $0 / limits.shift }, y.prefix(count).map { $0 / limits.shift })
    }
  }

  /// The matrices N×3×3 that coefficients N×count stand for; differentiable.
  ///
  /// Of the kinds with units θ = [R(φ) · diag(eᵃ, eᵇ) | (x, y)], which is exp(G) to first order.
  public func matrices(_ coefficients: Tensor) -> Tensor {
    let n = coefficients.shape[0]
    check(
      coefficients.shape == [n, count], "BoundaryTransform.matrices",
      "expected N×\(count) coefficients, found \(coefficients.shape)")
    func column(_ index: Int) -> Tensor { coefficients.slice(axis: 1, index..<(index + 1)) }
    let zero = Tensor.zeros([n, 1]), one = Tensor.ones([n, 1])
    let entries: [Tensor]
    switch self {
    case .shiftScale, .shiftScaleRotation:
      let limits = Self.limits
      let (x, y) = (column(0) * Float(limits.shift), column(1) * Float(limits.shift))
      let (sx, sy) = ((column(2) * Float(limits.logScale)).exp(), (column(3) * Float(limits.logScale)).exp())
      let angle = self == .shiftScale ? zero : column(4) * Float(limits.angle)
      entries = [angle.cos() * sx, -(angle.sin() * sy), x, angle.sin() * sx, angle.cos() * sy, y, zero, zero, one]
    case .affine, .homography:
      entries = (0..<9).map { index in
        index < count ? (index % 4 == 0 ? column(index) + 1 : column(index)) : (index == 8 ? one : zero)
      }
    }
    return concatenate(entries, axis: 1).reshaped(n, 3, 3)
  }

  /// One transform by its generator.
  package struct Generator {
    package var x = 0.0, y = 0.0, a = 0.0, b = 0.0, angle = 0.0, g = 0.0, h = 0.0

    package init(
      x: Double = 0, y: Double = 0, a: Double = 0, b: Double = 0, angle: Double = 0, g: Double = 0, h: Double = 0
    ) {
      (self.x, self.y, self.a, self.b) = (x, y, a, b)
      (self.angle, self.g, self.h) = (angle, g, h)
    }

    /// exp(share · G), row by row.
    package func matrix(_ share: Double) -> [Double] {
      let step = [a, -angle, x, angle, b, y, g, h, 0].map { $0 * share }
      var sum: [Double] = [1, 0, 0, 0, 1, 0, 0, 0, 1], term = sum
      // Entries stay below 1: twenty terms leave nothing that a double could hold.
      for order in 1...20 {
        let previous = term
        term = (0..<9).map { entry -> Double in
          let (row, column) = (entry / 3 * 3, entry % 3)
          var product = previous[row] * step[column]
          product += previous[row + 1] * step[3 + column]
          product += previous[row + 2] * step[6 + column]
          return product / Double(order)
        }
        sum = zip(sum, term).map(+)
      }
      return sum
    }
  }
}
