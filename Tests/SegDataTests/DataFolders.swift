import Foundation
import SegImages
import SegKernels

/// Small data sets that tests write in the layouts of the real ones.
extension URL {
  /// Writes a black image of that size; folders on the way are made.
  func writeImage(_ path: String, height: Int = 2, width: Int = 2) throws {
    try Image(width: width, height: height).writePNG(to: try place(path))
  }

  /// Writes labels as a grey PNG.
  func writeLabels(_ path: String, _ labels: [Int32], width: Int = 2) throws {
    try Labels([labels.count / width, width], labels).writeGray8PNG(to: try place(path), overwrite: true)
  }

  /// Writes a text file.
  func writeText(_ path: String, _ text: String) throws {
    try text.write(to: try place(path), atomically: true, encoding: .utf8)
  }

  /// The path below, its folder made.
  func place(_ path: String) throws -> URL {
    let url = appendingPathComponent(path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    return url
  }
}

/// What an error says; "" where none is thrown.
func problem(_ body: () throws -> some Any) -> String {
  do { _ = try body() } catch { return "\(error)" }
  return ""
}
