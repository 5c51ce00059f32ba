import SegKernels

/// A picture cut into segments: an id for every pixel, and for every id a category.
public struct PanopticSegmentation: Sendable, Hashable {
  /// One segment: an object, a stuff region, or a crowd of objects that nobody told apart.
  public struct Segment: Sendable, Hashable {
    /// The value of its pixels.
    public let id: Int32
    /// The category's number in the data set.
    public let category: Int
    /// Whether it is a crowd; of the truth only.
    public let isCrowd: Bool

    /// A segment.
    public init(id: Int32, category: Int, isCrowd: Bool = false) {
      self.id = id
      self.category = category
      self.isCrowd = isCrowd
    }
  }

  /// The id of pixels that belong to no segment.
  public static let void: Int32 = 0

  /// H×W segment ids.
  public let ids: Labels
  /// The segments, in the file's order.
  public let segments: [Segment]

  /// Traps if two segments share an id, or one has void's.
  public init(ids: Labels, segments: [Segment]) {
    check(
      Set(segments.map(\.id)).count == segments.count && !segments.contains { $0.id == Self.void },
      "PanopticSegmentation", "segments need ids of their own, other than void's \(Self.void)")
    self.ids = ids
    self.segments = segments
  }
}

/// A category of a panoptic data set.
public struct PanopticCategory: Sendable, Hashable, Codable {
  /// Its number, as segments state it; numbers need not be contiguous.
  public let id: Int
  /// Its name.
  public let name: String
  /// Whether its objects are counted; otherwise it is stuff.
  public let isThing: Bool

  /// A category.
  public init(id: Int, name: String, isThing: Bool) {
    self.id = id
    self.name = name
    self.isThing = isThing
  }
}
