import SegKernels

/// Every operation of the core at sizes that matter: 0 and 1, primes, a vector's width more or less one for tests, and
/// the sizes of real networks for benchmarks.
///
/// Adding an operation is one file in `SegKernels/Ops` and its rows here.
public enum OperationTable {
  /// Operations without a gradient.
  public static let notDifferentiable: Set<String> = ["argmax", "oneHot", "groupInstances"]

  /// Operations whose results depend on the data in more than their elements: they trap inside `Graph.capture`.
  public static let notCapturable: Set<String> = ["argmax", "sort", "topK", "maxPool2dWithIndices", "groupInstances"]

  /// The rows that tests hold against their definitions.
  public static let cases = rows.filter { !$0.isForTiming }

  /// The rows that benchmarks time: every operation at a size whose time is the kernels'.
  public static let timedCases = rows.filter(\.isForTiming)

  /// A feature map of a size at which caches do not hold it, for rows that are timed.
  static let largeMap: Shape = [8, 64, 128, 128]

  private static let rows: [OperationCase] =
    elementwise + reductions + movement + convolutions + transposedConvolutions + pooling + normalization
    + groupNormalization + softmaxFamily + resizing + sampling + views + choices + losses
    + segmentationLosses + indexing + smallMatrices + implicit + panoptic + boundaries
}
