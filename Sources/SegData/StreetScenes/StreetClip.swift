import SegImages
import SegKernels

/// Which of two cameras: the right one stands ``StreetClip/baseline`` metres to the right of the left one and looks the
/// same way.
public enum StreetEye: Sendable, CaseIterable {
  /// The camera that single pictures are taken with.
  case left
  /// Its partner.
  case right
}

/// A few seconds of a street, filmed from a car that drives along it, or several shots of that kind.
///
/// The car drives, brakes for a red signal or sets off, and rocks on its springs; cars come and go in all lanes, people
/// walk and cycle. Every frame is rendered when it is asked for, in any order and at any size, from the same triangles
/// at that moment: so instances keep their ids, and ``flow(from:to:)`` is exact.
public struct StreetClip: FrameSequence {
  /// Frames a second.
  public static let frameRate: Float = 17
  /// From the left camera to the right one, metres.
  public static let baseline = MovingStreet.baseline

  /// What to call it in messages.
  public let name: String
  /// Its frames.
  public let count: Int
  /// Rows and columns of each.
  public let size: Pair
  /// The light.
  public let domain: StreetDomain
  /// The camera; a perfect one without effects of the sensor.
  public let sensor: SensorModel
  private let shots: [Shot]
  private let noise: RandomSource

  /// What lies between two cuts.
  private struct Shot {
    let first: Int
    let street: MovingStreet
  }

  init(
    name: String, frames: Int, cuts: [Int], size: Pair, domain: StreetDomain, hasSensor: Bool, _ assets: Assets,
    _ seed: RandomSource
  ) {
    self.name = name
    count = frames
    self.size = size
    self.domain = domain
    var random = seed.stream(-1)
    var sensor = hasSensor ? SensorModel(domain, &random) : SensorModel()
    if hasSensor { sensor.shutter = domain == .night ? random.between(0.4, 0.8) : random.between(0.05, 0.4) }
    self.sensor = sensor
    noise = seed.stream(-2)
    let starts = [0] + cuts, ends = cuts + [frames]
    shots = starts.indices.map { index in
      let duration = Float(ends[index] - starts[index]) / StreetClip.frameRate
      return Shot(
        first: starts[index],
        street: MovingStreet(assets, domain: domain, duration: duration, seed: seed.stream(index)))
    }
  }

  private init(_ clip: StreetClip, size: Pair) {
    (name, count, domain, sensor) = (clip.name, clip.count, clip.domain, clip.sensor)
    (shots, noise) = (clip.shots, clip.noise)
    self.size = size
  }

  /// The same clip at `factor` times the size: labels as finely as wanted.
  public func scaled(by factor: Int) -> StreetClip {
    check(factor > 0, "StreetClip.scaled", "expected a positive factor, found \(factor)")
    return StreetClip(self, size: [size.height * factor, size.width * factor])
  }

  /// Whether a frame begins another street.
  public func isCut(before index: Int) -> Bool { shots.dropFirst().contains { $0.first == index } }

  private func shot(at index: Int) -> (street: MovingStreet, time: Float) {
    check((0..<count).contains(index), "StreetClip", "expected a frame below \(count), found \(index)")
    let shot = shots.last { $0.first <= index }!
    return (shot.street, Float(index - shot.first) / StreetClip.frameRate)
  }

  /// Where a frame is taken from.
  public func camera(at index: Int, eye: StreetEye = .left) -> StreetCamera {
    let (street, time) = shot(at: index)
    return street.camera(at: time, eye)
  }

  public func name(at index: Int) -> String { "\(name)-\(index)" }

  public func image(at index: Int) -> Image { frame(at: index).image }

  /// Renders one frame.
  public func frame(at index: Int, eye: StreetEye = .left) -> StreetFrame {
    let (street, time) = shot(at: index), mesh = street.mesh(at: time), camera = street.camera(at: time, eye)
    let rendering = Rendering(mesh, camera, street.daylight, size: size, isSteady: true), shape = shape
    let source = noise.stream(2 * index + (eye == .left ? 0 : 1))
    var light = rendering.pixels.map(\.color)
    if sensor.shutter > 0 {
      let end = time + sensor.shutter / StreetClip.frameRate
      let ways = SceneFlow(
        from: .init(mesh: mesh, camera: camera),
        to: .init(mesh: street.mesh(at: end), camera: street.camera(at: end, eye)),
        stillTriangles: street.stillTriangles, size: size
      ).vectors()
      light = MotionBlur.applied(to: light, along: ways, size: size)
    }
    if domain == .rain { Rainfall(street.daylight, source.stream(1)).fall(on: &light, size: size) }
    return StreetFrame(
      image: sensor.develop(light, size: size, source),
      labels: Labels(shape, rendering.pixels.map { Int32($0.label.rawValue) }),
      instances: rendering.instances { street.instanceIDs[Int($0)] },
      depth: Tensor(shape, rendering.pixels.map(\.depth)), camera: camera, domain: domain, name: name(at: index))
  }

  /// Renders several frames, each on a thread of its own: faster than one after another, and the same.
  public func frames(at indices: [Int], eye: StreetEye = .left) -> [StreetFrame] {
    concurrentMap(indices) { frame(at: $0, eye: eye) }
  }

  /// The classes of a frame alone, H×W: much faster than the whole frame.
  public func labels(at index: Int, eye: StreetEye = .left) -> Labels {
    let (street, time) = shot(at: index), mesh = street.mesh(at: time)
    let visibility = Visibility(mesh, street.camera(at: time, eye), size: size), width = size.width
    return Labels(uninitialized: shape) { labels in
      let labels = labels.baseAddress!
      visibility.forEachTile { tile in
        for row in tile.rows {
          for column in tile.columns {
            let number = Int(tile.seen[tile.index(row, column)][7])
            let label =
              number > 0
              ? mesh.surfaces[Int(mesh.triangles[Int(visibility.triangles[number - 1].source)].surface)].label : .sky
            labels[row * width + column] = Int32(label.rawValue)
          }
        }
      }
    }
  }

  /// Where the points that one frame shows lie in another, earlier or later, as the left camera has them.
  public func flow(from index: Int, to other: Int) -> StreetFlow {
    let (street, time) = shot(at: index), (_, otherTime) = shot(at: other)
    guard shots.last(where: { $0.first <= index })!.first == shots.last(where: { $0.first <= other })!.first else {
      return StreetFlow(unrelated: size)
    }
    return flow(street, from: (time, .left), to: (otherTime, .left))
  }

  /// Where the points that the left camera sees lie in the right one's picture of the same moment: minus the disparity
  /// to the right, and what one of the two alone can see.
  public func parallax(at index: Int) -> StreetFlow {
    let (street, time) = shot(at: index)
    return flow(street, from: (time, .left), to: (time, .right))
  }

  private func flow(
    _ street: MovingStreet, from: (time: Float, eye: StreetEye), to: (time: Float, eye: StreetEye)
  ) -> StreetFlow {
    func view(_ place: (time: Float, eye: StreetEye)) -> SceneFlow.View {
      .init(mesh: street.mesh(at: place.time), camera: street.camera(at: place.time, place.eye))
    }
    return SceneFlow(from: view(from), to: view(to), stillTriangles: street.stillTriangles, size: size).measured()
  }

  private var shape: Shape { [size.height, size.width] }
}
