import SegKernels

/// Which position of one frame looks most like each position of another: what a network in training is held to.
public struct Correspondence: Sendable, Hashable {
  /// j*(i): the position of B, row-major, for each of A's.
  public let matches: [Int32]
  /// w(i): how far position i counts.
  public let weights: [Float]

  /// Given matches: of exact flow, or of none at all, for controls. Traps unless both have one number a position.
  public init(matches: [Int32], weights: [Float]) {
    check(
      matches.count == weights.count, "Correspondence",
      "expected as many weights as matches, found \(weights.count) and \(matches.count)")
    self.matches = matches
    self.weights = weights
  }

  /// j* = argmax R(i, ·), w = max(R(i, j*), 0) with R the cosine similarities; a band of rows of R at a time.
  ///
  /// - Parameters:
  ///   - featuresA: C×h×w, and C×h'×w' of B.
  ///   - featuresB: C×h'×w'.
  public init(from featuresA: Tensor, to featuresB: Tensor) {
    check(
      featuresA.rank == 3 && featuresB.rank == 3 && featuresA.shape[0] == featuresB.shape[0], "Correspondence",
      "expected C×h×w and C×h'×w', found \(featuresA.shape) and \(featuresB.shape)")
    let a = FeatureRows(featuresA).rows, b = FeatureRows(featuresB).rows
    var matches: [Int32] = [], weights: [Float] = []
    for first in stride(from: 0, to: a.shape[0], by: 256) {
      let band = linear(a.slice(axis: 0, first..<min(first + 256, a.shape[0])), weight: b)
      let best = argmax(band).values, width = b.shape[0]
      band.withUnsafeBufferPointer { band in
        for (row, match) in best.enumerated() { weights.append(max(band[row * width + Int(match)], 0)) }
      }
      matches += best
    }
    self.init(matches: matches, weights: weights)
  }
}

/// The perceptual-consistency regulariser of two frames' predictions, differentiable in A's.
///
///     L = mean over i of w_i (1 − p_A(i) · stop(p_B(j*(i))))
///
/// The hard agreement of labels in equation 2 becomes the inner product of probabilities, and the maximum the position
/// that looks most alike; no gradient flows into B. (The paper has a term of this kind and does not give its form; this
/// one is this package's. Zhang et al., WACV 2022.) 0 where both are sure and agree; the mean divides by all positions.
///
/// - Parameters:
///   - logitsA: 1×K×h×w, at the resolution of the features that the correspondence is from.
///   - logitsB: 1×K×h'×w'.
///   - correspondence: from A to B.
public func perceptualConsistencyLoss(_ logitsA: Tensor, _ logitsB: Tensor, _ correspondence: Correspondence) -> Tensor
{
  let classes = logitsA.shape[1], count = logitsA.count / max(classes, 1), other = logitsB.count / max(classes, 1)
  check(
    logitsA.rank == 4 && logitsB.rank == 4 && logitsA.shape[0] == 1 && logitsB.shape[0] == 1
      && logitsB.shape[1] == classes && count == correspondence.matches.count
      && correspondence.matches.allSatisfy { $0 >= 0 && $0 < other }, "perceptualConsistencyLoss",
    "expected 1×K×h×w with a match each and 1×K×h'×w', found \(logitsA.shape), \(logitsB.shape) and "
      + "\(correspondence.matches.count) matches")
  let a = softmax(logitsA).reshaped(classes, count)
  let indices = Labels([classes, count], (0..<classes).flatMap { _ in correspondence.matches })
  let b = withoutGradients {
    gather(softmax(logitsB.detached()).reshaped(classes, other), axis: 1, indices: indices)
      * Tensor([1, count], correspondence.weights)
  }
  let total = correspondence.weights.reduce(0.0) { $0 + Double($1) }
  return (Tensor(Float(total)) - (a * b).sum()) / Float(count)
}
