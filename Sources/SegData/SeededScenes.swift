import Foundation
import SegImages
import SegKernels

/// Small street scenes drawn by a ray-caster from a seed: data for demonstrations where no other data are.
///
/// A camera stands on a road between rows of houses, with cars and trees; every pixel is the nearest thing that its ray
/// meets, so image and labels agree exactly. Splits share no scene.
public struct SeededScenes: SegmentationDataset {
  public let classes = ClassTable(
    names: ["sky", "building", "tree", "road", "pavement", "car"],
    palette: Palette([
      RGB(70, 130, 180), RGB(70, 70, 70), RGB(107, 142, 35), RGB(128, 64, 128), RGB(244, 35, 232), RGB(0, 0, 142),
    ]))
  public let count: Int
  private let split: String
  private let size: Pair

  /// - Parameters:
  ///   - split: any word; scenes of different words differ.
  ///   - size: rows and columns of the images.
  public init(split: String, count: Int = 64, size: Pair = [96, 192]) {
    self.split = split
    self.count = count
    self.size = size
  }

  public func name(at index: Int) -> String { "\(split)-\(index)" }

  public func sample(at index: Int) throws -> SegmentationSample {
    var random = RandomSource(seed: 1, name: name(at: index))
    let scene = Scene(using: &random)
    var pixels = [UInt8](), labels = [Int32]()
    for row in 0..<size.height {
      for column in 0..<size.width {
        // A pinhole camera 1.5 m above the road, 90° wide, that looks along z.
        let ray = Vector(
          (Float(column) + 0.5) / Float(size.width) * 2 - 1,
          (Float(size.height) / 2 - Float(row) - 0.5) / Float(size.width) * 2, 1)
        let hit = scene.first(along: ray)
        labels.append(Int32(hit.thing.rawValue))
        let grain = 1 + 0.12 * (random.nextUniform() - 0.5)
        pixels += [hit.color.x, hit.color.y, hit.color.z].map { UInt8(min(max($0 * grain * 255, 0), 255)) }
      }
    }
    return SegmentationSample(
      image: Image(width: size.width, height: size.height, pixels: pixels),
      labels: Labels([size.height, size.width], labels), name: name(at: index))
  }
}

private typealias Vector = SIMD3<Float>

/// Things on a street, as shapes that rays meet.
private struct Scene {
  /// In the order of the classes.
  enum Thing: Int { case sky, building, tree, road, pavement, car }

  /// A box along the axes, or the ball inside it.
  struct Solid {
    let thing: Thing
    let low: Vector, high: Vector
    let color: Vector
    var isRound: Bool { thing == .tree }
  }

  private let solids: [Solid]
  private let daylight: Float

  init(using random: inout RandomSource) {
    func between(_ low: Float, _ high: Float) -> Float { low + (high - low) * random.nextUniform() }
    func box(
      _ thing: Thing, _ x: ClosedRange<Float>, _ height: Float, _ z: Float, _ depth: Float, _ color: Vector,
      from ground: Float = 0
    ) -> Solid {
      Solid(
        thing: thing, low: [x.lowerBound, ground, z], high: [x.upperBound, ground + height, z + depth], color: color)
    }
    var solids: [Solid] = []
    for side: Float in [-1, 1] {
      var z: Float = 2
      while z < 90 {
        let depth = between(6, 16), distance = between(6.5, 9)
        let x = side < 0 ? (-distance - 12)...(-distance) : distance...(distance + 12)
        let tint = Vector(between(0.4, 0.8), between(0.35, 0.6), between(0.3, 0.55))
        solids.append(box(.building, x, between(4, 14), z, depth, tint))
        if random.nextUniform() < 0.5 {
          let radius = between(0.9, 1.8), center = side * 5.2
          solids.append(
            box(
              .tree, (center - radius)...(center + radius), 2 * radius, z + 1, 2 * radius,
              [0.15, between(0.3, 0.5), 0.1], from: 1.2))
        }
        z += depth + between(0, 5)
      }
    }
    for _ in 0..<Int(between(2, 6)) {
      let lane: Float = random.nextUniform() < 0.5 ? -1.8 : 1.8
      let x = lane + between(-0.3, 0.3)
      solids.append(
        box(
          .car, (x - 0.9)...(x + 0.9), 1.45, between(5, 45), 4,
          [between(0.1, 0.9), between(0.1, 0.9), between(0.1, 0.9)]))
    }
    self.solids = solids
    daylight = between(0.7, 1)
  }

  /// What a ray from the camera meets first, and how it looks.
  func first(along ray: Vector) -> (thing: Thing, color: Vector) {
    let eye = Vector(0, 1.5, 0)
    var nearest = Float.infinity
    var hit: (thing: Thing, color: Vector) = (.sky, Vector(0.55, 0.7, 0.9) + 0.25 * ray.y)
    if ray.y < 0 {
      nearest = -eye.y / ray.y
      let x = abs(ray.x * nearest)
      hit = x < 3.6 ? (.road, Vector(repeating: 0.32)) : (.pavement, Vector(0.62, 0.6, 0.57))
      if x < 0.08, Int(ray.z * nearest / 3) % 2 == 0 { hit.color = Vector(repeating: 0.85) }
    }
    for solid in solids {
      guard let (distance, shade) = Scene.distance(to: solid, from: eye, along: ray), distance < nearest else {
        continue
      }
      nearest = distance
      hit = (solid.thing, solid.color * shade)
    }
    // Air takes away colour with distance.
    let haze = nearest.isFinite ? exp(-nearest / 120) : 1
    return (hit.thing, (hit.color * haze + Vector(0.75, 0.8, 0.85) * (1 - haze)) * daylight)
  }

  private static func distance(to solid: Solid, from eye: Vector, along ray: Vector) -> (Float, shade: Float)? {
    if solid.isRound {
      let center = (solid.low + solid.high) / 2, radius = (solid.high.x - solid.low.x) / 2
      let offset = eye - center
      let a = (ray * ray).sum(), b = (ray * offset).sum(), c = (offset * offset).sum() - radius * radius
      let root = b * b - a * c
      guard root > 0 else { return nil }
      let distance = (-b - root.squareRoot()) / a
      return distance > 0 ? (distance, 0.75 + 0.4 * (eye + ray * distance - center).y / radius) : nil
    }
    // Slabs: the ray is inside the box where it is inside all three pairs of planes.
    let a = (solid.low - eye) / ray, b = (solid.high - eye) / ray
    let enter = pointwiseMin(a, b), leave = pointwiseMax(a, b)
    let distance = enter.max()
    guard distance > 0, distance < leave.min() else { return nil }
    return (distance, distance == enter.x ? 0.75 : (distance == enter.z ? 0.95 : 1.15))
  }
}
