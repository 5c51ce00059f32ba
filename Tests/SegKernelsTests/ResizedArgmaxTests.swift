import SegKernels
import SegTestSupport
import XCTest

/// Labels made row by row against the resized image that they never make.
final class ResizedArgmaxTests: XCTestCase {
  /// The same labels as resizing and comparing in two steps: larger, smaller, aligned, parts, several images; ties, NaN
  /// and infinities; at every instruction set and number of threads.
  func testAgreesWithTwoSteps() {
    for (height, width) in [(1, 1), (3, 5), (8, 16), (17, 13)] {
      for channels in [1, 2, 19] {
        var x = ReferenceRule.tensor("x", [2, channels, height, width])
        x.withUnsafeMutableBufferPointer { x in
          // Ties, and values that are no numbers.
          for i in stride(from: 0, to: x.count, by: 3) { x[i] = (x[i] * 2).rounded() }
          for i in stride(from: 5, to: x.count, by: 41) { x[i] = [.nan, .infinity, -.infinity][i % 3] }
        }
        for size: Pair in [1, [height, width], [33, 300], [40, 31], [5, 7]] {
          for (interpolation, aligned) in [(Interpolation.nearest, false), (.bilinear, false), (.bilinear, true)] {
            let title = "\(x.shape) to \(size), \(interpolation), aligned: \(aligned)"
            for level in InstructionSet.allCases where level.isSupported {
              level.use {
                let expected = argmax(resize(x, to: size, interpolation, alignCorners: aligned))
                for threads in 1...3 {
                  Threads.with(threads) {
                    let found = argmax(x, resizedTo: size, interpolation, alignCorners: aligned)
                    XCTAssertEqual(found, expected, "\(title), \(level), \(threads) threads")
                  }
                }
                let rows = size.height / 3..<size.height, columns = 0..<(size.width + 1) / 2
                XCTAssertEqual(
                  argmax(x, resizedTo: size, interpolation, alignCorners: aligned, rows: rows, columns: columns),
                  argmax(resize(x, to: size, interpolation, alignCorners: aligned, rows: rows, columns: columns)),
                  "\(title), \(level), a part")
              }
            }
          }
        }
      }
    }
  }
}
