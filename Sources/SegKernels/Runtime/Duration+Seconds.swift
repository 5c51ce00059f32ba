extension Duration {
  /// The duration in seconds, as a number to calculate with.
  package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
