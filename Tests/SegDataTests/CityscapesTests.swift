import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// The reader against what was counted on the real files (their README), and against damaged folders.
final class CityscapesTests: XCTestCase {
  /// Quarter-size frames with trainIds: shares of the labelled pixels in %, and images that contain each class.
  func testCountsOfTrainIDs() throws {
    let data = try Cityscapes(root: Fixtures.researchData("cityscapes-quarter"), split: "train")
    XCTAssertEqual(data.count, 119)
    var pixels = [Int](repeating: 0, count: 19), images = pixels, ignored = 0
    for index in 0..<data.count {
      let labels = try data.sample(at: index).labels.values
      for label in labels {
        if label == 255 { ignored += 1 } else { pixels[Int(label)] += 1 }
      }
      for label in Set(labels) where label != 255 { images[Int(label)] += 1 }
    }
    let shares = [
      33.6153, 8.1060, 25.3230, 1.8991, 1.5535, 1.0563, 0.1071, 0.3876, 16.3721, 0.6160, 2.7510, 1.5185, 0.1709, 5.4431,
      0.1130, 0.2183, 0.3092, 0.0449, 0.3951,
    ]
    let labelled = Double(pixels.reduce(0, +))
    for (found, expected) in zip(pixels, shares) {
      XCTAssertEqual(100 * Double(found) / labelled, expected, accuracy: 6e-5)
    }
    XCTAssertEqual(images, [112, 110, 119, 61, 62, 116, 44, 102, 115, 45, 105, 95, 37, 110, 8, 6, 4, 10, 59])
    XCTAssertEqual(100 * Double(ignored) / (labelled + Double(ignored)), 10.684, accuracy: 6e-4)
  }

  /// Full-size frames with labelIds: void after mapping, in % (none of the eight has trainIds 14 to 16).
  func testLabelIDsAreMapped() throws {
    let data = try Cityscapes(root: Fixtures.researchData("cityscapes-panoptic"), split: "train")
    let expected = [6.096, 7.813, 6.318, 5.600, 5.979, 6.796, 6.847, 6.511]
    XCTAssertEqual(data.count, expected.count)
    var classes: Set<Int32> = []
    for (index, share) in expected.enumerated() {
      let sample = try data.sample(at: index)
      XCTAssertEqual([sample.image.height, sample.image.width], [1024, 2048])
      let void = sample.labels.values.count { $0 == 255 }
      XCTAssertEqual(100 * Double(void) / Double(sample.labels.count), share, accuracy: 6e-4)
      classes.formUnion(sample.labels.values)
    }
    XCTAssertEqual(classes, Set((0..<19).map(Int32.init)).subtracting([14, 15, 16]).union([255]))
  }

  func testMissingParts() throws {
    let root = try Fixtures.temporaryFolder(self)
    func problem() -> String {
      do {
        _ = try Cityscapes(root: root, split: "val")
        return ""
      } catch { return "\(error)" }
    }
    XCTAssertTrue(problem().contains("folder of cities"), problem())
    let city = root.appendingPathComponent("leftImg8bit/val/ulm")
    try FileManager.default.createDirectory(at: city, withIntermediateDirectories: true)
    XCTAssertTrue(problem().contains("_leftImg8bit.png"), problem())
    try Image(width: 4, height: 2).writePNG(to: city.appendingPathComponent("ulm_1_leftImg8bit.png"))
    XCTAssertTrue(problem().contains("ulm_1_gtFine_labelTrainIds.png"), problem())
    let labels = root.appendingPathComponent("gtFine/val/ulm")
    try FileManager.default.createDirectory(at: labels, withIntermediateDirectories: true)
    let file = labels.appendingPathComponent("ulm_1_gtFine_labelTrainIds.png")
    try Labels([2, 2], [0, 1, 2, 255]).writeGray8PNG(to: file)
    let data = try Cityscapes(root: root, split: "val")
    XCTAssertThrowsError(try data.sample(at: 0)) { XCTAssertTrue("\($0)".contains("2×4"), "\($0)") }
    try Labels([2, 4], [0, 1, 2, 255, 19, 0, 0, 0]).writeGray8PNG(to: file, overwrite: true)
    XCTAssertThrowsError(try data.sample(at: 0)) { XCTAssertTrue("\($0)".contains("19"), "\($0)") }
  }
}
