import Foundation
import SegFiles
import SegImages
import SegKernels

/// A panoptic data set, or predictions for one, in COCO's format: a JSON file that lists the segments, and a folder of
/// the same name without ".json" that holds a PNG an image, with the id R + 256 G + 65536 B in every pixel.
public struct COCOPanopticFile: Sendable {
  /// The categories; predictions may come without them.
  public let categories: [PanopticCategory]
  /// Images in the file's order.
  public let images: [Image]
  /// The JSON file.
  public let url: URL

  /// One image's entry.
  public struct Image: Sendable, Hashable {
    /// What pairs a prediction with its truth: COCO's number or Cityscapes' name.
    public let id: String
    /// The PNG's name.
    public let fileName: String
    /// Its segments.
    public let segments: [PanopticSegmentation.Segment]
  }

  /// Reads the JSON file.
  ///
  /// - Parameter place: the JSON file or the folder beside it.
  /// - Throws: `FileError` if one of the two is missing, or the JSON is not what the format says.
  public init(_ place: URL) throws {
    let isJSON = place.pathExtension == "json"
    url = isJSON ? place : place.deletingLastPathComponent().appendingPathComponent(place.lastPathComponent + ".json")
    let bytes = try readFile(at: url)
    let contents: Contents
    do {
      contents = try JSONDecoder().decode(Contents.self, from: Data(bytes))
    } catch {
      throw FileError(path: url.relativePath, problem: "expected COCO's panoptic JSON, \(reason(error))")
    }
    categories = (contents.categories ?? []).map {
      PanopticCategory(id: $0.id, name: $0.name, isThing: $0.isthing == 1)
    }
    images = contents.annotations.map { annotation in
      Image(
        id: annotation.image_id.text, fileName: annotation.file_name,
        segments: annotation.segments_info.map {
          PanopticSegmentation.Segment(id: $0.id, category: $0.category_id, isCrowd: $0.iscrowd == 1)
        })
    }
    try requireDistinct(images.map(\.id), "image_id")
    try requireDistinct(categories.map(\.id), "category id")
    for image in images {
      try requireDistinct(image.segments.map(\.id), "segment id of image \(image.id.printable)")
      if image.segments.contains(where: { $0.id == PanopticSegmentation.void }) {
        throw failure("image \(image.id.printable) lists a segment with the id 0, which is void's")
      }
      // The name becomes a path below the folder, and nowhere else.
      if image.fileName.split(separator: "/").contains("..") || image.fileName.hasPrefix("/") {
        throw failure("expected the name of a file in the folder, found \(image.fileName.quoted)")
      }
    }
  }

  /// The PNG of an image.
  public func picture(of image: Image) -> URL { url.deletingPathExtension().appendingPathComponent(image.fileName) }

  /// Reads the PNG of an image, and sees that it and the JSON name the same segments.
  ///
  /// - Parameters:
  ///   - image: one that the JSON lists.
  ///   - categories: the numbers that segments may have.
  /// - Throws: `FileError`.
  public func segmentation(of image: Image, categories: Set<Int>) throws -> PanopticSegmentation {
    let path = picture(of: image)
    let picture = try SegImages.Image(contentsOf: path)
    let ids = Labels(uninitialized: [picture.height, picture.width]) { ids in
      picture.pixels.withUnsafeBufferPointer { rgb in
        for pixel in ids.indices {
          ids[pixel] = Int32(rgb[3 * pixel]) | Int32(rgb[3 * pixel + 1]) << 8 | Int32(rgb[3 * pixel + 2]) << 16
        }
      }
    }
    var found: Set<Int32> = []
    var last = PanopticSegmentation.void
    for id in ids.values where id != last {
      found.insert(id)
      last = id
    }
    found.remove(PanopticSegmentation.void)
    let listed = Set(image.segments.map(\.id))
    if let id = found.subtracting(listed).min() {
      throw FileError(
        path: path.relativePath,
        problem: "expected the segments that \(url.lastPathComponent) lists, found another, \(id)")
    }
    if let id = listed.subtracting(found).min() {
      throw FileError(
        path: path.relativePath,
        problem: "expected segment \(id), which \(url.lastPathComponent) lists, found no pixel of it")
    }
    if let segment = image.segments.first(where: { !categories.contains($0.category) }) {
      throw failure("segment \(segment.id) of image \(image.id.printable) has the unknown category \(segment.category)")
    }
    return PanopticSegmentation(ids: ids, segments: image.segments)
  }

  private func failure(_ problem: String) -> FileError { FileError(path: url.relativePath, problem: problem) }

  private func requireDistinct(_ names: [some Hashable], _ what: String) throws {
    var seen = Set(names.prefix(0))
    for name in names where !seen.insert(name).inserted {
      throw failure("expected every \(what) once, found \("\(name)".quoted) twice")
    }
  }
}

/// The JSON's own names.
private struct Contents: Decodable {
  struct Category: Decodable {
    let id: Int
    let name: String
    let isthing: Int
  }
  struct Segment: Decodable {
    let id: Int32
    let category_id: Int
    let iscrowd: Int?
  }
  /// A number or a text.
  struct Name: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      text = try (try? container.decode(Int.self)).map(String.init) ?? container.decode(String.self)
    }
  }
  struct Annotation: Decodable {
    let image_id: Name
    let file_name: String
    let segments_info: [Segment]
  }
  let annotations: [Annotation]
  let categories: [Category]?
}

/// What a decoder found wrong, in a few words.
private func reason(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "found no JSON" }
  func place(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    return path.isEmpty ? "the top" : path.quoted
  }
  switch error {
  case .keyNotFound(let key, let context): return "found no \(key.stringValue.quoted) at \(place(context))"
  case .typeMismatch(_, let context), .valueNotFound(_, let context):
    return "found another kind of value at \(place(context))"
  case .dataCorrupted(let context):
    return context.codingPath.isEmpty ? "found no JSON" : "found a value out of range at \(place(context))"
  @unknown default: return "found something else"
  }
}
