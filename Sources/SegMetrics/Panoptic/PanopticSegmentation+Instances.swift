import SegKernels

extension PanopticSegmentation {
  /// Segments of a picture whose classes are known and whose things are told apart, with Cityscapes' ids: the category's
  /// number for stuff, `category · 1000 + n` for the n-th thing of it, from 0.
  ///
  /// Pixels of a thing class that belong to no thing are a crowd, as in Cityscapes.
  ///
  /// - Parameters:
  ///   - labels: H×W; those that are no class are void.
  ///   - instances: H×W, above 0 on things that are counted; of no meaning on stuff.
  ///   - categories: class by class.
  public init(labels: Labels, instances: Labels, categories: [PanopticCategory]) {
    check(
      labels.shape == instances.shape, "PanopticSegmentation",
      "expected labels and instances of one shape, found \(labels.shape) and \(instances.shape)")
    struct Key: Hashable { let label: Int32, instance: Int32 }
    var ids: [Key: Int32] = [:], segments: [Segment] = []
    func key(_ pixel: Int) -> Key? {
      let label = labels.values[pixel]
      guard label >= 0 && label < categories.count else { return nil }
      return Key(label: label, instance: categories[Int(label)].isThing ? max(instances.values[pixel], 0) : 0)
    }
    var present: Set<Key> = [], last: Key?
    for pixel in labels.values.indices {
      guard let key = key(pixel), key != last else { continue }
      present.insert(key)
      last = key
    }
    var counts: [Int32: Int32] = [:]
    for key in present.sorted(by: { ($0.label, $0.instance) < ($1.label, $1.instance) }) {
      let category = categories[Int(key.label)], isCounted = key.instance > 0
      let number = counts[key.label, default: 0]
      check(number < 1000, "PanopticSegmentation", "expected at most 1000 things of a class, found more")
      ids[key] = Int32(category.id) * (isCounted ? 1000 : 1) + (isCounted ? number : 0)
      if isCounted { counts[key.label] = number + 1 }
      segments.append(Segment(id: ids[key]!, category: category.id, isCrowd: category.isThing && !isCounted))
    }
    last = nil
    var lastID = Self.void
    let values = labels.values.indices.map { pixel -> Int32 in
      guard let key = key(pixel) else { return Self.void }
      if key != last { (last, lastID) = (key, ids[key]!) }
      return lastID
    }
    self.init(ids: Labels(labels.shape, values), segments: segments)
  }

  /// The pixels and things of a network's post-processing; see ``init(labels:instances:categories:)``.
  public init(_ found: PanopticLabels, categories: [PanopticCategory]) {
    self.init(labels: found.labels, instances: found.instances, categories: categories)
  }
}
