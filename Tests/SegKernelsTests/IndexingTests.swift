import SegKernels
import SegTestSupport
import XCTest

/// What the rows of the operation table cannot say of operations that choose elements.
final class IndexingTests: XCTestCase {
  /// An element that is named several times receives all their gradients, in single precision and in order.
  func testGradientsOfAnElementThatIsNamedTwiceAddUp() {
    let x = Tensor([3], [1, 2, 3]), places = Labels([4], [2, 0, 2, 2])
    let (value, gradients) = valueAndGradient(at: [x], cotangent: Tensor([4], [1, 10, 100, 1000])) {
      gather($0[0], axis: 0, indices: places)
    }
    XCTAssertEqual(value.scalars, [3, 1, 3, 3])
    XCTAssertEqual(gradients[0].scalars, [10, 0, 1101])
    let sum = indexAdd(x, axis: 0, indices: places, source: Tensor([4], [1, 10, 100, 1000]))
    XCTAssertEqual(sum.scalars, [11, 2, 1104])
    XCTAssertEqual(x.scalars, [1, 2, 3], "the input is a value")
  }

  /// A sum over what is chosen has the gradient 1 there, and labels count as constants of a captured graph.
  func testGatheredGraph() {
    let labels = Labels([1, 2], [1, 0])
    let graph = Graph.capture(inputs: [[1, 2, 2]]) { inputs in
      [
        (inputs[0] * oneHot(labels, classes: 2)).sum(axes: [1]),
        gather(inputs[0], axis: 1, indices: labels.reshaped([1, 1, 2])),
      ]
    }
    XCTAssertEqual(graph.nodes.map { $0.operation.name }, ["multiply", "sum", "gather"])
    let results = graph([Tensor([1, 2, 2], [1, 2, 3, 4])])
    XCTAssertEqual(results.map(\.scalars), [[3, 2], [3, 2]])
  }

  /// Equal elements keep their order both ways, −0 and 0 are equal, and a NaN is larger than infinity.
  func testOrderOfSpecialValues() {
    let x = Tensor([8], [0, -.infinity, .nan, -0.0, 1, .infinity, 0, -1])
    XCTAssertEqual(sort(x, axis: 0).indices.values, [1, 7, 0, 3, 6, 4, 5, 2])
    XCTAssertEqual(sort(x, axis: 0, descending: true).indices.values, [2, 5, 4, 0, 3, 6, 7, 1])
    XCTAssertEqual(topK(x, k: 5, axis: 0).indices.values, [2, 5, 4, 0, 3])
    XCTAssertEqual(sort(x, axis: 0).values.scalars[2].sign, .plus, "values are the elements themselves")
    XCTAssertEqual(sort(x, axis: 0).values.scalars[3].sign, .minus)
  }

  /// A column whose every element enters the selection, the slowest case, agrees with sorting.
  func testTopKOfAscendingNumbers() {
    let x = Tensor([5000], (0..<5000).map(Float.init))
    let (values, indices) = topK(x, k: 64, axis: 0)
    XCTAssertEqual(values.scalars, (0..<64).map { Float(4999 - $0) })
    XCTAssertEqual(indices.values, (0..<64).map { Int32(4999 - $0) })
  }

  /// A slice whose rows are cut into parts: its gradient is the cotangent where something was read, and zeros elsewhere.
  func testGradientOfALargeSlice() {
    let x = Tensor([2, 3, 70_003], filledWith: 1), (rows, count) = (2, 70_003)
    let cotangent = Tensor([2, rows, count], (0..<(2 * rows * count)).map(Float.init))
    let gradient = valueAndGradient(at: [x], cotangent: cotangent) { $0[0].slice(axis: 1, 0..<3, step: 2) }.gradients[0]
    var expected: [Float] = []
    for image in 0..<2 {
      for row in 0..<3 {
        let first = (image * rows + row / 2) * count
        expected += (first..<(first + count)).map { row == 1 ? 0 : Float($0) }
      }
    }
    XCTAssertEqual(gradient.scalars, expected)
  }

  /// The mask of dropout is that of the seed's stream, number by number.
  func testDropoutFollowsTheStreamOfItsSeed() {
    var random = RandomSource(seed: 3), same = random
    var stream = RandomSource(seed: same.next()).stream(0)
    let found = dropout(.ones([3, 67]), rate: 0.3, using: &random)
    XCTAssertEqual(found.scalars, (0..<201).map { _ in stream.nextUniform() < 0.3 ? 0 : 1 / (1 - 0.3) })
  }

  /// Under a window that dilation moves past the whole image there is no maximum, and no gradient goes anywhere.
  func testWindowWithoutAPixel() {
    let x = Tensor([1, 1, 3, 3], filledWith: 1)
    let (value, gradients) = valueAndGradient(at: [x]) {
      maxPool2d($0[0], kernel: 2, stride: 1, padding: 1, dilation: 4).sum()
    }
    XCTAssertEqual(value.scalar, -.infinity)
    XCTAssertEqual(gradients[0].scalars, [Float](repeating: 0, count: 9))
  }

  /// The indices are those of the plane, whatever the image and channel; the first of equals and a NaN win.
  func testIndicesOfMaxima() {
    let x = Tensor([2, 1, 2, 3], [5, 5, 1, 0, 5, 9, .nan, 1, 2, 3, 4, 0])
    let (values, indices) = maxPool2dWithIndices(x, kernel: 2, stride: 1)
    XCTAssertEqual(indices.values, [0, 5, 0, 4])
    XCTAssertEqual(values.scalars[1...].map(\.isNaN), [false, true, false])
  }
}
