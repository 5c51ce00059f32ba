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

    /// Seconds since the shot began.
    func time(of frame: Int) -> Float { Float(frame - first) / StreetClip.frameRate }
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

  private func shot(at index: Int) -> Shot {
    check((0..<count).contains(index), "StreetClip", "expected a frame below \(count), found \(index)")
    return shots.last { $0.first <= index }!
  }

  /// Where a frame is taken from.
  public func camera(at index: Int, eye: StreetEye = .left) -> StreetCamera {
    let shot = shot(at: index)
    return shot.street.camera(at: shot.time(of: index), eye)
  }

  public func name(at index: Int) -> String { "\(name)-\(index)" }

  public func image(at index: Int) -> Image { frame(at: index).image }

  /// Renders one frame.
  public func frame(at index: Int, eye: StreetEye = .left) -> StreetFrame {
    let shot = shot(at: index), street = shot.street, time = shot.time(of: index)
    let mesh = street.mesh(at: time), camera = street.camera(at: time, eye)
    let rendering = Rendering(mesh, camera, street.daylight, size: size, isSteady: true), shape = shape
    let source = noise.stream(2 * index + (eye == .left ? 0 : 1))
    var light = rendering.pixels.map(\.color)
    if sensor.shutter > 0 {
      let end = time + sensor.shutter / StreetClip.frameRate
      let ways = SceneFlow(
        of: rendering, from: .init(mesh: mesh, camera: camera),
        to: .init(mesh: street.mesh(at: end), camera: street.camera(at: end, eye)),
        stillTriangles: street.stillTriangles
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
    let shot = shot(at: index), mesh = shot.street.mesh(at: shot.time(of: index))
    let visibility = Visibility(mesh, camera(at: index, eye: eye), size: size)
    let labels = visibility.centers().map { number -> Int32 in
      guard number > 0 else { return Int32(StreetClass.sky.rawValue) }
      let source = mesh.triangles[Int(visibility.triangles[Int(number) - 1].source)]
      return Int32(mesh.surfaces[Int(source.surface)].label.rawValue)
    }
    return Labels(shape, labels)
  }

  /// Where the points that one frame shows lie in another, earlier or later, as the left camera has them.
  public func flow(from index: Int, to other: Int) -> StreetFlow {
    let shot = shot(at: index)
    guard shot.first == self.shot(at: other).first else { return StreetFlow(unrelated: size) }
    return flow(shot, from: (index, .left), to: (other, .left))
  }

  /// Where the points that the left camera sees lie in the right one's picture of the same moment: minus the disparity
  /// to the right, and what one of the two alone can see.
  public func parallax(at index: Int) -> StreetFlow {
    flow(shot(at: index), from: (index, .left), to: (index, .right))
  }

  private func flow(
    _ shot: Shot, from: (index: Int, eye: StreetEye), to: (index: Int, eye: StreetEye)
  ) -> StreetFlow {
    func view(_ place: (index: Int, eye: StreetEye)) -> SceneFlow.View {
      let time = shot.time(of: place.index)
      return .init(mesh: shot.street.mesh(at: time), camera: shot.street.camera(at: time, place.eye))
    }
    return SceneFlow(from: view(from), to: view(to), stillTriangles: shot.street.stillTriangles, size: size).measured()
  }

  private var shape: Shape { [size.height, size.width] }
}
