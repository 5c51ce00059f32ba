import SegKernels

/// How many pixels get another label from one frame to the next, moving or not: a measure of flicker and motion
/// together.
public struct LabelChanges: Sendable, Hashable {
  /// Pixels compared, and those that differ.
  public private(set) var pixels = 0, changed = 0

  /// No frames yet.
  public init() {}

  /// Compares neighbouring frames; every label counts, void too. Traps if the shapes differ.
  public mutating func add(previous: Labels, current: Labels) {
    check(
      previous.shape == current.shape, "LabelChanges.add",
      "frames \(previous.shape) and \(current.shape) differ in size")
    pixels += current.count
    changed += zip(previous.values, current.values).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
  }

  /// Adds the counts of other frames.
  public static func += (a: inout LabelChanges, b: LabelChanges) {
    a.pixels += b.pixels
    a.changed += b.changed
  }

  /// The share of pixels that change; nil without frames.
  public var rate: Double? { share(changed, of: pixels) }
}
