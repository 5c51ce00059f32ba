import SegKernels

extension Recipe.Supervision {
  /// What is wrong, one sentence each.
  ///
  /// - Parameter loss: the recipe's, beside which not everything makes sense.
  func problems(_ loss: Recipe.Loss) -> [String] {
    guard kind != .none else { return [] }
    var problems: [String] = []
    func require(_ condition: Bool, _ problem: String) { if !condition { problems.append(problem) } }
    require(
      Set(stages).count == stages.count, "supervision.stages: expected each stage once, found \(stages)")
    require(
      weight >= 0 && weight.isFinite, "supervision.weight: expected at least 0, found \(weight)")
    require((1...64).contains(stride), "supervision.stride: expected 1...64, found \(stride)")
    require((0.001...0.9).contains(heldOut), "supervision.heldOut: expected 0.001...0.9, found \(heldOut)")
    require(firstSteps >= 0, "supervision.firstSteps: expected at least 0, found \(firstSteps)")
    require(
      kind == .hierarchical || clusters.isEmpty,
      "supervision.clusters: expected a file with kind: hierarchical alone, found '\(clusters)'")
    require(
      loss.judgesLogitsAlone,
      "supervision: expected no loss.boundary, loss.inverseForm or loss.consistency beside it")
    return problems
  }

  /// The factor of a head that tells `clusters` apart, of `classes`.
  ///
  /// λ · log N / log k, λ itself for one cluster (whose loss is 0), or where heads are not balanced.
  public func weight(clusters: Int, classes: Int) -> Float {
    guard isBalanced, clusters > 1, clusters < classes else { return weight }
    let axis = ComplexityAxis.logarithm
    return weight / Float(axis(clusters, of: classes))
  }
}
