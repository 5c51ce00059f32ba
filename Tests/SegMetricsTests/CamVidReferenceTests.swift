import Foundation
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Predictions of a published network on CamVid's validation frames, scored by an independent implementation: the
/// figures are those of the research data's README.
final class CamVidReferenceTests: XCTestCase {
  func testESPNet() throws {
    let root = try Fixtures.researchData("camvid")
    let network = try ESPNet(checkpoint: Fixtures.researchData("models/espnet_p_2_q_8_camvid.pth"))
    let list = try String(contentsOf: root.appendingPathComponent("val.txt"), encoding: .utf8)
    var matrix = ConfusionMatrix(classes: 11, ignoreIndex: 11)
    var changes = LabelChanges(), windows = VideoConsistency(ignoreIndex: 11), last: Labels?
    for line in list.split(separator: "\n") {
      let paths = line.split(separator: " ").map { root.appendingPathComponent(String($0)) }
      let truth = try Labels(contentsOf: paths[1])
      let logits = network(try Image(contentsOf: paths[0]))
      let withVoid = argmax(logits).reshaped(truth.shape)
      matrix.add(prediction: withVoid, truth: truth)
      let classes = argmax(logits.slice(axis: 1, 0..<11)).reshaped(truth.shape)
      windows.add(prediction: classes, truth: truth)
      if let last { changes.add(previous: last, current: classes) }
      last = classes
    }
    func percent(_ share: Double?) throws -> Double { 100 * (try XCTUnwrap(share)) }
    let scores = SemanticScores(matrix, names: (0..<11).map(String.init))
    XCTAssertEqual(try percent(scores.meanIoUVoidCounted), 68.681, accuracy: 0.0015)
    XCTAssertEqual(try percent(scores.meanIoU), 70.103, accuracy: 0.0015)
    XCTAssertEqual(try percent(scores.meanClassAccuracy), 79.709, accuracy: 0.0015)
    XCTAssertEqual(try percent(scores.pixelAccuracy), 92.683, accuracy: 0.0015)
    for (score, expected) in zip(
      scores.classes,
      zip(
        [94.3, 84.2, 11.9, 96.6, 86.3, 90.2, 40.1, 65.8, 77.8, 38.8, 69.5],
        [94.7, 84.5, 12.1, 96.8, 86.8, 90.7, 40.4, 70.9, 81.3, 42.8, 70.2]))
    {
      XCTAssertEqual(try percent(score.iouVoidCounted), expected.0, accuracy: 0.0515)
      XCTAssertEqual(try percent(score.iou), expected.1, accuracy: 0.0515)
    }
    XCTAssertEqual(windows.windows, [94, 86])
    XCTAssertEqual(try percent(windows.scores[0]), 95.729, accuracy: 0.0015)
    XCTAssertEqual(try percent(windows.scores[1]), 95.669, accuracy: 0.0015)
    XCTAssertEqual(try percent(changes.rate), 4.467, accuracy: 0.0015)
  }
}
