import Foundation
import SegImages
import SegKernels

/// Four small pictures of two classes, left and right, in a folder `data` as `--data folder` reads it.
func writeTwoSides(into folder: URL) throws {
  for kind in ["images", "labels"] {
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("data/\(kind)"), withIntermediateDirectories: true)
  }
  try "left\nright\n".write(to: folder.appendingPathComponent("data/classes.txt"), atomically: true, encoding: .utf8)
  for index in 0..<4 {
    let image = seededPicture(width: 80 + index, height: 72)
    try image.writePNG(to: folder.appendingPathComponent("data/images/\(index).png"))
    try Labels([72, 80 + index], (0..<(72 * (80 + index))).map { $0 % (80 + index) < 30 ? 0 : 1 })
      .writeGray8PNG(to: folder.appendingPathComponent("data/labels/\(index).png"))
  }
}
