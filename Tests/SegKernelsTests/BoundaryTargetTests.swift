import SegKernels
import SegTestSupport
import XCTest

/// The stencil against the definition by exact distance transforms, class by class.
final class BoundaryTargetTests: XCTestCase {
  /// The union over classes of 0 < d ≤ radius to the class's mask, among the pixels that count: by symmetry that holds
  /// inside a mask where it holds outside another's.
  private func byDistances(_ labels: Labels, radius: Int, ignoreIndex: Int32?) -> [Float] {
    var marks = [Float](repeating: 0, count: labels.count)
    for name in Set(labels.values) where name != ignoreIndex {
      let mask = Labels(labels.shape, labels.values.map { $0 == name ? 1 : 0 })
      let distances = DistanceTransform.squared(to: mask)
      for i in marks.indices where labels.values[i] != name && labels.values[i] != ignoreIndex {
        if Int(distances.values[i]) <= radius * radius { marks[i] = 1 }
      }
    }
    return marks
  }

  func testStencilIsTheDistanceTransform() {
    var random = RandomSource(seed: 1)
    for (height, width) in [(1, 1), (1, 7), (5, 1), (2, 2), (3, 17), (13, 31), (40, 67)] {
      for block in [1, 3, 7] {
        let coarse = (0..<(height * width)).map { _ in Int32.random(in: 0..<5, using: &random) }
        let labels = Labels(
          [height, width], (0..<(height * width)).map { coarse[$0 / width / block * width + $0 % width / block] })
        for radius in [1, 2, 3, 5] {
          for ignored in [nil, 4] as [Int?] {
            let found = boundaryTarget(of: labels, radius: radius, ignoreIndex: ignored)
            XCTAssertEqual(found.shape, [1, height, width])
            XCTAssertEqual(
              found.scalars, byDistances(labels, radius: radius, ignoreIndex: ignored.map(Int32.init)),
              "\(height)×\(width), blocks of \(block), radius \(radius), ignored \(ignored ?? -1)")
          }
        }
      }
    }
  }

  /// Class 0 has a boundary; the frame is none, nor is the rim of what is ignored; images of a batch do not touch.
  func testRoadsFramesAndIgnoredPixels() {
    XCTAssertEqual(boundaryTarget(of: Labels([2, 9, 9], filledWith: 3)).scalars.reduce(0, +), 0)
    let stacked = Labels([2, 4, 4], (0..<32).map { $0 < 16 ? 0 : 1 })
    XCTAssertEqual(boundaryTarget(of: stacked).scalars.reduce(0, +), 0)
    let row = Labels([1, 8], [0, 0, 0, 0, 1, 1, 1, 1])
    XCTAssertEqual(boundaryTarget(of: row).scalars, [0, 0, 1, 1, 1, 1, 0, 0])
    let rim = Labels([1, 8], [0, 0, 0, 0, 255, 255, 255, 255])
    XCTAssertEqual(boundaryTarget(of: rim, ignoreIndex: 255).scalars, [Float](repeating: 0, count: 8))
    let gap = Labels([1, 6], [0, 0, 255, 1, 1, 1])
    XCTAssertEqual(boundaryTarget(of: gap, ignoreIndex: 255).scalars, [0, 1, 0, 1, 0, 0])
  }

  /// The same at every instruction set and number of threads; and how long a frame of Cityscapes takes.
  func testLevelsThreadsAndTime() {
    var random = RandomSource(seed: 2)
    let coarse = (0..<(64 * 128)).map { _ in Int32.random(in: 0..<19, using: &random) }
    let labels = Labels(
      [1, 1024, 2048], (0..<(1024 * 2048)).map { coarse[$0 / 2048 / 16 * 128 + $0 % 2048 / 16] })
    let expected = boundaryTarget(of: labels, ignoreIndex: 255)
    for level in InstructionSet.allCases where level.isSupported {
      level.use {
        for threads in [1, 3] {
          Threads.with(threads) {
            XCTAssertEqual(bits(boundaryTarget(of: labels, ignoreIndex: 255)), bits(expected), "\(level), \(threads)")
          }
        }
      }
    }
    let clock = ContinuousClock()
    let times = (0..<9).map { _ in
      Threads.with(2) { clock.measure { _ = boundaryTarget(of: labels, ignoreIndex: 255) } }
    }
    print("boundaryTarget 1024×2048, 19 classes, 2 threads: median \(times.sorted()[4]), least \(times.min()!)")
  }
}
