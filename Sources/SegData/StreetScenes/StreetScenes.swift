import Foundation
import SegImages
import SegKernels
import SegMetrics

/// Streets that do not exist: a seeded, licence-free world with Cityscapes' 19 classes, rendered by this package.
///
/// Every frame is a street of its own in three dimensions; image, labels, instances and depth are views of the same
/// triangles and agree exactly, at any resolution. Splits have disjoint stocks of shapes and materials. The same
/// arguments give the same bits on every machine with the same mathematics library, for any number of threads.
public struct StreetScenes: SegmentationDataset {
  /// Changes whenever the same arguments begin to give other pictures.
  public static let version = 1

  /// Where the streets of this data set come from.
  public let split: String
  /// Frames in the split.
  public let count: Int
  /// Rows and columns.
  public let size: Pair
  /// Domains that frames are drawn from, in turn.
  public let domains: [StreetDomain]
  /// Whether a camera's noise, blur and compression are simulated; a perfect one otherwise.
  public let hasSensor: Bool
  /// Another seed makes other streets from the same stock.
  public let seed: UInt64
  private let assets: Assets

  public var classes: ClassTable { .cityscapes }
  public var categories: [PanopticCategory]? { Cityscapes.categories }

  /// The streets of a split.
  ///
  /// - Parameters:
  ///   - split: `train`, `dev` or `test`; any other word is a split of its own.
  ///   - count: 3,000 for train, 300 for others by default.
  ///   - size: rows and columns of a frame.
  ///   - domains: what frames are drawn from, in turn.
  ///   - hasSensor: whether a camera's noise, blur and compression are simulated; a perfect one otherwise.
  ///   - seed: of the streets.
  public init(
    split: String, count: Int? = nil, size: Pair = [256, 512], domains: [StreetDomain] = StreetDomain.usual,
    hasSensor: Bool = true, seed: UInt64 = 1
  ) {
    check(size.height >= 16 && size.width >= 16, "StreetScenes", "expected at least 16 rows and columns, found \(size)")
    check(!domains.isEmpty, "StreetScenes", "expected at least one domain, found none")
    self.split = split
    self.count = count ?? (split == "train" ? 3000 : 300)
    self.size = size
    self.domains = domains
    self.hasSensor = hasSensor
    self.seed = seed
    assets = Assets(split: split)
  }

  /// The same frames, kept on disk once they were rendered.
  ///
  /// - Parameters:
  ///   - keepsInstances: whether things stay told apart.
  ///   - keepsDepth: whether samples have their depth.
  ///   - folder: the folder that holds all caches.
  /// - Throws: `FileError` if the cache cannot be written.
  public func cached(
    keepsInstances: Bool = false, keepsDepth: Bool = false, in folder: URL = CachedDataset.place
  ) throws -> CachedDataset {
    let looks = domains.map(\.rawValue).joined(separator: "+") + (hasSensor ? "" : "-perfect")
    let key = "streets-v\(StreetScenes.version)-seed\(seed)-\(size.height)x\(size.width)-\(looks)"
    return try CachedDataset(self, key: key, keepsInstances: keepsInstances, keepsDepth: keepsDepth, in: folder)
  }

  public func name(at index: Int) -> String { "streets-\(split)-\(index)" }

  public func sample(at index: Int) -> SegmentationSample {
    let frame = frame(at: index)
    return SegmentationSample(
      image: frame.image, labels: frame.labels, instances: Cityscapes.counted(frame.instances), depth: frame.depth,
      name: frame.name)
  }

  /// The street of an index. Its light, but nothing else, depends on ``domains``.
  func street(at index: Int) -> Street {
    check((0..<count).contains(index), "StreetScenes", "expected a frame below \(count), found \(index)")
    return Street(assets, domain: domain(at: index), seed: RandomSource(seed: seed, name: name(at: index)))
  }

  private func domain(at index: Int) -> StreetDomain { domains[index % domains.count] }

  /// Renders one frame.
  public func frame(at index: Int) -> StreetFrame { frame(rendered(street(at: index)), at: index) }

  /// Renders several frames, each on a thread of its own: faster than one after another, and the same.
  public func frames(at indices: [Int]) -> [StreetFrame] { concurrentMap(indices, frame(at:)) }

  /// One frame, and what its card needs beside it.
  func frameWithScene(at index: Int) -> (StreetFrame, SceneFacts) {
    let view = rendered(street(at: index))
    return (frame(view, at: index), SceneFacts(view.street, view.rendering))
  }

  private func rendered(_ street: Street) -> (street: Street, rendering: Rendering) {
    (street, Rendering(street.mesh, street.camera, street.daylight, size: size))
  }

  private func frame(_ view: (street: Street, rendering: Rendering), at index: Int) -> StreetFrame {
    let (street, rendering) = view, domain = domain(at: index)
    var random = RandomSource(seed: seed, name: name(at: index) + "/sensor")
    let sensor = hasSensor ? SensorModel(domain, &random) : SensorModel()
    let pixels = rendering.pixels
    let shape: Shape = [size.height, size.width]
    var light = pixels.map(\.color)
    if domain == .rain { Rainfall(street.daylight, random.stream(1)).fall(on: &light, size: size) }
    return StreetFrame(
      image: sensor.develop(light, size: size, random),
      labels: Labels(shape, pixels.map { Int32($0.label.rawValue) }), instances: rendering.cityscapesInstances(),
      depth: Tensor(shape, pixels.map(\.depth)), camera: street.camera, domain: domain, name: name(at: index))
  }
}

extension StreetScenes {
  /// A clip: a few seconds of a street that no single frame shows, filmed from a car that drives along it.
  ///
  /// - Parameters:
  ///   - index: which clip, from 0 on; there is no last one. Its domain is the `index`-th of ``domains``, in turn.
  ///   - frames: 17 make a second.
  ///   - cuts: frames that begin another street, rising. Across a cut nothing of a frame is found in the other.
  public func clip(at index: Int, frames: Int = 64, cuts: [Int] = []) -> StreetClip {
    check(
      index >= 0 && frames > 0, "StreetScenes.clip", "expected a clip from 0 on and frames, found \(index), \(frames)")
    let bounds = [0] + cuts + [frames]
    check(
      zip(bounds, bounds.dropFirst()).allSatisfy(<), "StreetScenes.clip",
      "expected rising cuts within 1..<\(frames), found \(cuts)")
    let name = "streets-\(split)-clip-\(index)"
    return StreetClip(
      name: name, frames: frames, cuts: cuts, size: size, domain: domain(at: index), hasSensor: hasSensor, assets,
      RandomSource(seed: seed, name: name))
  }
}

extension StreetScenes {
  /// A triangle of a street with what it is part of, for whoever wants to check the renderer.
  package struct Facet: Sendable {
    /// Corners in the world, metres.
    package let corners: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
    /// A trainId, or 255.
    package let label: Int32
  }

  /// Every triangle of a frame's street, and the camera.
  package func geometry(at index: Int) -> (facets: [Facet], camera: StreetCamera) {
    let street = street(at: index), mesh = street.mesh
    func corner(_ index: UInt32) -> Vector { mesh.vertices[Int(index)].position }
    let facets = mesh.triangles.map {
      Facet(
        corners: (corner($0.a), corner($0.b), corner($0.c)), label: Int32(mesh.surfaces[Int($0.surface)].label.rawValue)
      )
    }
    return (facets, street.camera)
  }
}
