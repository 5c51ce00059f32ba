import SegKernels

/// Every operation of the core at sizes that matter: 0 and 1, primes, a vector's width more or less one.
///
/// Adding an operation is one file in `SegKernels/Ops` and its rows here.
public enum OperationTable {
  /// Operations without a gradient.
  public static let notDifferentiable: Set<String> = ["argmax", "oneHot"]

  /// Operations whose results depend on the data in more than their elements: they trap inside `Graph.capture`.
  public static let notCapturable: Set<String> = ["argmax", "sort", "topK", "maxPool2dWithIndices"]

  /// All rows.
  public static let cases: [OperationCase] =
    elementwise + reductions + movement + convolutions + transposedConvolutions + pooling + normalization
    + groupNormalization + softmaxFamily + resizing + sampling + choices + losses
    + indexing + smallMatrices
}
