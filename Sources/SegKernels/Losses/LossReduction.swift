/// How a loss turns one number a pixel into its result.
public enum LossReduction: String, Sendable, Hashable, Codable {
  /// One number a pixel, 0 where ignored.
  case none
  case sum
  /// The mean over the pixels that count, each as heavy as its class; NaN if none does.
  case mean
}
