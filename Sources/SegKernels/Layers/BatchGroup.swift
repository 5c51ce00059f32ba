/// The processes that hold each batch together: an equal share of the samples each, in the order of their ranks.
///
/// What depends on a batch as a whole (the statistics of batch norms, the masks of dropout) asks it; SegDistributed has
/// the one that speaks MPI. All processes must make the same calls in the same order.
public protocol BatchGroup: Sendable {
  /// The number of processes.
  var size: Int { get }

  /// The number of this one, from 0 on.
  var rank: Int { get }

  /// Replaces each number by the sum of all processes' numbers at its place; every process gets the same bits.
  func sum(_ values: UnsafeMutableBufferPointer<Double>)
}

extension BatchGroup {
  /// The sums over all processes.
  public func sum(_ values: [Double]) -> [Double] {
    var values = values
    values.withUnsafeMutableBufferPointer { sum($0) }
    return values
  }
}

/// A layer that must know in training which part of a batch it sees.
public protocol BatchDividing: Module {
  /// The processes that hold each batch together; nil where this one holds all of it.
  var group: (any BatchGroup)? { get set }
}

extension BatchNorm2d: BatchDividing {}
extension Dropout: BatchDividing {}

extension Module {
  /// Makes every layer of the tree do in training what it would do in one process that holds the whole batch:
  /// batch norms share their statistics, dropout draws this process's part of the masks.
  public func divideBatches(over group: (any BatchGroup)?) {
    (self as? any BatchDividing)?.group = group
    for child in children { child.module.divideBatches(over: group) }
  }
}
