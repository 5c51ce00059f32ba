import SegKernels
import SegOperationTable
import XCTest

/// The gradients of convolutions too large for finite differences, against their definition in double precision:
/// dx and dw are the sums over all pixels and taps of dy · w and dy · x.
final class ConvolutionGradientTests: XCTestCase {
  private struct Sizes {
    let x: Shape, outputs: Int, kernel: Int
    var stride = 1, padding = 1, dilation = 1
  }

  private let cases = [
    Sizes(x: [2, 33, 47, 61], outputs: 37, kernel: 3), Sizes(x: [3, 64, 23, 30], outputs: 64, kernel: 3),
    Sizes(x: [1, 96, 9, 13], outputs: 200, kernel: 3), Sizes(x: [2, 24, 40, 50], outputs: 40, kernel: 3, stride: 2),
    Sizes(x: [2, 24, 33, 29], outputs: 17, kernel: 3, padding: 3, dilation: 3),
    Sizes(x: [2, 70, 31, 37], outputs: 50, kernel: 1, padding: 0),
    Sizes(x: [1, 40, 31, 36], outputs: 72, kernel: 1, stride: 2, padding: 0),
    Sizes(x: [1, 3, 90, 120], outputs: 64, kernel: 7, stride: 2, padding: 3),
  ]

  /// Relative to the largest element; sums of several thousand products.
  func testGradientsAgreeWithTheDefinition() {
    for (index, sizes) in cases.enumerated() {
      var random = RandomSource(seed: UInt64(index))
      let x = Tensor.normal(sizes.x, using: &random)
      let w = Tensor.normal([sizes.outputs, sizes.x[1], sizes.kernel, sizes.kernel], using: &random)
      func convolved(_ inputs: [Tensor]) -> Tensor {
        conv2d(
          inputs[0], weight: inputs[1], stride: Pair(sizes.stride), padding: Pair(sizes.padding),
          dilation: Pair(sizes.dilation))
      }
      let dy = Tensor.normal(convolved([x, w]).shape, using: &random)
      let (dx, dw) = definition(sizes, x.scalars, w.scalars, dy)
      for level in InstructionSet.allCases where level.isSupported {
        level.use {
          let runs = [1, 3].map { threads in
            Threads.with(threads) { valueAndGradient(at: [x, w], cotangent: dy, convolved).gradients }
          }
          let (foundX, foundW) = (
            GradientCheck.Comparison(runs[0][0].scalars, dx), GradientCheck.Comparison(runs[0][1].scalars, dw)
          )
          XCTAssertLessThan(foundX.relative(), 5e-6, "dx of \(sizes) at \(level)")
          XCTAssertLessThan(foundW.relative(), 5e-6, "dw of \(sizes) at \(level)")
          XCTAssertEqual(runs[0].map(\.scalars), runs[1].map(\.scalars), "the bits of \(sizes) at \(level)")
        }
      }
    }
  }

  private func definition(_ s: Sizes, _ x: [Float], _ w: [Float], _ dy: Tensor) -> (dx: [Double], dw: [Double]) {
    let (images, channels, height, width) = (s.x[0], s.x[1], s.x[2], s.x[3])
    let (rows, columns, d) = (dy.shape[2], dy.shape[3], dy.scalars)
    var dx = [Double](repeating: 0, count: x.count), dw = [Double](repeating: 0, count: w.count)
    for n in 0..<images {
      for o in 0..<s.outputs {
        for c in 0..<channels {
          for tap in 0..<(s.kernel * s.kernel) {
            let weight = (o * channels + c) * s.kernel * s.kernel + tap
            var sum = 0.0
            for i in 0..<rows {
              let y = i * s.stride - s.padding + tap / s.kernel * s.dilation
              guard y >= 0, y < height else { continue }
              for j in 0..<columns {
                let place = j * s.stride - s.padding + tap % s.kernel * s.dilation
                guard place >= 0, place < width else { continue }
                let pixel = ((n * channels + c) * height + y) * width + place
                let gradient = Double(d[((n * s.outputs + o) * rows + i) * columns + j])
                sum += gradient * Double(x[pixel])
                dx[pixel] += gradient * Double(w[weight])
              }
            }
            dw[weight] += sum
          }
        }
      }
    }
    return (dx, dw)
  }
}
