import Foundation
import SegImages
import SegKernels
import SegPipelines
import SegPretrained
import SegTestSupport
import XCTest

/// What a network is given when nobody is careful.
final class ExtremesTests: XCTestCase {
  /// Pictures of a pixel, of a row, of a column, and of odd sizes have labels of their own size.
  func testSmallSizes() throws {
    let segment = try Segmenter(weights: .bundled(.streets))
    for (height, width) in [(1, 1), (1, 777), (513, 1), (2, 3), (31, 33), (65, 127)] {
      let labels = segment(seededPicture(width: width, height: height)).labels
      XCTAssertEqual(labels.shape, [height, width])
      XCTAssertTrue(labels.values.allSatisfy { 0..<19 ~= $0 }, "\(height)×\(width)")
    }
  }

  /// 67 million pixels at once: compiled kernels, which cut maps into regions, agree with column matrices there too. In
  /// `scripts/check` alone: a minute and some 10 GB.
  func testLargeSize() throws {
    guard ProcessInfo.processInfo.environment["SEGKERNELS_SLOW"] != nil else {
      throw XCTSkip("8192×8192 pixels: set SEGKERNELS_SLOW to run this test")
    }
    let loaded = try LoadedModel(nil, weights: .bundled(.streets)), small = seededPicture(width: 512, height: 512)
    let large = Image(
      width: 8192, height: 8192,
      pixels: (0..<8192).flatMap { row in
        let start = 3 * 512 * (row % 512)
        return (0..<16).flatMap { _ in small.pixels[start..<(start + 3 * 512)] }
      })
    let segment = try Segmenter(loaded), labels = segment(large).labels
    XCTAssertEqual(labels.shape, [8192, 8192])
    XCTAssertTrue(labels.values.allSatisfy { 0..<19 ~= $0 })
    let x = Tensor(large, normalization: .imageNet)
    assertClose(segment.logits(x), loaded.model.network(x), tolerance: 1e-5)
  }

  /// Numbers that are none stay near where they are: the rest of the output has the bits that it has without them.
  func testNaNAndInfinity() {
    var random = RandomSource(seed: 4)
    let weight1 = Tensor.normal([16, 3, 3, 3], using: &random), weight2 = Tensor.normal([5, 16, 3, 3], using: &random)
    let program = Program(
      Graph.capture(inputs: [[1, 3, 40, 96]]) { x in
        [conv2d(relu(conv2d(x[0], weight: weight1, padding: 1)), weight: weight2, padding: 1)]
      })
    let session = program.makeSession(), x = Tensor.normal([1, 3, 40, 96], using: &random)
    let plain = session([x])[0]
    for value in [Float.nan, .infinity, -.infinity] {
      var values = x.scalars
      values[96 * 20 + 8] = value
      let found = session([Tensor(x.shape, values)])[0]
      XCTAssertTrue(
        (0..<5).contains { !found.scalars[($0 * 40 + 20) * 96 + 8].isFinite }, "\(value) is not to vanish")
      // Each convolution sees one pixel further, and tiles of up to 6×6 outputs share what they see.
      for channel in 0..<5 {
        for row in 0..<40 {
          let right = ((channel * 40 + row) * 96 + 32)..<((channel * 40 + row + 1) * 96)
          XCTAssertEqual(Array(found.scalars[right]), Array(plain.scalars[right]), "\(value), row \(row)")
        }
      }
      let labels = argmax(found)
      XCTAssertTrue(labels.values.allSatisfy { 0..<5 ~= $0 }, "\(value)")
    }
    XCTAssertEqual(session([x])[0].scalars, plain.scalars, "a session does not remember")
  }

  /// Four threads of a caller, each with a session of the same program and images of its own.
  func testFourCallersOfOneProgram() throws {
    let loaded = try LoadedModel(nil, weights: .bundled(.streets)), shape: Shape = [1, 3, 96, 160]
    let program = loaded.model.network.compiled(for: shape)
    let images = (0..<4).map { index in
      var random = RandomSource(seed: UInt64(index))
      return Tensor.normal(shape, using: &random)
    }
    let alone = program.makeSession(), expected = images.map { alone([$0])[0].scalars }
    let found = try ThreadGroup.run(4) { member in
      let session = program.makeSession()
      return (0..<25).allSatisfy { _ in session([images[member.rank]])[0].scalars == expected[member.rank] }
    }
    XCTAssertEqual(found, [true, true, true, true])
  }
}
