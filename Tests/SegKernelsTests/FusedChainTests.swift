import SegKernels
import SegTestSupport
import XCTest

/// What compiled graphs do in one pass over a map: chains of elementwise operations, cells, zeros around an image, and
/// kernels cut to the taps that meet it.
final class FusedChainTests: XCTestCase {
  private let narrow = ReferenceRule.tensor("narrow", [19, 5, 1, 1])
  private let wide = ReferenceRule.tensor("wide", [19, 19, 3, 3])

  private func assertByEachAlgorithm(
    _ title: String, _ shapes: [Shape], plain: [String] = [], _ body: ([Tensor]) -> [Tensor]
  ) {
    for algorithm in [nil, ConvolutionAlgorithm.direct, .winograd2, .winograd4] {
      assertCompiled(title, shapes, forcing: algorithm, tolerance: 2e-5, plain: plain, body)
    }
  }

  /// Each activation that exporters write out as several operations, after a convolution: no operation of its own is left.
  func testActivationsGoIntoTheConvolutionBefore() {
    let activations: [(String, (Tensor) -> Tensor)] = [
      ("clamp", { $0.clamped(to: 0...0.6) }),
      ("swish", { $0 * sigmoid($0) }),
      ("swish, turned", { sigmoid($0) * $0 }),
      ("hard sigmoid", { ($0 * (1 / 6) + 0.5).clamped(to: 0...1) }),
      ("hard swish", { $0 * ($0 + 3).clamped(to: 0...6) / 6 }),
      ("from a number", { 2 - $0 }),
      ("over a number", { 3 * ($0.square() + 1).reciprocal() }),
      ("square", { $0 * $0 }),
      ("bounds", { maximum(minimum($0, Tensor(0.25)), Tensor(-0.5)) }),
    ]
    for (name, activation) in activations {
      for (height, width) in [(1, 1), (6, 7), (5, 40)] {
        assertByEachAlgorithm("\(name) after 1×1", [[2, 5, height, width]]) { x in
          [activation(conv2d(x[0], weight: self.narrow))]
        }
        assertByEachAlgorithm("\(name) between 3×3", [[2, 19, height, width]]) { x in
          [conv2d(activation(conv2d(x[0], weight: self.wide, padding: 1)), weight: self.wide, padding: 1)]
        }
      }
      let depthwise = ReferenceRule.tensor("depthwise", [19, 1, 3, 3])
      assertByEachAlgorithm("\(name) after depthwise", [[2, 19, 7, 17]]) { x in
        [activation(conv2d(x[0], weight: depthwise, padding: 1, groups: 19))]
      }
    }
  }

  /// Lanes beyond the last channel stay zero, whatever a chain does to zeros: the next layer reads them.
  func testUnusedLanesStayZero() {
    let narrow = narrow, wide = wide
    assertByEachAlgorithm("1 over zero", [[1, 5, 6, 7]]) {
      [conv2d(((conv2d($0[0], weight: narrow).square() + 0.25).reciprocal() * 3), weight: wide, padding: 1)]
    }
    let session = Program(
      Graph.capture(inputs: [[1, 5, 6, 7]]) {
        [conv2d(conv2d($0[0], weight: narrow).square().reciprocal(), weight: wide, padding: 1)]
      }
    ).makeSession()
    let y = session([ReferenceRule.tensor("x", [1, 5, 6, 7])])[0]
    XCTAssertTrue(y.scalars.allSatisfy(\.isFinite), "1/0 of a lane that is no channel reached the next layer")
  }

  /// Sums, differences and products of two maps; gates of one number a channel, for each image or for all; both in one
  /// chain; values that others need too.
  func testOtherMapsAndGates() {
    let narrow = narrow, wide = wide, all = ReferenceRule.tensor("all", [19, 1, 1])
    let shapes: [Shape] = [[2, 5, 9, 11]]
    func convolved(_ x: Tensor) -> Tensor { conv2d(x, weight: wide, padding: 1) }
    for (name, combine): (String, (Tensor, Tensor) -> Tensor) in [
      ("sum", { $0 + $1 }), ("difference", { $0 - $1 }), ("turned difference", { $1 - $0 }), ("product", { $0 * $1 }),
    ] {
      assertByEachAlgorithm("\(name) of two maps", shapes) {
        let y = conv2d($0[0], weight: narrow)
        return [convolved(combine(sigmoid(convolved(y)), y.clamped(to: -0.5...0.5)))]
      }
      assertByEachAlgorithm("\(name) with a gate for each image", shapes) {
        let y = conv2d($0[0], weight: narrow)
        let gate = sigmoid(conv2d(y.mean(axes: [2, 3], keepDimensions: true), weight: wide, padding: 1))
        return [convolved(combine(y, gate))]
      }
      assertByEachAlgorithm("\(name) with a gate for all", shapes) {
        [convolved(combine(conv2d($0[0], weight: narrow), all).clamped(to: -1...1))]
      }
      assertByEachAlgorithm("\(name), all needed", shapes) {
        let y = conv2d($0[0], weight: narrow), a = sigmoid(y), b = combine(a, y), c = b * b
        return [y, a, b, c, convolved(c)]
      }
    }
    assertByEachAlgorithm("gate, sum and swish", shapes) {
      let y = conv2d($0[0], weight: narrow), gate = sigmoid(y.mean(axes: [2, 3], keepDimensions: true))
      let z = convolved(y) * gate + y
      return [convolved(z * sigmoid(z))]
    }
    // Two gates and two addends do not fit into one chain.
    assertByEachAlgorithm("two of each", shapes) {
      let y = conv2d($0[0], weight: narrow), z = convolved(y)
      let first = sigmoid(y.mean(axes: [2, 3], keepDimensions: true))
      let second = sigmoid(z.mean(axes: [2, 3], keepDimensions: true))
      return [convolved(((z * first + y) * second - y) * first)]
    }
  }

  /// Sums and means of whole maps, and cells that do not divide them.
  func testCells() {
    let narrow = narrow
    for (height, width) in [(1, 1), (7, 9), (16, 33)] {
      assertByEachAlgorithm("sum of \(height)×\(width)", [[2, 5, height, width]]) {
        let y = conv2d($0[0], weight: narrow)
        return [y * y.sum(axes: [2, 3], keepDimensions: true), adaptiveAveragePool2d(y, outputSize: 1)]
      }
      assertByEachAlgorithm("cells of \(height)×\(width)", [[2, 5, height, width]]) {
        [3, 2, 6].map { [y = conv2d($0[0], weight: narrow)] side in
          adaptiveAveragePool2d(y, outputSize: [side, side + 1])
        }
      }
    }
  }

  /// What is not a number stays so through clamps, as in the operations themselves.
  func testNotANumber() {
    let one = Tensor([1, 1, 1, 1], [1])
    var x = ReferenceRule.tensor("x", [1, 1, 3, 5])
    x.withUnsafeMutableBufferPointer { ($0[4], $0[9], $0[11]) = (.nan, .infinity, -.infinity) }
    let session = Program(
      Graph.capture(inputs: [x.shape]) { [conv2d($0[0], weight: one).clamped(to: -0.1...0.1)] }
    ).makeSession()
    let found = session([x])[0].scalars
    for (index, value) in x.scalars.enumerated() {
      if value.isNaN {
        XCTAssertTrue(found[index].isNaN)
      } else {
        XCTAssertEqual(found[index], min(max(value, -0.1), 0.1))
      }
    }
  }

  /// Zeros before a convolution, more on one side than on the other, go into it.
  func testZerosGoIntoTheConvolution() {
    for (stride, dilation, kernel) in [(1, 1, 3), (2, 1, 3), (2, 1, 5), (1, 2, 3), (1, 1, 1), (2, 1, 1)] {
      let weight = ReferenceRule.tensor("w", [19, 5, kernel, kernel])
      let depthwise = ReferenceRule.tensor("d", [5, 1, kernel, kernel]), padding: Pair = kernel == 1 ? 0 : 1
      for (top, bottom, left, right) in [(0, 1, 0, 1), (2, 1, 0, 3), (1, 1, 1, 1), (0, 0, 4, 0), (0, 2, 0, 0)] {
        let title = "\(kernel)×\(kernel), stride \(stride), dilation \(dilation), \(top) \(bottom) \(left) \(right)"
        assertByEachAlgorithm(title, [[2, 5, 12, 13]]) {
          let x = $0[0].padded(top: top, bottom: bottom, left: left, right: right)
          return [
            relu(conv2d(x, weight: weight, stride: Pair(stride), padding: padding, dilation: Pair(dilation))),
            conv2d(x, weight: depthwise, stride: Pair(stride), padding: padding, dilation: Pair(dilation), groups: 5),
          ]
        }
      }
    }
  }

  /// Of a kernel whose dilation is as large as the map, the taps that never meet it are not worked out.
  func testTapsThatNeverMeetTheImage() {
    let w = ReferenceRule.tensor("w", [19, 19, 3, 3]), tall = ReferenceRule.tensor("t", [19, 19, 5, 3])
    for (height, width, dilation) in [(6, 9, 6), (6, 9, 12), (4, 24, 12), (1, 1, 3), (7, 5, 4)] {
      assertByEachAlgorithm("dilation \(dilation) on \(height)×\(width)", [[2, 19, height, width]]) {
        [
          relu(conv2d($0[0], weight: w, padding: Pair(dilation), dilation: Pair(dilation))),
          conv2d(
            $0[0], weight: tall, stride: 2, padding: [2 * dilation, dilation], dilation: Pair(dilation)),
        ]
      }
    }
    let graph = Graph.capture(inputs: [[1, 19, 6, 24]]) { [conv2d($0[0], weight: w, padding: 12, dilation: 12)] }
    XCTAssertEqual(Program(graph).summary, ["direct 1×3 19→19", "unblock"])
  }
}
