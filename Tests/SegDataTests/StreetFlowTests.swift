import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Estimated flow against the exact one of made-up clips.
final class StreetFlowTests: XCTestCase {
  /// The end-point error of dense inverse search where a pixel can be seen in the other frame is a fraction of the
  /// motion's length.
  func testDenseInverseSearch() throws {
    let streets = StreetScenes(split: "test", size: [128, 256], domains: [.clear])
    var (found, still, count) = (0.0, 0.0, 0)
    for number in 0..<4 {
      let clip = streets.clip(at: number, frames: 16), frames = clip.frames(at: [7, 8])
      let exact = clip.flow(from: 1 + 7, to: 7)
      // Outside what can be seen nothing is asked for.
      var truth = exact.field.vectors
      let hidden = exact.occluded.values
      truth.withUnsafeMutableBufferPointer { truth in
        for place in hidden.indices where hidden[place] != 0 { truth[place] = .nan }
      }
      let visible = FlowField(truth)
      let flow = DenseInverseSearch()(from: frames[1].image, to: frames[0].image)
      found += try XCTUnwrap(flow.endpointError(against: visible))
      still += try XCTUnwrap(FlowField(.zeros([2, 128, 256])).endpointError(against: visible))
      count += 1
    }
    print("end-point error \(found / Double(count)) pixels; of no flow at all \(still / Double(count))")
    XCTAssertLessThan(found, 0.4 * still)
  }

  /// Against OpenCV's, preset MEDIUM, on the same frames: no more than a quarter farther from the truth.
  func testAgainstOpenCV() throws {
    guard let python = ProcessInfo.processInfo.environment["SEGKERNELS_OPENCV_PYTHON"],
      FileManager.default.isExecutableFile(atPath: python)
    else { throw XCTSkip("needs OpenCV; scripts/check sets SEGKERNELS_OPENCV_PYTHON") }
    let folder = try Fixtures.temporaryFolder(self)
    let streets = StreetScenes(split: "test", size: [256, 512])
    var (own, other, still) = (0.0, 0.0, 0.0)
    for number in 0..<6 {
      let clip = streets.clip(at: number, frames: 16), frames = clip.frames(at: [7, 8])
      let exact = clip.flow(from: 8, to: 7)
      var truth = exact.field.vectors
      let hidden = exact.occluded.values
      truth.withUnsafeMutableBufferPointer { truth in
        for place in hidden.indices where hidden[place] != 0 { truth[place] = .nan }
      }
      let files = ["a.png", "b.png", "flow.flo"].map { folder.appendingPathComponent($0) }
      try frames[1].image.writePNG(to: files[0], overwrite: true)
      try frames[0].image.writePNG(to: files[1], overwrite: true)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: python)
      process.arguments = [Fixtures.root.appendingPathComponent("scripts/check-flow.py").path] + files.map(\.path)
      try process.run()
      process.waitUntilExit()
      XCTAssertEqual(process.terminationStatus, 0)
      let visible = FlowField(truth)
      let flow = DenseInverseSearch()(from: frames[1].image, to: frames[0].image)
      own += try XCTUnwrap(flow.endpointError(against: visible)) / 6
      other += try XCTUnwrap(FlowField(contentsOf: files[2]).endpointError(against: visible)) / 6
      still += try XCTUnwrap(FlowField(.zeros([2, 256, 512])).endpointError(against: visible)) / 6
    }
    print("end-point error, pixels: ours \(own), OpenCV's \(other), no flow \(still)")
    XCTAssertLessThan(own, 1.25 * other)
  }
}
