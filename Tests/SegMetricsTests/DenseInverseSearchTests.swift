import Foundation
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Optical flow by dense inverse search on motions that are known.
final class DenseInverseSearchTests: XCTestCase {
  /// A smooth random texture, read at any place.
  private func texture(_ x: Double, _ y: Double) -> UInt8 {
    var value = 0.5
    for (index, frequency) in [0.043, 0.071, 0.113, 0.19, 0.31].enumerated() {
      let phase = Double(index) * 1.7
      value += 0.12 * sin(frequency * (x * cos(phase) + y * sin(phase)) * 2 + phase)
      value += 0.08 * cos(frequency * (x * sin(phase) - y * cos(phase)) * 3 + 2 * phase)
    }
    return UInt8(min(max(value, 0), 1) * 255)
  }

  private func picture(_ height: Int, _ width: Int, _ place: (Double, Double) -> (Double, Double)) -> Image {
    var image = Image(width: width, height: height)
    for row in 0..<height {
      for column in 0..<width {
        let (x, y) = place(Double(column), Double(row)), value = texture(x, y)
        image[row, column] = RGB(value, value, value)
      }
    }
    return image
  }

  /// Shifts of a fraction of a pixel to a tenth of the frame, within a tenth of a pixel on the mean away from the frame.
  func testShifts() throws {
    for (u, v) in [(0, 0), (0.5, -0.3), (3.25, 1.5), (-9, 4), (14, -7)] as [(Double, Double)] {
      // The second frame shows at x + u what the first shows at x.
      let first = picture(96, 160) { ($0, $1) }, second = picture(96, 160) { ($0 - u, $1 - v) }
      let flow = DenseInverseSearch()(from: first, to: second).vectors
      var sum = 0.0, count = 0.0
      for row in 20..<76 {
        for column in 20..<140 {
          let (du, dv) = (Double(flow[0, row, column]) - u, Double(flow[1, row, column]) - v)
          sum += (du * du + dv * dv).squareRoot()
          count += 1
        }
      }
      XCTAssertLessThan(sum / count, 0.1, "shift (\(u), \(v))")
    }
  }

  /// A zoom has a vector of its own at every pixel.
  func testZoom() {
    let first = picture(96, 160) { ($0, $1) }
    let second = picture(96, 160) { (80 + ($0 - 80) / 1.05, 48 + ($1 - 48) / 1.05) }
    let flow = DenseInverseSearch()(from: first, to: second).vectors
    for (row, column) in [(30, 40), (48, 80), (70, 120)] {
      XCTAssertEqual(Double(flow[0, row, column]), 0.05 * Double(column - 80), accuracy: 0.25)
      XCTAssertEqual(Double(flow[1, row, column]), 0.05 * Double(row - 48), accuracy: 0.25)
    }
  }

  /// The same bits at any number of threads; frames without texture and tiny ones stay still.
  func testBitsAndEdges() {
    let first = picture(50, 70) { ($0, $1) }, second = picture(50, 70) { ($0 - 2, $1 + 1) }
    let one = Threads.with(1) { DenseInverseSearch()(from: first, to: second).vectors }
    for threads in 2...3 {
      XCTAssertEqual(bits(Threads.with(threads) { DenseInverseSearch()(from: first, to: second).vectors }), bits(one))
    }
    for (height, width) in [(1, 1), (5, 40), (8, 8), (9, 17), (33, 16)] {
      let gray = Image(width: width, height: height, filledWith: RGB(90, 90, 90))
      let flow = DenseInverseSearch()(from: gray, to: gray)
      XCTAssertEqual([flow.height, flow.width], [height, width])
      XCTAssertTrue(flow.vectors.scalars.allSatisfy { $0 == 0 }, "\(height)×\(width)")
    }
  }
}
