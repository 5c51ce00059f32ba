import SegImages
import SegKernels
import SegMetrics

/// One labelled image.
public struct SegmentationSample: Sendable {
  /// The photograph.
  public let image: Image
  /// A class a pixel, H×W; the data set's ignore index where there is none.
  public let labels: Labels
  /// For every pixel of a thing that is counted a number above 0, another one for each thing of the image; 0 for all
  /// other pixels, those of groups of things among them. H×W; nil where the data do not tell things apart.
  public let instances: Labels?
  /// Metres along the viewing axis, H×W, 0 where it is not known; nil where the data have none.
  public let depth: Tensor?
  /// What to call it in messages.
  public let name: String

  /// A sample of given parts.
  public init(image: Image, labels: Labels, instances: Labels? = nil, depth: Tensor? = nil, name: String) {
    self.image = image
    self.labels = labels
    self.instances = instances
    self.depth = depth
    self.name = name
  }
}

/// Images with a class a pixel. What the classes are travels with the data.
public protocol SegmentationDataset: Sendable {
  /// Names, colours and ignore index.
  var classes: ClassTable { get }

  /// Class by class the category of panoptic files; nil, as by default, where samples come without instances.
  var categories: [PanopticCategory]? { get }

  /// The number of samples.
  var count: Int { get }

  /// What a sample is called.
  func name(at index: Int) -> String

  /// Reads one sample.
  ///
  /// - Throws: a `FileError` naming the file.
  func sample(at index: Int) throws -> SegmentationSample
}

extension SegmentationDataset {
  public var categories: [PanopticCategory]? { nil }
}
