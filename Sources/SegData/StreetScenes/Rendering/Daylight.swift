import Foundation
import SegKernels

/// The light of a street: sun, sky and air. Colours are linear; 1 is what a white wall sends back at noon.
struct Daylight {
  /// The domain, of a foreign sensor that of the light that it sees.
  let domain: StreetDomain
  /// Towards the sun.
  let sun: Vector
  let sunColor: Vector
  let zenith: Vector, horizon: Vector
  /// Light from above as it falls on an open, level place.
  let ambient: Vector
  /// The share of the sky that clouds cover.
  let clouds: Float
  /// The distance over which air takes away 63 % of a colour, metres.
  let clearness: Float
  let seed: UInt32
  /// Street lamps that light up what is near them; none while there is better light.
  let lamps: [Vector]

  /// - Parameter lamps: those that are lit.
  init(_ asked: StreetDomain, _ random: inout RandomSource, lamps: [Vector]) {
    seed = UInt32(truncatingIfNeeded: random.next())
    domain = asked == .foreignSensor ? [.clear, .overcast][Int(seed % 2)] : asked
    self.lamps = domain == .night ? lamps : []
    let azimuth = random.between(0, 2 * .pi)
    func direction(_ elevation: Float) -> Vector {
      Vector(cos(elevation) * sin(azimuth), sin(elevation), cos(elevation) * cos(azimuth))
    }
    switch domain {
    case .clear:
      sun = direction(random.between(0.35, 1.15))
      sunColor = Vector(1.25, 1.12, 0.93) * random.between(0.8, 1.15)
      zenith = Vector(0.22, 0.4, 0.78) * random.between(0.8, 1.15)
      horizon = Vector(0.72, 0.82, 0.95) * random.between(0.85, 1.1)
      ambient = Vector(0.3, 0.36, 0.46) * random.between(0.75, 1.15)
      clouds = random.between(0, 0.75)
      clearness = random.between(500, 2000)
    case .overcast:
      sun = direction(1.2)
      sunColor = Vector(0, 0, 0)
      let tone = random.between(0.75, 1.05)
      zenith = Vector(0.72, 0.75, 0.79) * tone
      horizon = Vector(0.86, 0.88, 0.9) * tone
      ambient = Vector(0.68, 0.71, 0.75) * tone
      clouds = random.between(0.6, 1)
      clearness = random.between(300, 900)
    case .dusk:
      let elevation = random.between(-0.06, 0.2)
      sun = direction(max(elevation, 0.04))
      sunColor = Vector(0.75, 0.38, 0.15) * smoothstep(-0.02, 0.2, elevation) * 0.9
      zenith = Vector(0.08, 0.12, 0.26) * random.between(0.7, 1.3)
      horizon = Vector(0.62, 0.4, 0.3) * random.between(0.6, 1.1)
      ambient = Vector(0.15, 0.16, 0.21) * random.between(0.7, 1.3)
      clouds = random.between(0.1, 0.8)
      clearness = random.between(350, 1200)
    case .night:
      sun = direction(1)
      sunColor = Vector(0, 0, 0)
      zenith = Vector(0.008, 0.01, 0.02) * random.between(0.6, 1.5)
      horizon = Vector(0.05, 0.042, 0.04) * random.between(0.5, 1.6)
      ambient = Vector(0.022, 0.023, 0.03) * random.between(0.7, 1.4)
      clouds = random.between(0, 0.9)
      clearness = random.between(300, 900)
    case .rain:
      sun = direction(1.2)
      sunColor = Vector(0, 0, 0)
      let tone = random.between(0.42, 0.65)
      zenith = Vector(0.62, 0.66, 0.72) * tone
      horizon = Vector(0.82, 0.85, 0.89) * tone
      ambient = Vector(0.6, 0.64, 0.7) * tone
      clouds = random.between(0.8, 1)
      clearness = random.between(90, 240)
    case .fog:
      sun = direction(1.2)
      sunColor = Vector(0, 0, 0)
      let tone = random.between(0.6, 0.95)
      zenith = Vector(0.83, 0.85, 0.87) * tone
      horizon = zenith
      ambient = Vector(0.7, 0.72, 0.75) * tone
      clouds = 0
      clearness = random.between(20, 55)
    case .foreignSensor: preconditionFailure("a foreign sensor sees another domain's light")
    }
  }

  /// The colour that distant things take on.
  var air: Vector { mix(horizon, ambient, 0.4) }

  /// How wet level ground is: 0 to 1 from place to place.
  func wetness(at point: Vector) -> Float {
    guard domain == .rain else { return 0 }
    return smoothstep(-0.35, 0.25, layeredNoise(point.x, point.z, scale: 3, octaves: 3, footprint: 0, seed &+ 50))
  }

  /// How much of the light within houses shines out of lit windows.
  var windows: Float { domain == .night ? 0.5 : 0 }

  /// What street lamps and the headlights of the camera's car add at a point.
  func lampLight(at point: Vector, normal: Vector, camera: StreetCamera) -> Vector {
    guard domain == .night else { return Vector(0, 0, 0) }
    var light = Vector(0, 0, 0)
    for lamp in lamps {
      let way = lamp - point, square = dot(way, way)
      // Beyond 18 metres a lamp is too weak to be seen.
      guard square < 324 else { continue }
      let slope = max(dot(normal, way), 0) / max(square, 0.01).squareRoot()
      light += Vector(1, 0.76, 0.48) * (7 * slope / (square + 2) * (1 - square / 324))
    }
    // Two headlights are as good as one below the camera: wide, and cut off above the horizontal.
    let place = camera.view(point) + Vector(0, 0.6, -1)
    if place.z > 0.5 {
      let side = place.x / place.z, rise = place.y / place.z
      let beam = exp(-side * side / 0.16) * (1 - smoothstep(-0.02, 0.06, rise)) + 0.06
      let square = dot(place, place), slope = max(-dot(normal, point - camera.position), 0) / square.squareRoot()
      light += Vector(0.95, 0.97, 1) * (36 * beam * (0.25 + 0.75 * slope) / (square + 12))
    }
    return light
  }

  /// The colour of the sky in a direction of unit length.
  func sky(_ direction: Vector) -> Vector {
    if domain == .fog { return air }
    let height = max(direction.y, 0)
    var color = mix(horizon, zenith, 1 - exp(-3.2 * height))
    // A flat layer of cloud, seen in perspective.
    let reach = 1 / (height + 0.12)
    let (x, y) = (direction.x * reach, direction.z * reach)
    let cover = layeredNoise(x, y, scale: 1.1, octaves: 5, footprint: 0, seed) + (clouds - 0.55)
    let bright =
      domain == .clear || domain == .overcast ? Vector(0.95, 0.96, 0.98) : mix(horizon, zenith, 0.4) * 1.2
    color = mix(
      color, bright * (domain == .overcast ? 0.85 : 1),
      smoothstep(-0.1, 0.35, cover) * smoothstep(0, 0.15, height) * 0.85)
    let towards = max(dot(direction, sun), 0)
    color += sunColor * (0.25 * pow(towards, 24) + 0.1 * pow(towards, 4))
    return color
  }

  /// What a mirror shows in a direction: the sky above the roofs, and a dim street below them.
  func surroundings(_ direction: Vector) -> Vector {
    let azimuth = direction.x / (abs(direction.x) + abs(direction.z) + 1e-6)
    let roofs = 0.3 + 0.14 * noise(azimuth * 9, direction.z > 0 ? 1 : 5, seed)
    let open = smoothstep(roofs - 0.06, roofs + 0.06, direction.y)
    let street = ambient * (0.3 + 0.16 * noise(azimuth * 14, direction.y * 8, seed &+ 3)) + sunColor * 0.06
    if open <= 0 { return street }
    let above = mix(horizon, zenith, 1 - exp(-3.2 * max(direction.y, 0)))
    return mix(street, above, open)
  }
}

extension RandomSource {
  /// A float between two others.
  mutating func between(_ low: Float, _ high: Float) -> Float { low + (high - low) * nextUniform() }

  /// True with a probability.
  mutating func chance(_ probability: Float) -> Bool { nextUniform() < probability }

  /// A whole number from `range`.
  mutating func whole(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(nextUniform() * Float(range.count))
  }

  /// One of a list's elements.
  mutating func pick<Element>(_ list: [Element]) -> Element {
    list[min(Int(nextUniform() * Float(list.count)), list.count - 1)]
  }
}
