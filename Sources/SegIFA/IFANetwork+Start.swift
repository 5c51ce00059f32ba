import SegKernels

extension IFANetwork {
  /// Loads values to start a training from: of an FFNet its backbone, as the encoder; of an IFA network all.
  ///
  /// - Returns: what differed.
  /// - Throws: `LoadError`.
  public func start(from values: [String: Tensor]) throws -> [String] {
    let backbone = values.renamed("backbone_model.", to: "")
    guard !backbone.isEmpty else { return try load(values).differences }
    try startEncoder(from: backbone)
    return ["everything but the encoder is fresh"]
  }
}

extension Module {
  /// Loads the part `encoder` by the encoder's own names.
  func startEncoder(from values: [String: Tensor]) throws {
    try load(
      values.renamed("", to: "encoder."),
      rules: LoadRules(prefixes: ["encoder."], mayMiss: { $0.hasSuffix("num_batches_tracked") }))
  }
}
