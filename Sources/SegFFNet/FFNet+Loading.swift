import SegKernels

extension FFNet {
  /// How a checkpoint of a related model may be used.
  public enum Loading: Sendable, Hashable {
    /// All weights, for prediction. A checkpoint of the same network with or without `_pre_down` fits: its fixed
    /// smoothing kernel is left out, or kept from the definition.
    case complete
    /// Whatever fits, for fine-tuning: the last layer may have another number of classes and then keeps its fresh
    /// weights, and the strided shortcut of `d` networks may be missing.
    case fineTuning
    /// The backbone alone, from an ImageNet classifier: the authors found the head better trained from scratch.
    case backboneOnly
  }

  /// Loads published values by name; everything that was not taken over is in the report.
  ///
  /// - Throws: `LoadError` naming the differences that the way of loading does not allow; the network is unchanged.
  @discardableResult
  public func load(published values: [String: Tensor], _ loading: Loading = .complete) throws -> LoadReport {
    let isSmoothing = { @Sendable (name: String) in name == "smoothing.weight" }
    let isCounter = { @Sendable (name: String) in name.hasSuffix("num_batches_tracked") }
    let isStridedShortcut = { @Sendable (name: String) in name.hasPrefix("backbone_model.layer1.0.downsample.") }
    let isLast = { @Sendable (name: String) in
      name.hasPrefix("head.layers.3.last_layer.3.") || name.hasPrefix("head.layers.2.classifier.")
    }
    let rules: LoadRules
    switch loading {
    case .complete:
      rules = LoadRules(mayMiss: { isSmoothing($0) || isCounter($0) }, mayDrop: isSmoothing)
    case .fineTuning:
      rules = LoadRules(
        mayMiss: { isSmoothing($0) || isCounter($0) || isStridedShortcut($0) }, mayDrop: isSmoothing, mayDiffer: isLast)
    case .backboneOnly:
      rules = LoadRules(prefixes: ["backbone_model."], mayMiss: { isCounter($0) || isStridedShortcut($0) })
    }
    return try load(values, rules: rules)
  }
}
