import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// Random colours and blur, against what their definitions give by hand.
final class AugmentationTests: XCTestCase {
  /// The factor that a draw takes, from a stream that is in the same state.
  private func factor(_ amount: Float, _ random: inout RandomSource) -> Float {
    1 + amount * (2 * random.nextUniform() - 1)
  }

  /// Brightness, contrast and saturation one after the other, as their sentences say, and nothing beyond 0…255.
  func testColorsFollowTheirDefinitions() {
    let jitter = ColorJitter(brightness: 0.4, contrast: 0.5, saturation: 0.8)
    for seed in 0..<20 {
      var random = RandomSource(seed: UInt64(seed)), same = random
      let map = jitter.draw(meanGrey: 90, &random)
      let b = Double(factor(0.4, &same)), c = Double(factor(0.5, &same)), s = Double(factor(0.8, &same))
      for color: SIMD3<Float> in [[10, 200, 60], [0, 0, 0], [255, 255, 255], [90, 91, 250]] {
        let lit = SIMD3<Double>(color) * b
        let contrasted = SIMD3(repeating: b * 90) + c * (lit - SIMD3(repeating: b * 90))
        let grey = (contrasted * [0.299, 0.587, 0.114]).sum()
        let saturated = SIMD3(repeating: grey) + s * (contrasted - SIMD3(repeating: grey))
        let found = map(color)
        for axis in 0..<3 {
          XCTAssertEqual(Double(found[axis]), min(max(saturated[axis], 0), 255), accuracy: 2e-3, "seed \(seed)")
        }
      }
    }
  }

  /// A turned hue leaves greys and the sum of the colours alone, and moves the rest.
  func testHueTurnsAboutTheGreyAxis() {
    var random = RandomSource(seed: 3)
    let map = ColorJitter(hue: 0.25).draw(meanGrey: 0, &random)
    for axis in 0..<3 { XCTAssertEqual(map([77, 77, 77])[axis], 77, accuracy: 1e-3) }
    let color: SIMD3<Float> = [120, 100, 90], turned = map(color)
    XCTAssertEqual(turned.sum(), color.sum(), accuracy: 1e-3)
    XCTAssertGreaterThan(abs(turned.x - color.x) + abs(turned.y - color.y), 1)
    // A rotation keeps the distance from the axis.
    func chroma(_ c: SIMD3<Float>) -> Float { ((c - c.sum() / 3) * (c - c.sum() / 3)).sum() }
    XCTAssertEqual(chroma(turned), chroma(color), accuracy: 0.05)
  }

  /// One bright pixel becomes the Gaussian itself; edges repeat; an even plane stays.
  func testBlurIsAGaussian() {
    let (height, width, deviation) = (15, 17, 1.3)
    var plane = [Float](repeating: 0, count: height * width)
    plane[7 * width + 8] = 1
    plane.withUnsafeMutableBufferPointer {
      blur($0.baseAddress!, height: height, width: width, deviation: Float(deviation))
    }
    func weight(_ distance: Int) -> Double {
      func gauss(_ x: Int) -> Double { abs(x) <= 4 ? exp(-Double(x * x) / (2 * deviation * deviation)) : 0 }
      return gauss(distance) / (-4...4).reduce(0) { $0 + gauss($1) }
    }
    for y in 0..<height {
      for x in 0..<width {
        XCTAssertEqual(Double(plane[y * width + x]), weight(y - 7) * weight(x - 8), accuracy: 1e-6)
      }
    }
    var even = [Float](repeating: 5, count: 12)
    even.withUnsafeMutableBufferPointer { blur($0.baseAddress!, height: 3, width: 4, deviation: 2) }
    for value in even { XCTAssertEqual(value, 5, accuracy: 1e-5) }
  }
}
