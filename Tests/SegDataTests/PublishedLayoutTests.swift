import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// ADE20K, VOC, Pascal Context and NYUD in the folders that their archives unpack to. The numbers of labels are those
/// that the data sets document.
final class PublishedLayoutTests: XCTestCase {
  func testADE20KCountsFromOne() throws {
    let root = try Fixtures.temporaryFolder(self)
    try root.writeImage("ADEChallengeData2016/images/training/ADE_train_00000001.png")
    try root.writeLabels("ADEChallengeData2016/annotations/training/ADE_train_00000001.png", [0, 1, 21, 150])
    let data = try ADE20K(root: root, split: "train"), labels = try data.sample(at: 0).labels.values
    XCTAssertEqual(labels, [255, 0, 20, 149])
    XCTAssertEqual([0, 20, 149].map { data.classes.names[$0] }, ["wall", "car", "flag"])
    let inside = root.appendingPathComponent("ADEChallengeData2016")
    XCTAssertEqual(try ADE20K(root: inside, split: "training").count, 1)
    let missing = problem { try ADE20K(root: root, split: "val") }
    XCTAssertTrue(missing.contains("images/validation: expected a folder of images"), missing)
    try root.writeLabels("ADEChallengeData2016/annotations/training/ADE_train_00000001.png", [0, 1, 21, 151])
    let stray = problem { try data.sample(at: 0) }
    XCTAssertTrue(stray.contains("ADE_train_00000001.png") && stray.contains("found 151"), stray)
  }

  func testVOCIsReadByItsLists() throws {
    let root = try Fixtures.temporaryFolder(self), year = "VOCdevkit/VOC2012/"
    try root.writeText(year + "ImageSets/Segmentation/val.txt", "2007_000033\n2007_000042\n")
    try root.writeText(year + "ImageSets/Segmentation/train.txt", "2007_000033\n2009_000001\n")
    for name in ["2007_000033", "2007_000042"] { try root.writeImage(year + "JPEGImages/\(name).png") }
    // As VOC does: an indexed PNG in its own colours.
    let labels = Labels([2, 2], [0, 1, 20, 255])
    try labels.writeIndexedPNG(to: root.place(year + "SegmentationClass/2007_000033.png"), palette: .voc())
    try root.writeLabels(year + "SegmentationClassAug/2007_000042.png", [15, 15, 0, 255])
    let data = try PascalVOC(root: root, split: "val")
    XCTAssertEqual(try data.sample(at: 0).labels, labels)
    XCTAssertEqual(try data.sample(at: 1).labels.values, [15, 15, 0, 255])
    XCTAssertEqual([0, 1, 15, 20].map { data.classes.names[$0] }, ["background", "aeroplane", "person", "tvmonitor"])
    let gone = problem { try PascalVOC(root: root, split: "train") }
    XCTAssertTrue(gone.contains("train.txt: line 2 names '2009_000001'") && gone.contains("JPEGImages"), gone)
    let list = problem { try PascalVOC(root: root, split: "test") }
    XCTAssertTrue(list.contains("test.txt: expected a list of images"), list)
  }

  func testPascalContextIgnoresTheBackground() throws {
    let root = try Fixtures.temporaryFolder(self), year = "VOC2010/"
    try root.writeText(year + "ImageSets/SegmentationContext/train.txt", "2008_000002\n")
    try root.writeImage(year + "JPEGImages/2008_000002.png")
    try root.writeLabels(year + "SegmentationClassContext/2008_000002.png", [0, 1, 59, 255])
    let data = try PascalContext(root: root.appendingPathComponent("VOC2010"), split: "train")
    XCTAssertEqual(try data.sample(at: 0).labels.values, [255, 0, 58, 255])
    XCTAssertEqual(data.classes.count, 59)
    XCTAssertEqual([0, 36, 58].map { data.classes.names[$0] }, ["aeroplane", "person", "wood"])
    // The field's palette of 60 begins with the background's (120, 120, 120).
    XCTAssertEqual(data.classes.palette.colors[0], RGB(180, 120, 120))
    XCTAssertEqual(data.classes.palette.colors[58], RGB(31, 0, 255))
  }

  func testNYUDepthInMillimetresAndMetres() throws {
    let root = try Fixtures.temporaryFolder(self)
    try root.writeText("gt_sets/val.txt", "0001\n0002\n0003\n")
    for name in ["0001", "0002", "0003"] {
      try root.writeImage("images/\(name).png")
      try root.writeLabels("segmentation/\(name).png", [0, 1, 2, 40])
    }
    try Labels([2, 2], [0, 713, 1000, 9823]).writeGray16PNG(to: root.place("depth/0001.png"))
    // An array of NumPy's: 2×2 float32.
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
    let padded = header + String(repeating: " ", count: 128 - 10 - header.count - 1) + "\n"
    var array = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(padded.count), 0]) + Data(padded.utf8)
    for value: Float in [0, 0.5, 1.25, 8] {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { array.append(contentsOf: $0) }
    }
    try array.write(to: root.place("depth/0002.npy"))
    try Labels([1, 2], [1, 2]).writeGray16PNG(to: root.place("depth/0003.png"))

    let data = try NYUDepth(root: root, split: "val")
    XCTAssertEqual(try data.sample(at: 0).labels.values, [255, 0, 1, 39])
    XCTAssertEqual([0, 1, 39].map { data.classes.names[$0] }, ["wall", "floor", "otherprop"])
    XCTAssertEqual(try data.depth(at: 0).scalars, [0, 0.713, 1, 9.823])
    XCTAssertEqual(try data.depth(at: 1).scalars, [0, 0.5, 1.25, 8])
    XCTAssertNil(try data.sample(at: 0).depth)
    let both = try NYUDepth(root: root, split: "val", keepsDepth: true).sample(at: 1)
    XCTAssertEqual(both.depth?.scalars, [0, 0.5, 1.25, 8])
    XCTAssertEqual(both.labels.values, [255, 0, 1, 39])
    let small = problem { try data.depth(at: 2) }
    XCTAssertTrue(small.contains("depth/0003.png: expected depth of"), small)
    try FileManager.default.removeItem(at: root.appendingPathComponent("depth/0001.png"))
    let gone = problem { try data.depth(at: 0) }
    XCTAssertTrue(gone.contains("expected 0001.png or 0001.npy, found neither"), gone)
  }
}
