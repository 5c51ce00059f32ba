import Foundation
import SegFiles
import SegImages
import SegKernels

/// Writes a panoptic data set, or predictions for one, in COCO's format: the PNGs one by one, and at the end the JSON.
///
/// What `COCOPanopticFile` reads; panopticapi's evaluation and Cityscapes' and COCO's servers take the same.
public final class COCOPanopticWriter {
  private struct Contents: Encodable {
    struct Category: Encodable {
      let id: Int
      let name: String
      let isthing: Int
    }
    struct Segment: Encodable {
      let id: Int32
      let category_id: Int
      let area: Int
      let bbox: [Int]
      let iscrowd: Int
    }
    struct Annotation: Encodable {
      let image_id: Name
      let file_name: String
      let segments_info: [Segment]
    }
    struct Picture: Encodable {
      let id: Name
      let file_name: String
      let height: Int
      let width: Int
    }
    var images: [Picture] = []
    var annotations: [Annotation] = []
    let categories: [Category]
  }

  /// COCO numbers its images, Cityscapes names them.
  private enum Name: Encodable {
    case number(Int), text(String)

    init(_ name: String) { self = Int(name).map(Name.number) ?? .text(name) }

    func encode(to encoder: any Swift.Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      }
    }
  }

  private let json: URL
  private let folder: URL
  private let overwrite: Bool
  private var contents: Contents
  private var names: Set<String> = []

  /// A writer of one JSON file and its PNGs.
  ///
  /// - Parameters:
  ///   - json: the JSON file; the PNGs go to the folder of its name without the ending, which is made.
  ///   - categories: what segments may be.
  ///   - overwrite: whether files that exist are replaced.
  /// - Throws: `FileError` if the JSON file exists and may not be replaced, or the folder cannot be made.
  public init(_ json: URL, categories: [PanopticCategory], overwrite: Bool = false) throws {
    self.json = json
    self.overwrite = overwrite
    folder = json.deletingPathExtension()
    contents = Contents(
      categories: categories.map { Contents.Category(id: $0.id, name: $0.name, isthing: $0.isThing ? 1 : 0) })
    guard overwrite || !FileManager.default.fileExists(atPath: json.path) else {
      throw FileError(
        path: json.relativePath, kind: .unwritable, problem: "exists already, and overwriting was not asked for")
    }
    try folder.makeFolder()
  }

  /// Writes the PNG of an image.
  ///
  /// - Parameters:
  ///   - segmentation: what the PNG shows.
  ///   - image: its number or name, which pairs it with the truth.
  ///   - photo: the name of the photograph.
  ///   - file: the PNG's name.
  /// - Returns: the PNG.
  /// - Throws: `FileError` if the image has come before, an id takes more than 24 bits, or the file cannot be written.
  @discardableResult
  public func add(_ segmentation: PanopticSegmentation, image: String, photo: String, file: String) throws -> URL {
    let url = folder.appendingPathComponent(file)
    guard names.insert(image).inserted else {
      throw FileError(
        path: url.relativePath, kind: .unwritable, problem: "expected every image once, found \(image) again")
    }
    if let large = segmentation.segments.first(where: { $0.id < 0 || $0.id >= 1 << 24 }) {
      throw FileError(path: url.relativePath, kind: .unwritable, problem: "expected ids of 24 bits, found \(large.id)")
    }
    let (height, width) = segmentation.ids.pictureSize(for: "COCOPanopticWriter")
    var extents: [Int32: (area: Int, left: Int, top: Int, right: Int, bottom: Int)] = [:]
    let picture = Image(
      width: width, height: height,
      pixels: segmentation.ids.values.enumerated().flatMap { pixel, id -> [UInt8] in
        let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
        let old = extents[id] ?? (0, x, y, x, y)
        extents[id] = (old.area + 1, min(old.left, x), old.top, max(old.right, x), y)
        return [UInt8(id & 255), UInt8(id >> 8 & 255), UInt8(id >> 16)]
      })
    try picture.writePNG(to: url, overwrite: overwrite)
    contents.images.append(Contents.Picture(id: Name(image), file_name: photo, height: height, width: width))
    contents.annotations.append(
      Contents.Annotation(
        image_id: Name(image), file_name: file,
        // A segment without pixels is none.
        segments_info: segmentation.segments.compactMap { segment in
          extents[segment.id].map {
            Contents.Segment(
              id: segment.id, category_id: segment.category, area: $0.area,
              bbox: [$0.left, $0.top, $0.right - $0.left + 1, $0.bottom - $0.top + 1],
              iscrowd: segment.isCrowd ? 1 : 0)
          }
        }))
    return url
  }

  /// Writes the JSON file.
  public func finish() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes = [UInt8](try encoder.encode(contents))
    try writeAtomically(to: json.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  }
}
