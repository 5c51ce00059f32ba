import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// The reader against the counts that were measured on the real files (their README), and against damaged folders.
final class CamVidTests: XCTestCase {
  func testCountsOfTheRealData() throws {
    let root = try Fixtures.researchData("camvid")
    let expected = [
      "train": (
        367,
        [
          10_682_767, 14_750_079, 623_349, 20_076_880, 2_845_085, 6_166_762, 743_859, 714_595, 3_719_877, 405_385,
          184_967, 2_503_995,
        ]
      ),
      "val": (
        101,
        [
          1_601_620, 4_531_180, 98_499, 5_053_176, 1_521_751, 2_851_125, 155_724, 537_197, 304_716, 113_531, 387_010,
          297_271,
        ]
      ),
    ]
    for (split, (count, pixels)) in expected {
      let dataset = try CamVid(root: root, split: split)
      XCTAssertEqual(dataset.count, count)
      var found = [Int](repeating: 0, count: 12)
      for index in 0..<count {
        for label in try dataset.sample(at: index).labels.values { found[Int(label)] += 1 }
      }
      XCTAssertEqual(found, pixels, split)
    }
  }

  func testMeanColourOfTheTrainingImages() throws {
    let dataset = try CamVid(root: Fixtures.researchData("camvid"), split: "train")
    var sums = [0.0, 0.0, 0.0]
    for index in stride(from: 0, to: dataset.count, by: 1) {
      let image = try dataset.sample(at: index).image
      for channel in 0..<3 {
        let total = stride(from: channel, to: image.pixels.count, by: 3).reduce(0) { $0 + Int(image.pixels[$1]) }
        sums[channel] += Double(total) / Double(image.width * image.height)
      }
    }
    for (sum, expected) in zip(sums, [104.9907, 108.3623, 110.2568]) {
      // Decoders differ by less than a grey level in a pixel.
      XCTAssertEqual(sum / Double(dataset.count), expected, accuracy: 0.05)
    }
  }

  private func makeFolder(_ list: String, labels: [Int32] = [0, 11, 10, 3], size: (Int, Int) = (2, 2)) throws -> URL {
    let root = try Fixtures.temporaryFolder(self)
    try Image(width: 2, height: 2).writePNG(to: root.appendingPathComponent("a.png"))
    try Labels([size.0, size.1], labels).writeGray8PNG(to: root.appendingPathComponent("b.png"))
    try list.write(to: root.appendingPathComponent("train.txt"), atomically: true, encoding: .utf8)
    return root
  }

  func testListsOfBothKindsAreRead() throws {
    XCTAssertEqual(
      try CamVid(root: makeFolder("a.png b.png\n\n"), split: "train").sample(at: 0).labels.values, [0, 11, 10, 3])
    let root = try makeFolder("/SegNet/CamVid/x/a.png /SegNet/CamVid/y/b.png\n")
    for (folder, file) in [("x", "a.png"), ("y", "b.png")] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
      try FileManager.default.moveItem(
        at: root.appendingPathComponent(file), to: root.appendingPathComponent("\(folder)/\(file)"))
    }
    XCTAssertEqual(try CamVid(root: root, split: "train").count, 1)
  }

  func testADriveIsKeptApart() throws {
    let whole = try CamVid(root: makeFolder("a.png b.png\na.png b.png\n"), split: "train"), name = whole.name(at: 0)
    XCTAssertEqual(DatasetSelection(whole) { $0.hasPrefix(name) }.count, 2)
    XCTAssertEqual(DatasetSelection(whole) { !$0.hasPrefix(name) }.count, 0)
    let train = try CamVid(root: Fixtures.researchData("camvid"), split: "train")
    // Counts of the data's README.
    XCTAssertEqual(DatasetSelection(train) { $0.hasPrefix("0001TP") }.count, 62)
    let rest = DatasetSelection(train) { !$0.hasPrefix("0001TP") }
    XCTAssertEqual(rest.count, 305)
    XCTAssertEqual(try rest.sample(at: 0).name, rest.name(at: 0))
  }

  func testWhatIsWrongIsNamed() throws {
    func message(_ body: () throws -> some Any) -> String {
      do { _ = try body() } catch { return "\(error)" }
      return "no error"
    }
    let missing = message { try CamVid(root: URL(fileURLWithPath: "/nowhere/camvid"), split: "train") }
    XCTAssertTrue(missing.hasPrefix("/nowhere/camvid: expected the folder"), missing)
    let lists = try makeFolder("a.png\n"), gone = try makeFolder("a.png b.png\na.png c.png\n"),
      empty = try makeFolder("")
    for (root, words) in [
      (lists, ["train.txt", "line 1", "two paths", "found 1"]), (gone, ["line 2", "c.png"]), (empty, ["empty"]),
    ] {
      let text = message { try CamVid(root: root, split: "train") }
      for word in words { XCTAssertTrue(text.contains(word), text) }
    }
    let stray = try CamVid(root: makeFolder("a.png b.png", labels: [0, 12, 1, 1]), split: "train")
    XCTAssertTrue(message { try stray.sample(at: 0) }.contains("found 12"))
    let small = try CamVid(root: makeFolder("a.png b.png", labels: [0, 1], size: (1, 2)), split: "train")
    XCTAssertTrue(message { try small.sample(at: 0) }.contains("expected 2×2 labels"))
  }
}
