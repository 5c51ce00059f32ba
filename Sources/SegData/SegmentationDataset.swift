import SegImages
import SegKernels

/// One labelled image.
public struct SegmentationSample: Sendable {
  /// The photograph.
  public let image: Image
  /// A class a pixel, H×W; the data set's ignore index where there is none.
  public let labels: Labels
  /// What to call it in messages.
  public let name: String

  /// A sample of given parts.
  public init(image: Image, labels: Labels, name: String) {
    self.image = image
    self.labels = labels
    self.name = name
  }
}

/// Images with a class a pixel. What the classes are travels with the data.
public protocol SegmentationDataset: Sendable {
  /// Names, colours and ignore index.
  var classes: ClassTable { get }

  /// The number of samples.
  var count: Int { get }

  /// What a sample is called.
  func name(at index: Int) -> String

  /// Reads one sample.
  ///
  /// - Throws: a `FileError` naming the file.
  func sample(at index: Int) throws -> SegmentationSample
}
