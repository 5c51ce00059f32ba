import SegFiles
import SegFormats

/// Trained weights that are part of the program: usable without any file.
///
/// What the weights are for (model, classes, normalisation) stands in the archive's metadata, as in any weights file of
/// this package; how they came about stands in their card.
public struct BundledWeights: Sendable {
  /// What to call them, on the command line too.
  public let name: String
  /// The terms of the data that they were trained on, where these limit what the weights may be used for.
  public let restriction: String?
  private let weights: @Sendable () -> UnsafeRawBufferPointer
  private let text: @Sendable () -> UnsafeRawBufferPointer

  /// Weights in memory that is never freed.
  ///
  /// - Parameters:
  ///   - weights: the bytes of a safetensors file.
  ///   - card: Markdown in UTF-8.
  package init(
    name: String, restriction: String? = nil, weights: @escaping @Sendable () -> UnsafeRawBufferPointer,
    card: @escaping @Sendable () -> UnsafeRawBufferPointer
  ) {
    self.name = name
    self.restriction = restriction
    self.weights = weights
    text = card
  }

  /// Networks for photographs that may be used freely.
  public static let models: [BundledWeights] = [.streets, .streetsDepth]

  /// The card: recipe, data and their terms, seed, scores, and the commands that make the weights again.
  public var card: String { String(decoding: text(), as: UTF8.self) }

  /// The arrays.
  ///
  /// - Throws: `FileError` if the package was built from damaged files.
  public func archive() throws(FileError) -> WeightArchive {
    try readWeights(from: Array(weights()), named: "bundled weights '\(name)'")
  }
}

/// Memory that a C function hands out together with its size.
package func staticBytes(_ function: (UnsafeMutablePointer<Int>) -> UnsafeRawPointer?) -> UnsafeRawBufferPointer {
  var count = 0
  let start = function(&count)
  return UnsafeRawBufferPointer(start: start, count: count)
}
