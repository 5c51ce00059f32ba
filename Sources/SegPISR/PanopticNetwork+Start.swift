import SegKernels

extension PanopticNetwork {
  /// Loads values to start a training from: of a network of classes its backbone alone, of a panoptic network all that
  /// fits; where that has no first prediction, it begins as a copy of the last.
  ///
  /// - Returns: what differed.
  /// - Throws: `LoadError`.
  public func start(from values: [String: Tensor]) throws -> [String] {
    let backbone = values.renamed("backbone_model.", to: "backbone.")
    guard backbone.isEmpty else {
      _ = try load(backbone, rules: LoadRules(prefixes: ["backbone."]))
      return ["everything but the backbone is fresh"]
    }
    @Sendable func isAdded(_ name: String) -> Bool { name.hasPrefix("initial.") || name.hasPrefix("relation.") }
    let report = try load(
      values, rules: LoadRules(mayMiss: { isAdded($0) || $0.hasSuffix("num_batches_tracked") }, mayDrop: isAdded))
    if report.missing.contains(where: { $0.hasPrefix("initial.") }) { (self as? any RelationalNetwork)?.copyHeads() }
    return report.differences
  }
}
