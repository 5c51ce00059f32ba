import Glibc
import SegKernels

/// Notices that an adapting network has broken (a number that is none) or collapses: its labels become ever fewer classes
/// while those of MainNet do not.
///
/// Measured by the entropy of the frame's label counts: collapsed where AuxNet's is below a quarter of MainNet's on three
/// frames in a row. A MainNet that itself sees little more than one class (entropy below 0.2) says nothing.
public struct DivergenceGuard: Sendable, Hashable {
  /// Why a network was put back to its start.
  public enum Reason: String, Sendable, Hashable, Codable {
    /// Logits, loss or gradient are no numbers.
    case nonFinite
    /// Its labels have collapsed to a few classes.
    case collapse
  }

  /// The share of MainNet's entropy below which a frame is suspicious.
  public var share = 0.25
  /// How many suspicious frames in a row are a collapse.
  public var patience = 3
  private var suspicious = 0

  /// A guard that has seen nothing.
  public init() {}

  /// Looks at one frame; the reason to put the network back, if there is one.
  ///
  /// - Parameters:
  ///   - main: labels of MainNet alone.
  ///   - auxiliary: labels of the AuxNet alone, of the same shape.
  ///   - classes: the number of classes.
  ///   - isFinite: whether logits, loss and gradient are numbers.
  public mutating func look(main: Labels, auxiliary: Labels, classes: Int, isFinite: Bool) -> Reason? {
    guard isFinite else {
      suspicious = 0
      return .nonFinite
    }
    let reference = DivergenceGuard.entropy(main, classes)
    let isSuspicious = reference >= 0.2 && DivergenceGuard.entropy(auxiliary, classes) < share * reference
    suspicious = isSuspicious ? suspicious + 1 : 0
    guard suspicious >= patience else { return nil }
    suspicious = 0
    return .collapse
  }

  /// −Σ p log p of the shares of the labels 0..<classes.
  static func entropy(_ labels: Labels, _ classes: Int) -> Double {
    var counts = [Int](repeating: 0, count: classes)
    for label in labels.values { counts[Int(label)] += 1 }
    return counts.filter { $0 > 0 }.reduce(0.0) { sum, count in
      let share = Double(count) / Double(labels.count)
      return sum - share * log(share)
    }
  }
}
