import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Panoptic quality: published examples, and panopticapi's rules one by one.
final class PanopticTests: XCTestCase {
  private typealias Segment = PanopticSegmentation.Segment

  private func quality(
    _ categories: [(Int, Bool)], _ prediction: PanopticSegmentation, _ truth: PanopticSegmentation
  ) -> PanopticQuality {
    var quality = PanopticQuality(
      categories: categories.map { PanopticCategory(id: $0, name: "category \($0)", isThing: $1) })
    quality.add(prediction: prediction, truth: truth)
    return quality
  }

  /// google-research/deeplab2's own test (`evaluation/panoptic_quality_test.py`) on the pictures of its team.
  func testTeamOfDeepLab2() throws {
    let folder = try Fixtures.researchData("panoptic/team")
    func grey(_ name: String) throws -> [Int] {
      // Luminance; one colour of the prediction is not quite grey.
      let image = try Image(contentsOf: folder.appendingPathComponent(name))
      return stride(from: 0, to: image.pixels.count, by: 3).map {
        let (r, g, b) = (Double(image.pixels[$0]), Double(image.pixels[$0 + 1]), Double(image.pixels[$0 + 2]))
        return Int((0.299 * r + 0.587 * g + 0.114 * b).rounded())
      }
    }
    let truthClass = [0: 0, 47: 1, 97: 1, 133: 1, 150: 1, 174: 1, 198: 2, 215: 1, 244: 1, 255: 1]
    let image = try Image(contentsOf: folder.appendingPathComponent("team_pred_class.png"))
    let predictedClass = (0..<(image.width * image.height)).map { place -> Int in
      image.pixels[3 * place] == 255 ? 2 : image.pixels[3 * place + 2] == 255 ? 1 : 0
    }
    // Class 0 is ignored: its pixels are void.
    func segmentation(_ classes: [Int], _ instances: [Int]) -> PanopticSegmentation {
      let ids = zip(classes, instances).map { $0 == 0 ? 0 : Int32(1000 * $0 + $1) }
      return PanopticSegmentation(
        ids: Labels([image.height, image.width], ids),
        segments: Set(ids).subtracting([0]).sorted().map { Segment(id: $0, category: Int($0) / 1000) })
    }
    let wanted = try grey("team_gt_instance.png"), found = try grey("team_pred_instance.png")
    let result = quality(
      [(1, true), (2, true)], segmentation(predictedClass, found), segmentation(wanted.map { truthClass[$0]! }, wanted))
    let scores = PanopticScores(result)
    XCTAssertEqual(try XCTUnwrap(scores.all.pq), 0.62156284, accuracy: 1e-6)
    XCTAssertEqual(try XCTUnwrap(scores.all.sq), 0.64664984, accuracy: 1e-6)
    XCTAssertEqual(try XCTUnwrap(scores.all.rq), 0.9666667, accuracy: 1e-6)
    XCTAssertEqual(result.counts.map(\.truePositives), [7, 1])
    XCTAssertEqual(result.counts.map(\.falseNegatives), [1, 0])
    XCTAssertEqual(result.counts.map(\.falsePositives), [0, 0])
    for (score, expected) in zip(scores.categories, [(0.702436, 0.752610, 0.933333), (0.540690, 0.540690, 1)]) {
      XCTAssertEqual(try XCTUnwrap(score.pq), expected.0, accuracy: 1e-6)
      XCTAssertEqual(try XCTUnwrap(score.sq), expected.1, accuracy: 1e-6)
      XCTAssertEqual(try XCTUnwrap(score.rq), expected.2, accuracy: 1e-6)
    }
  }

  /// mmdetection, `tests/test_evaluation/test_metrics/test_coco_panoptic_metric.py`: its boxes and its nine results.
  func testExampleOfMMDetection() throws {
    func segmentation(_ ground: Segment, _ boxes: [(segment: Segment, x: Int, y: Int, w: Int, h: Int)])
      -> PanopticSegmentation
    {
      var ids = [Int32](repeating: ground.id, count: 60 * 80)
      for box in boxes {
        for y in box.y..<(box.y + box.h) { for x in box.x..<(box.x + box.w) { ids[80 * y + x] = box.segment.id } }
      }
      return PanopticSegmentation(ids: Labels([60, 80], ids), segments: boxes.map(\.segment) + [ground])
    }
    // Person 0, cat 1, dog 2, wall 3.
    let truth = segmentation(
      Segment(id: 4, category: 3),
      [
        (Segment(id: 1, category: 0), 10, 10, 10, 40), (Segment(id: 2, category: 0), 30, 10, 10, 40),
        (Segment(id: 3, category: 2), 50, 10, 10, 5),
      ])
    let prediction = segmentation(
      Segment(id: 9, category: 3),
      [
        (Segment(id: 5, category: 0), 11, 11, 10, 40), (Segment(id: 6, category: 0), 38, 10, 10, 40),
        (Segment(id: 7, category: 2), 51, 10, 10, 5),
      ])
    let scores = PanopticScores(quality([(0, true), (1, true), (2, true), (3, false)], prediction, truth))
    for (mean, expected) in [
      (scores.all, (67.86874803219071, 80.89770126158936, 83.33333333333334)),
      (scores.things, (60.45252075318891, 79.9959505972869, 75.0)),
      (scores.stuff, (82.70120259019427, 82.70120259019427, 100.0)),
    ] {
      XCTAssertEqual(100 * (try XCTUnwrap(mean.pq)), expected.0, accuracy: 1e-9)
      XCTAssertEqual(100 * (try XCTUnwrap(mean.sq)), expected.1, accuracy: 1e-9)
      XCTAssertEqual(100 * (try XCTUnwrap(mean.rq)), expected.2, accuracy: 1e-9)
    }
    XCTAssertEqual([scores.all, scores.things, scores.stuff].map(\.categories), [3, 2, 1])
    XCTAssertNil(scores.categories[1].pq)
  }

  /// torchmetrics' documentation of `PanopticQuality`: 0.5463. There, segments are pairs (category, instance), stuff
  /// has no instances.
  func testExampleOfTorchmetrics() throws {
    func segmentation(_ pixels: [(Int, Int)]) -> PanopticSegmentation {
      let ids = pixels.map { category, instance in Int32(1 + 10 * category + (category < 6 ? instance : 0)) }
      return PanopticSegmentation(
        ids: Labels([5, 4], ids), segments: Set(ids).map { Segment(id: $0, category: Int($0 - 1) / 10) })
    }
    let prediction = segmentation([
      (6, 0), (0, 0), (6, 0), (6, 0), (0, 0), (0, 0), (6, 0), (0, 1), (0, 0), (0, 0), (6, 0), (0, 1), (0, 0), (7, 0),
      (6, 0), (1, 0), (0, 0), (7, 0), (7, 0), (7, 0),
    ])
    let truth = segmentation([
      (6, 0), (0, 1), (6, 0), (0, 1), (0, 1), (0, 1), (6, 0), (0, 1), (0, 1), (0, 1), (6, 0), (1, 0), (0, 1), (7, 0),
      (1, 0), (1, 0), (0, 1), (7, 0), (7, 0), (7, 0),
    ])
    let scores = PanopticScores(quality([(0, true), (1, true), (6, false), (7, false)], prediction, truth))
    XCTAssertEqual(try XCTUnwrap(scores.all.pq), 0.5463, accuracy: 5e-5)
  }

  /// The rules for void and crowds, on ten pixels in a row.
  func testVoidAndCrowds() {
    func segments(_ ids: [Int32], _ list: [Segment]) -> PanopticSegmentation {
      PanopticSegmentation(ids: Labels([1, ids.count], ids), segments: list)
    }
    func counts(_ prediction: PanopticSegmentation, _ truth: PanopticSegmentation) -> PanopticQuality.Counts {
      quality([(1, true), (2, true)], prediction, truth).counts[0]
    }
    let whole = segments([Int32](repeating: 7, count: 10), [Segment(id: 7, category: 1)])
    // 3 of 10 pixels are the segment and 7 void: without void the union is 3, a match of IoU 1.
    var found = counts(whole, segments([5, 5, 5, 0, 0, 0, 0, 0, 0, 0], [Segment(id: 5, category: 1)]))
    XCTAssertEqual([found.truePositives, found.falsePositives, found.falseNegatives], [1, 0, 0])
    XCTAssertEqual(found.sumOfIoU, 1)
    // IoU of exactly ½ is no match.
    found = counts(
      whole, segments([5, 5, 5, 5, 5, 6, 6, 6, 6, 6], [Segment(id: 5, category: 1), Segment(id: 6, category: 2)]))
    XCTAssertEqual([found.truePositives, found.falsePositives, found.falseNegatives], [0, 1, 1])
    // More than half on void: no false positive. Exactly half: one.
    found = counts(whole, segments([0, 0, 0, 0, 0, 0, 6, 6, 6, 6], [Segment(id: 6, category: 2)]))
    XCTAssertEqual([found.truePositives, found.falsePositives, found.falseNegatives], [0, 0, 0])
    XCTAssertNil(found.pq)
    found = counts(whole, segments([0, 0, 0, 0, 0, 6, 6, 6, 6, 6], [Segment(id: 6, category: 2)]))
    XCTAssertEqual(found.falsePositives, 1)
    XCTAssertEqual(found.sq, 0)
    // A crowd is never matched nor missed; with void it excuses predictions of its own category alone.
    let crowd = segments(
      [5, 5, 5, 5, 0, 0, 6, 6, 6, 6], [Segment(id: 5, category: 1, isCrowd: true), Segment(id: 6, category: 2)])
    found = counts(whole, crowd)
    XCTAssertEqual([found.truePositives, found.falsePositives, found.falseNegatives], [0, 0, 0])
    let other = quality(
      [(1, true), (2, true)], segments([Int32](repeating: 7, count: 10), [Segment(id: 7, category: 2)]), crowd)
    XCTAssertEqual(other.counts[1].falsePositives, 1)
    XCTAssertEqual(other.counts[0].falseNegatives, 0)
  }

  /// COCO's two example images against themselves; parts joined.
  func testCOCOAgainstItself() throws {
    let file = try COCOPanopticFile(Fixtures.researchData("panoptic/coco/panoptic_examples"))
    XCTAssertEqual(file.categories.count, 133)
    XCTAssertEqual(file.categories.filter(\.isThing).count, 80)
    XCTAssertEqual(file.images.map(\.segments.count), [18, 32])
    var quality = PanopticQuality(categories: file.categories)
    for image in file.images {
      let truth = try file.segmentation(of: image, categories: Set(file.categories.map(\.id)))
      var part = PanopticQuality(categories: file.categories)
      part.add(prediction: truth, truth: truth)
      quality += part
    }
    let scores = PanopticScores(quality)
    for mean in [scores.all, scores.things, scores.stuff] {
      XCTAssertEqual([mean.pq, mean.sq, mean.rq], [1, 1, 1])
    }
    // All segments but the three crowds.
    XCTAssertEqual(quality.counts.reduce(0) { $0 + $1.truePositives }, 18 + 32 - 3)
    XCTAssertEqual(quality.counts.reduce(0) { $0 + $1.falsePositives + $1.falseNegatives }, 0)
  }

  /// What is wrong with a file is said in one line.
  func testDamagedFiles() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let pictures = folder.appendingPathComponent("p")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    try Image(width: 2, height: 1, pixels: [7, 1, 0, 0, 0, 0]).writePNG(to: pictures.appendingPathComponent("a.png"))
    let json = folder.appendingPathComponent("p.json")
    func message(_ text: String) throws -> String {
      try Data(text.utf8).write(to: json)
      do {
        let file = try COCOPanopticFile(pictures)
        for image in file.images { _ = try file.segmentation(of: image, categories: [3]) }
      } catch {
        XCTAssertTrue(error is FileError, "\(error)")
        XCTAssertFalse("\(error)".contains("\n"))
        return "\(error)"
      }
      return "fine"
    }
    func annotation(_ segments: String, file: String = "a.png", id: String = "1") -> String {
      "{\"image_id\": \(id), \"file_name\": \"\(file)\", \"segments_info\": [\(segments)]}"
    }
    let good = annotation("{\"id\": 263, \"category_id\": 3}")
    XCTAssertEqual(try message("{\"annotations\": [\(good)]}"), "fine")
    XCTAssertEqual(
      try message("{\"annotations\": [\(annotation("{\"id\": 263, \"category_id\": 3}", id: "\"a\""))]}"), "fine")
    for (text, words) in [
      ("[", ["p.json", "no JSON"]), ("{}", ["'annotations' at the top"]), ("{\"annotations\": 3}", ["annotations"]),
      ("{\"annotations\": [\(good), \(good)]}", ["image_id", "twice"]),
      ("{\"annotations\": [\(annotation("{\"id\": 0, \"category_id\": 3}"))]}", ["void"]),
      ("{\"annotations\": [\(annotation("{\"id\": 1e9999, \"category_id\": 3}"))]}", ["p.json"]),
      ("{\"annotations\": [\(annotation("{\"id\": 99999999999, \"category_id\": 3}"))]}", ["p.json"]),
      ("{\"annotations\": [\(annotation("{\"id\": 264, \"category_id\": 3}"))]}", ["a.png", "263"]),
      (
        "{\"annotations\": [\(annotation("{\"id\": 263, \"category_id\": 3}, {\"id\": 5, \"category_id\": 3}"))]}",
        ["segment 5"]
      ),
      ("{\"annotations\": [\(annotation("{\"id\": 263, \"category_id\": 4}"))]}", ["unknown category 4"]),
      ("{\"annotations\": [\(annotation("", file: "b.png"))]}", ["b.png", "No such file"]),
      ("{\"annotations\": [\(annotation("", file: "../p/a.png"))]}", ["in the folder"]),
      ("{\"annotations\": [\(annotation("", file: "/etc/passwd"))]}", ["in the folder"]),
    ] {
      let found = try message(text)
      for word in words { XCTAssertTrue(found.contains(word), "\(text): \(found)") }
    }
    try FileManager.default.removeItem(at: json)
    XCTAssertThrowsError(try COCOPanopticFile(pictures)) { XCTAssertEqual(($0 as? FileError)?.kind, .missing) }
  }
}
