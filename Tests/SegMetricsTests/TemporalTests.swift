import Foundation
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Temporal metrics against their definitions written out plainly, and against figures measured on real frames.
final class TemporalTests: XCTestCase {
  private var random = RandomSource(seed: 21)

  private func frames(_ count: Int, _ size: Int, changing share: Float, labels: [Int32]) -> [Labels] {
    var values = (0..<size).map { _ in labels.randomElement(using: &random)! }
    return (0..<count).map { _ in
      for place in values.indices where random.nextUniform() < share {
        values[place] = labels.randomElement(using: &random)!
      }
      return Labels([1, size], values)
    }
  }

  /// Every window by itself, as the definition reads.
  private func windows(_ predictions: [Labels], _ truths: [Labels], _ length: Int) -> [Double] {
    guard truths.count >= length else { return [] }
    return (0...(truths.count - length)).compactMap { start in
      var steady = 0, right = 0
      for place in 0..<truths[0].count {
        let wanted = (start..<(start + length)).map { truths[$0].values[place] }
        let found = (start..<(start + length)).map { predictions[$0].values[place] }
        guard wanted[0] != 255, Set(wanted).count == 1 else { continue }
        steady += 1
        if found == wanted { right += 1 }
      }
      return steady > 0 ? Double(right) / Double(steady) : nil
    }
  }

  func testVideoConsistency() throws {
    let lengths = [1, 2, 3, 8]
    var score = VideoConsistency(lengths: lengths), joined = VideoConsistency(lengths: lengths)
    var expected = lengths.map { _ in [Double]() }
    for count in [12, 2, 9] {
      let truths = frames(count, 60, changing: 0.1, labels: [0, 1, 2, 255])
      let predictions = truths.map { truth in
        Labels(truth.shape, truth.values.map { random.nextUniform() < 0.05 ? 1 : $0 })
      }
      for (index, length) in lengths.enumerated() { expected[index] += windows(predictions, truths, length) }
      var part = VideoConsistency(lengths: lengths)
      score.startVideo()
      for (prediction, truth) in zip(predictions, truths) {
        score.add(prediction: prediction, truth: truth)
        part.add(prediction: prediction, truth: truth)
      }
      joined += part
    }
    for (index, windows) in expected.enumerated() {
      XCTAssertEqual(score.windows[index], windows.count)
      XCTAssertEqual(
        try XCTUnwrap(score.scores[index]), windows.reduce(0, +) / Double(windows.count), accuracy: 1e-12)
      XCTAssertEqual(try XCTUnwrap(joined.scores[index]), try XCTUnwrap(score.scores[index]), accuracy: 1e-12)
    }
    XCTAssertEqual(VideoConsistency().scores, [nil, nil])
  }

  /// The ground truth of CamVid's validation clip: label changes as its README measured them, 94 and 86 windows.
  func testCamVid() throws {
    let folder = try Fixtures.researchData("camvid/valannot")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    var changes = LabelChanges(), consistency = VideoConsistency(ignoreIndex: 11), last: Labels?
    for name in names {
      let labels = try Labels(contentsOf: folder.appendingPathComponent(name))
      if let last { changes.add(previous: last, current: labels) }
      consistency.add(prediction: labels, truth: labels)
      last = labels
    }
    XCTAssertEqual(names.count, 101)
    XCTAssertEqual(try XCTUnwrap(changes.rate), 0.06072, accuracy: 5e-6)
    XCTAssertEqual(consistency.windows, [94, 86])
    XCTAssertEqual(consistency.scores, [1, 1])
  }

  /// The network-made labels of four Cityscapes clips: label changes as the README measured them.
  func testCityscapesVideo() throws {
    let root = try Fixtures.researchData("cityscapes-video")
    for (clip, expected) in [0.11000, 0.09057, 0.04688, 0.07196].enumerated() {
      let frames = try (0..<30).map {
        try Labels(contentsOf: root.appendingPathComponent(String(format: "seq%04d/label_%02d.png", clip, $0)))
      }
      var changes = LabelChanges()
      for index in 1..<30 {
        var pair = LabelChanges()
        pair.add(previous: frames[index - 1], current: frames[index])
        changes += pair
      }
      XCTAssertEqual(try XCTUnwrap(changes.rate), expected, accuracy: 5e-6, "clip \(clip)")
    }
  }

  /// Mean IoU of pulled and current labels, counted with sets of pixels.
  func testTemporalConsistency() throws {
    let (height, width) = (11, 13), area = height * width
    let predictions = frames(4, area, changing: 0.3, labels: [0, 1, 2]).map { $0.reshaped([height, width]) }
    var score = TemporalConsistency(classes: 4), pairs: [(now: Int32, then: Int32, hidden: Bool)] = []
    for index in 1..<4 {
      let flow = (0..<(2 * area)).map { _ in Float(Int.random(in: -2...2, using: &random)) }
      let hidden = (0..<area).map { _ in Int32.random(in: 0...3, using: &random) == 0 ? Int32(255) : 0 }
      score.add(
        previous: predictions[index - 1], current: predictions[index],
        flow: FlowField(Tensor([2, height, width], flow)),
        occluded: Labels([height, width], hidden))
      for place in 0..<area {
        let (y, x) = (place / width + Int(flow[area + place]), place % width + Int(flow[place]))
        guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
        pairs.append((predictions[index].values[place], predictions[index - 1][y, x], hidden[place] != 0))
      }
    }
    func meanIoU(_ pairs: [(now: Int32, then: Int32, hidden: Bool)]) -> Double {
      (0..<3).reduce(0.0) { sum, label in
        let both = pairs.filter { $0.now == label && $0.then == label }.count
        return sum + Double(both) / Double(pairs.filter { $0.now == label || $0.then == label }.count) / 3
      }
    }
    let visible = pairs.filter { !$0.hidden }
    XCTAssertEqual(try XCTUnwrap(score.score), meanIoU(pairs), accuracy: 1e-12)
    XCTAssertEqual(try XCTUnwrap(score.visibleScore), meanIoU(visible), accuracy: 1e-12)
    XCTAssertEqual(
      try XCTUnwrap(score.visibleAgreement),
      Double(visible.filter { $0.now == $0.then }.count) / Double(visible.count), accuracy: 1e-12)
    // Without a mask for every pair there is no score outside occlusions; without frames there is none.
    score.add(previous: predictions[0], current: predictions[1], flow: FlowField(.zeros([2, height, width])))
    XCTAssertNil(score.visibleScore)
    XCTAssertNil(TemporalConsistency(classes: 2).score)
  }
}
