import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

final class COCOPanopticTests: XCTestCase {
  /// A picture of segment ids: R + 256 G + 65536 B.
  private func write(_ ids: [Int], to url: URL) throws {
    let pixels = ids.flatMap { [UInt8($0 & 255), UInt8($0 >> 8 & 255), UInt8($0 >> 16)] }
    try Image(width: 2, height: ids.count / 2, pixels: pixels).writePNG(to: url, overwrite: true)
  }

  func testSegmentsAreClasses() throws {
    let root = try Fixtures.temporaryFolder(self)
    try root.writeImage("val2017/000000000009.png")
    try write([0, 258, 65_793, 3], to: root.place("annotations/panoptic_val2017/000000000009.png"))
    try root.writeText(
      "annotations/panoptic_val2017.json",
      """
      {"annotations": [{"image_id": 9, "file_name": "000000000009.png", "segments_info": [
        {"id": 258, "category_id": 200, "iscrowd": 0}, {"id": 65793, "category_id": 1, "iscrowd": 1},
        {"id": 3, "category_id": 1, "iscrowd": 0}]}],
       "categories": [{"id": 1, "name": "person", "isthing": 1}, {"id": 200, "name": "rug-merged", "isthing": 0}]}
      """)
    let data = try COCOPanoptic(root: root, split: "val")
    XCTAssertEqual(data.classes.names, ["person", "rug-merged"])
    XCTAssertEqual(try XCTUnwrap(data.categories).map(\.isThing), [true, false])
    XCTAssertEqual(try data.sample(at: 0).labels, Labels([2, 2], [255, 1, 0, 0]))
    XCTAssertEqual(try data.segmentation(at: 0).segments.map(\.isCrowd), [false, true, false])

    try write([0, 258, 65_793, 3, 3, 3], to: root.place("annotations/panoptic_val2017/000000000009.png"))
    let size = problem { try data.sample(at: 0) }
    XCTAssertTrue(size.contains("expected 2×2 segments for 000000000009.png"), size)
    try FileManager.default.removeItem(at: root.appendingPathComponent("val2017/000000000009.png"))
    let photo = problem { try COCOPanoptic(root: root, split: "val") }
    XCTAssertTrue(
      photo.contains("val2017: expected a photograph for each of 1") && photo.contains("'000000000009'"), photo)
  }

  /// Two images of COCO, against the table of their README: segments, crowds, pixels of void. The photographs are not
  /// there; black ones of their size stand in.
  func testRealAnnotations() throws {
    let annotations = try Fixtures.researchData("panoptic/coco/panoptic_examples.json")
    let photos = try Fixtures.temporaryFolder(self)
    let expected = [
      ("000000142238", height: 427, segments: 18, things: 15, crowds: 1, void: 2_712),
      ("000000439180", height: 360, segments: 32, things: 28, crowds: 2, void: 7_189),
    ]
    for row in expected { try photos.writeImage("\(row.0).png", height: row.height, width: 640) }
    let data = try COCOPanoptic(annotations: annotations, images: photos)
    XCTAssertEqual(data.classes, .cocoPanoptic)
    let categories = try XCTUnwrap(data.categories)
    XCTAssertEqual(categories.count { $0.isThing }, 80)
    for (index, row) in expected.enumerated() {
      let segments = try data.segmentation(at: index).segments
      let things = Set(categories.filter(\.isThing).map(\.id))
      XCTAssertEqual(segments.count, row.segments)
      XCTAssertEqual(segments.count { things.contains($0.category) }, row.things)
      XCTAssertEqual(segments.count(where: \.isCrowd), row.crowds)
      let labels = try data.sample(at: index).labels
      XCTAssertEqual(labels.values.count { $0 == 255 }, row.void)
      // The same categories in the repository's other format: R holds the category's number.
      let other = try Image(
        contentsOf: Fixtures.researchData("panoptic/coco/panoptic_examples_2ch_format/\(row.0).png"))
      for (pixel, label) in labels.values.enumerated() where label != 255 {
        guard categories[Int(label)].id == Int(other.pixels[3 * pixel]) else {
          return XCTFail("\(row.0), pixel \(pixel): class \(label), category \(other.pixels[3 * pixel])")
        }
      }
    }
  }
}
