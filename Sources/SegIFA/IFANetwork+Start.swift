import SegKernels

extension IFANetwork {
  /// Loads values to start a training from: of an FFNet its backbone, as the encoder; of an IFA network all.
  ///
  /// - Returns: what differed.
  /// - Throws: `LoadError`.
  public func start(from values: [String: Tensor]) throws -> [String] {
    let prefix = "backbone_model."
    let backbone = values.filter { $0.key.hasPrefix(prefix) }
    guard !backbone.isEmpty else { return try load(values).differences }
    try startEncoder(
      from: Dictionary(uniqueKeysWithValues: backbone.map { (String($0.key.dropFirst(prefix.count)), $0.value) }))
    return ["everything but the encoder is fresh"]
  }
}

extension Module {
  /// Loads the part `encoder` by the encoder's own names.
  func startEncoder(from values: [String: Tensor]) throws {
    let named = Dictionary(uniqueKeysWithValues: values.map { ("encoder." + $0.key, $0.value) })
    try load(
      named, rules: LoadRules(prefixes: ["encoder."], mayMiss: { $0.hasSuffix("num_batches_tracked") }))
  }
}
