import Foundation
import SegImages
import SegKernels

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

  /// - Parameters:
  ///   - split: `train`, `dev` or `test`; any other word is a split of its own.
  ///   - count: 3,000 for train, 300 for others by default.
  public init(
    split: String, count: Int? = nil, size: Pair = [256, 512], domains: [StreetDomain] = StreetDomain.allCases,
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
  /// - Throws: `FileError` if the cache cannot be written.
  public func cached(in folder: URL = CachedDataset.place) throws -> CachedDataset {
    let looks = domains.map(\.rawValue).joined(separator: "+") + (hasSensor ? "" : "-perfect")
    let key = "streets-v\(StreetScenes.version)-seed\(seed)-\(size.height)x\(size.width)-\(looks)"
    return try CachedDataset(self, key: key, in: folder)
  }

  public func name(at index: Int) -> String { "streets-\(split)-\(index)" }

  public func sample(at index: Int) -> SegmentationSample {
    let frame = frame(at: index)
    return SegmentationSample(image: frame.image, labels: frame.labels, name: frame.name)
  }

  /// The street of an index. Its light, but nothing else, depends on ``domains``.
  func street(at index: Int) -> Street {
    check((0..<count).contains(index), "StreetScenes", "expected a frame below \(count), found \(index)")
    return Street(assets, domain: domains[index % domains.count], seed: RandomSource(seed: seed, name: name(at: index)))
  }

  /// Renders one frame.
  public func frame(at index: Int) -> StreetFrame { frame(of: street(at: index), at: index) }

  /// One frame with the triangles that it shows.
  func frameAndView(at index: Int) -> (StreetFrame, (mesh: Mesh, visibility: Visibility)) {
    let street = street(at: index)
    return (frame(of: street, at: index), (street.mesh, Visibility(street.mesh, street.camera, size: size)))
  }

  private func frame(of street: Street, at index: Int) -> StreetFrame {
    let domain = street.daylight.domain
    let rendering = Rendering(street.mesh, street.camera, street.daylight, size: size)
    var random = RandomSource(seed: seed, name: name(at: index) + "/sensor")
    let sensor = hasSensor ? SensorModel(domain, &random) : SensorModel()
    let image = sensor.develop(rendering.radiance, size: size, random)
    let shape: Shape = [size.height, size.width]
    return StreetFrame(
      image: image, labels: Labels(shape, rendering.labels), instances: rendering.cityscapesInstances(),
      depth: Tensor(shape, rendering.depth), camera: street.camera, domain: domain, name: name(at: index))
  }
}

extension Rendering {
  /// Instance ids in Cityscapes' way: things numbered within their class, in the order of the world.
  fileprivate func cityscapesInstances() -> Labels {
    let ids = StreetClass.allCases.reduce(into: [Int32](repeating: 0, count: 256)) { $0[Int($1.rawValue)] = $1.labelID }
    // The things that are seen, with their classes.
    var seen: [Int32: Int32] = [:]
    for (instance, label) in zip(instances, labels) where instance > 0 { seen[instance] = label }
    var next = [Int32](repeating: 0, count: 256), numbers: [Int32: Int32] = [:]
    for (instance, label) in seen.sorted(by: { $0.key < $1.key }) {
      numbers[instance] = ids[Int(label)] * 1000 + next[Int(label)]
      next[Int(label)] += 1
    }
    return Labels([size.height, size.width], zip(instances, labels).map { $0 > 0 ? numbers[$0]! : ids[Int($1)] })
  }
}
