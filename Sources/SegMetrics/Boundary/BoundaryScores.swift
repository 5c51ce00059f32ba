/// The boundary metrics of a data set, as values that can be written down: shares of 1, nil where a score is not
/// defined.
public struct BoundaryScores: Sendable, Hashable, Codable {
  /// The F-scores at one distance.
  public struct Level: Sendable, Hashable, Codable {
    /// How far boundaries may lie apart.
    public let tolerance: BoundaryTolerance
    /// The mean over classes of the F of the data set's counts.
    public let meanF: Double?
    /// The mean over images of each image's mean over its classes.
    public let meanFOverImages: Double?
    /// Class by class.
    public let classes: [ClassScore]
  }

  /// One class at one distance.
  public struct ClassScore: Sendable, Hashable, Codable {
    /// The class.
    public let name: String
    /// Its F, precision and recall; nil for a class that the truth lacks.
    public let f, precision, recall: Double?
  }

  /// Mean IoU in a band around the truth's boundaries.
  public struct Trimap: Sendable, Hashable, Codable {
    /// The band's width in pixels.
    public let width: Int
    /// Nil for an empty band.
    public let meanIoU: Double?
  }

  /// By distance.
  public let levels: [Level]
  /// The mean of the classes' boundary IoU.
  public let boundaryIoU: Double?
  /// Boundary IoU class by class.
  public let classBoundaryIoU: [Double?]
  /// By width.
  public let trimap: [Trimap]

  /// Reads the scores off the counts.
  public init(_ f: BoundaryF, _ boundaryIoU: BoundaryIoU, _ trimap: TrimapIoU, names: [String]) {
    levels = f.tolerances.indices.map { level in
      Level(
        tolerance: f.tolerances[level], meanF: f.meanF(at: level), meanFOverImages: f.meanFOverImages(at: level),
        classes: zip(names, f.counts(at: level)).map {
          ClassScore(name: $0, f: $1?.f, precision: $1?.precision, recall: $1?.recall)
        })
    }
    self.boundaryIoU = boundaryIoU.mean
    classBoundaryIoU = boundaryIoU.iou
    self.trimap = zip(trimap.widths, trimap.meanIoU).map { Trimap(width: $0, meanIoU: $1) }
  }
}
