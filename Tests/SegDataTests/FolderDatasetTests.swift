import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegTestSupport
import XCTest

final class FolderDatasetTests: XCTestCase {
  private func makeFolder() throws -> URL {
    let root = try Fixtures.temporaryFolder(self)
    try root.writeImage("images/b.png")
    try root.writeImage("images/a.png", height: 1, width: 4)
    try root.writeLabels("labels/a.png", [0, 1, 2, 255], width: 4)
    try root.writeLabels("labels/b.png", [2, 2, 0, 0])
    try root.writeText("classes.txt", "road #804080\nside walk\nsky #4682b4\n")
    return root
  }

  func testPairsAreReadInTheOrderOfNames() throws {
    let data = try FolderDataset(root: makeFolder(), split: "train")
    XCTAssertEqual(data.classes.names, ["road", "side walk", "sky"])
    XCTAssertEqual(data.classes.palette.colors[0], RGB(128, 64, 128))
    XCTAssertEqual(data.classes.palette.colors[2], RGB(70, 130, 180))
    XCTAssertEqual(data.classes.ignoreIndex, 255)
    XCTAssertEqual((0..<data.count).map(data.name), ["a.png", "b.png"])
    XCTAssertEqual(try data.sample(at: 0).labels, Labels([1, 4], [0, 1, 2, 255]))
    XCTAssertEqual(try data.sample(at: 1).labels, Labels([2, 2], [2, 2, 0, 0]))
  }

  func testAMappingFileSaysWhatNumbersMean() throws {
    let root = try makeFolder()
    try root.writeText("mapping.txt", "# Cityscapes' numbers\n7 0\n11 1   # building\n\n23 2\n")
    try root.writeLabels("labels/a.png", [7, 11, 23, 7], width: 4)
    try root.writeLabels("labels/b.png", [7, 7, 8, 7])
    let strict = try FolderDataset(root: root, split: "train")
    XCTAssertEqual(try strict.sample(at: 0).labels.values, [0, 1, 2, 0])
    let unknown = problem { try strict.sample(at: 1) }
    XCTAssertTrue(unknown.contains("labels/b.png: ") && unknown.contains("found 8"), unknown)

    try root.writeText("mapping.txt", "7 0\n* 255\n")
    XCTAssertEqual(try FolderDataset(root: root, split: "train").sample(at: 0).labels.values, [0, 255, 255, 0])

    for (text, words) in [
      ("7 0\n7 1\n", ["line 2", "found 7 again"]), ("7\n", ["line 1", "FROM TO", "'7'"]),
      ("seven 1\n", ["line 1", "'seven'"]), ("7 3\n", ["0…2 or 255", "becomes 3"]),
    ] {
      try root.writeText("mapping.txt", text)
      let found = problem { try FolderDataset(root: root, split: "train") }
      for word in ["mapping.txt: "] + words { XCTAssertTrue(found.contains(word), found) }
    }
  }

  func testSplitsOfBothKinds() throws {
    let root = try Fixtures.temporaryFolder(self)
    try root.writeText("classes.txt", "a\nb\n")
    try root.writeImage("images/train/x.png")
    try root.writeLabels("labels/train/x.png", [0, 1, 0, 1])
    try root.writeImage("val/images/y.png")
    try root.writeLabels("val/labels/y.png", [1, 1, 1, 1])
    XCTAssertEqual(try FolderDataset(root: root, split: "train").name(at: 0), "x.png")
    XCTAssertEqual(try FolderDataset(root: root, split: "val").name(at: 0), "y.png")
    let missing = problem { try FolderDataset(root: root, split: "test") }
    XCTAssertTrue(missing.contains("images: expected the split 'test', found 'train'"), missing)
  }

  func testWhatIsWrongIsNamed() throws {
    let root = try makeFolder()
    func opening() -> String { problem { try FolderDataset(root: root, split: "train") } }

    try root.writeImage("images/c.png")
    try root.writeImage("images/d.png")
    XCTAssertTrue(opening().contains("labels: expected a label PNG for each of 4 images, found none for 2, first 'c'"))
    for name in ["c", "d", "e"] { try root.writeLabels("labels/\(name).png", [0, 0, 0, 0]) }
    XCTAssertTrue(opening().contains("images: expected an image for each label PNG, found none for 1, first 'e'"))
    try FileManager.default.removeItem(at: root.appendingPathComponent("labels/e.png"))

    try root.writeLabels("labels/c.png", [0, 0])
    try root.writeLabels("labels/d.png", [0, 0, 3, 0])
    let data = try FolderDataset(root: root, split: "train")
    let size = problem { try data.sample(at: 2) }
    XCTAssertTrue(size.contains("labels/c.png: expected 2×2 labels for c.png"), size)
    let stray = problem { try data.sample(at: 3) }
    XCTAssertTrue(stray.contains("labels/d.png: expected labels 0…2 or 255 (ignore), found 3"), stray)

    try root.writeText("images/a.jpg", "")
    XCTAssertTrue(opening().contains("expected one file of its name"), opening())
    try root.writeText("classes.txt", "a\na\n")
    XCTAssertTrue(opening().contains("classes.txt: line 2"), opening())
    try root.writeText("classes.txt", "\n")
    XCTAssertTrue(opening().contains("expected 1 to 255 classes, found 0"), opening())
    try FileManager.default.removeItem(at: root.appendingPathComponent("classes.txt"))
    XCTAssertTrue(opening().contains("classes.txt: expected the names of the classes"), opening())
  }

  /// CamVid's folders as anyone's own, by the counts of its README.
  func testRealFolders() throws {
    let camVid = try Fixtures.researchData("camvid"), root = try Fixtures.temporaryFolder(self)
    try root.writeText("classes.txt", ClassTable.camVid.names.joined(separator: "\n"))
    try root.writeText("mapping.txt", (0..<11).map { "\($0) \($0)\n" }.joined() + "11 255\n")
    let data = try FolderDataset(
      images: camVid.appendingPathComponent("val"), labels: camVid.appendingPathComponent("valannot"),
      classes: root.appendingPathComponent("classes.txt"), mapping: root.appendingPathComponent("mapping.txt"))
    XCTAssertEqual(data.count, 101)
    let ignored = try (0..<101).reduce(0) { try $0 + data.sample(at: $1).labels.values.count { $0 == 255 } }
    XCTAssertEqual(ignored, 297_271)
  }
}
