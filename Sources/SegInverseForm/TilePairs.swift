import Glibc
import SegData
import SegKernels

/// Pairs of boundary tiles whose transform is known, made from label maps: what inverse networks learn from.
///
/// The label map is looked at twice, half a transform to either side, so that a pair in the other order is a pair of
/// the inverse transform. The side that stands for a prediction is then made as poor as predictions are, which does not
/// change the transform: another width, blur, weaker values, missing and spurious edges. Tiles without boundaries are
/// left out. A network that saw crisp and largely shifted pairs alone finds large distances between equal maps.
public struct TilePairs: Sendable {
  /// A batch of pairs.
  public struct Batch: Sendable {
    /// N×1×side×side, in 0…1.
    public let prediction, target: Tensor
    /// N×k.
    public let coefficients: Tensor
  }

  /// How transforms are drawn.
  public enum Draw: Sendable, Hashable {
    /// A fifth identity; of the rest half log-uniform from 0.5 pixels to 5 % of the tile, half uniform up to 20 % of
    /// the tile, factors of 0.8 to 1.25 and 15°.
    case training
    /// One number of the transform, in its largest training amounts; all others 0.
    case single(component: Int, amount: Double)
  }

  /// Rows and columns of a tile.
  public let side: Int
  /// What the pairs are labelled with.
  public let transform: BoundaryTransform
  /// Squared distances to another label, up to 6 pixels; 37 beyond.
  private let fields: [[UInt8]]
  private let height: Int, width: Int

  /// Pairs of tiles of the boundaries of label maps.
  ///
  /// - Parameters:
  ///   - labels: maps H×W of one size, of at least 64 pixels a side; one at least, with boundaries.
  ///   - side: rows and columns of a tile.
  ///   - transform: the kind that is drawn.
  public init(labels: [Labels], side: Int, transform: BoundaryTransform) {
    check(
      !labels.isEmpty
        && labels.allSatisfy { $0.shape == labels[0].shape && $0.shape.rank == 2 && $0.shape.min()! >= 64 },
      "TilePairs", "expected label maps H×W of one size of at least 64, found \(labels.first?.shape ?? [])")
    self.side = side
    self.transform = transform
    (height, width) = (labels[0].shape[0], labels[0].shape[1])
    fields = labels.map { map in
      DistanceTransform.squaredToOtherLabel(map, within: 6).withUnsafeBufferPointer { $0.map { UInt8(min($0, 37)) } }
    }
  }

  /// A batch that follows from the seed and the index alone.
  public func batch(_ index: Int, of count: Int, seed: UInt64, _ draw: Draw = .training, isDegraded: Bool = true)
    -> Batch
  {
    let source = RandomSource(seed: seed, name: "tile pairs").stream(index), area = side * side
    var target: Tensor!, coefficients: Tensor!
    let prediction = Tensor(uninitialized: [count, 1, side, side]) { prediction in
      target = Tensor(uninitialized: [count, 1, side, side]) { target in
        coefficients = Tensor(uninitialized: [count, transform.count]) { coefficients in
          let p = prediction.baseAddress!, t = target.baseAddress!, c = coefficients.baseAddress!
          parallelFor(count) { slot in
            var random = source.stream(slot)
            let generator = fill(p + slot * area, t + slot * area, draw, isDegraded, &random)
            for (i, value) in transform.coefficients(of: generator).enumerated() {
              c[slot * transform.count + i] = value
            }
          }
        }
      }
    }
    return Batch(prediction: prediction, target: target, coefficients: coefficients)
  }

  private func fill(
    _ prediction: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ draw: Draw, _ isDegraded: Bool,
    _ random: inout RandomSource
  ) -> BoundaryTransform.Generator {
    func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * Double(random.nextUniform()) }
    let generator = self.generator(draw, &random), area = side * side
    // A hundredth of the tile at least must be boundary; after some trials any tile will do.
    for _ in 0..<50 {
      let field = fields[Int.random(in: 0..<fields.count, using: &random)]
      let extent = min(exp(uniform(log(56), log(160))), Double(min(height, width)))
      let row = uniform(extent / 2, Double(height) - extent / 2),
        column = uniform(extent / 2, Double(width) - extent / 2)
      let scale = extent / Double(side)
      let window = (row: row, column: column, half: extent / 2)
      // The target is 2 pixels on both sides at its own resolution, which may be finer than the map's.
      let targetWidth = uniform(2, 4.5), width = isDegraded ? uniform(1, 5) * scale : targetWidth
      sample(field, window, generator.matrix(0.5), width: targetWidth, into: target)
      sample(field, window, generator.matrix(-0.5), width: width, into: prediction)
      if (0..<area).reduce(Float(0), { $0 + target[$1] }) >= 0.01 * Float(area) { break }
    }
    if isDegraded { degrade(prediction, &random) }
    return generator
  }

  private func generator(_ draw: Draw, _ random: inout RandomSource) -> BoundaryTransform.Generator {
    let limits = BoundaryTransform.limits, pixel = 2 / Double(side)
    var amounts = [Double](repeating: 0, count: 7)
    let most = [
      limits.shift, limits.shift, limits.logScale, limits.logScale, limits.angle, limits.perspective,
      limits.perspective,
    ]
    let known = transform == .homography ? 7 : transform == .shiftScale ? 4 : 5
    switch draw {
    case .single(let component, let amount): amounts[component] = amount * most[component]
    case .training:
      guard random.nextUniform() >= 0.2 else { break }
      let isSmall = random.nextUniform() < 0.5
      for i in 0..<known {
        let u = Double(random.nextUniform()), isNegative = random.nextUniform() < 0.5
        // Small amounts are what moves the tile's edge so far.
        let amount = isSmall ? exp(log(0.5) + u * log(0.05 * Double(side) / 0.5)) * pixel : u * most[i]
        amounts[i] = isNegative ? -min(amount, most[i]) : min(amount, most[i])
      }
    }
    return .init(
      x: amounts[0], y: amounts[1], a: amounts[2], b: amounts[3], angle: amounts[4], g: amounts[5], h: amounts[6])
  }

  /// One tile: place p of it shows the map's window at θ · p, boundaries drawn `width` pixels of the map wide.
  private func sample(
    _ field: [UInt8], _ window: (row: Double, column: Double, half: Double), _ theta: [Double], width lineWidth: Double,
    into tile: UnsafeMutablePointer<Float>
  ) {
    // Neighbours across a boundary have distance 1, half a pixel from the line between them.
    let values = (0...37).map {
      $0 == 37 ? 0 : Float(min(max(lineWidth / 2 - (Double($0).squareRoot() - 0.5) + 0.5, 0), 1))
    }
    field.withUnsafeBufferPointer { field in
      values.withUnsafeBufferPointer { values in
        for i in 0..<(side * side) {
          let u = (Double(i % side) + 0.5) * 2 / Double(side) - 1, v = (Double(i / side) + 0.5) * 2 / Double(side) - 1
          let w = theta[6] * u + theta[7] * v + theta[8]
          let x = (theta[0] * u + theta[1] * v + theta[2]) / w * window.half + window.column - 0.5
          let y = (theta[3] * u + theta[4] * v + theta[5]) / w * window.half + window.row - 0.5
          let (left, top) = (x.rounded(.down), y.rounded(.down))
          guard left >= 0, top >= 0, left < Double(width - 1), top < Double(height - 1) else {
            tile[i] = 0
            continue
          }
          let place = Int(top) * width + Int(left), (s, t) = (Float(x - left), Float(y - top))
          let upper = values[Int(field[place])] * (1 - s) + values[Int(field[place + 1])] * s
          let lower = values[Int(field[place + width])] * (1 - s) + values[Int(field[place + width + 1])] * s
          tile[i] = upper * (1 - t) + lower * t
        }
      }
    }
  }

  /// Makes a tile as poor as a prediction: up to 30 % of it missing in patches of 8 pixels, up to three spurious lines,
  /// blur of up to 2 pixels, values of 0.3 to 1.
  private func degrade(_ tile: UnsafeMutablePointer<Float>, _ random: inout RandomSource) {
    let missing = 0.3 * random.nextUniform(), patches = (side + 7) / 8
    let isMissing = (0..<(patches * patches)).map { _ in random.nextUniform() < missing }
    for i in 0..<(side * side) where isMissing[i / side / 8 * patches + i % side / 8] { tile[i] = 0 }
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      var (x, y) = (random.nextUniform() * Float(side), random.nextUniform() * Float(side))
      let angle = 2 * Float.pi * random.nextUniform(), strength = 0.3 + 0.7 * random.nextUniform()
      for _ in 0..<Int.random(in: 5...40, using: &random) {
        if x >= 0, y >= 0, x < Float(side - 1), y < Float(side - 1) {
          for place in [0, 1, side, side + 1] {
            let i = Int(y) * side + Int(x) + place
            tile[i] = max(tile[i], strength)
          }
        }
        (x, y) = (x + cos(angle), y + sin(angle))
      }
    }
    let deviation = 2 * random.nextUniform()
    if deviation > 0.2 { blur(tile, height: side, width: side, deviation: deviation) }
    let strength = 0.3 + 0.7 * random.nextUniform()
    for i in 0..<(side * side) { tile[i] *= strength }
  }
}
