import SegDistributed
import SegKernels
import SegTestSupport
import XCTest

/// What depends on a batch as a whole: in two halves as in one piece.
final class BatchDivisionTests: XCTestCase {
  private func random(_ shape: Shape, _ seed: UInt64) -> Tensor {
    var source = RandomSource(seed: seed)
    return Tensor.normal(shape, using: &source)
  }

  private func half(_ x: Tensor, _ rank: Int) -> Tensor {
    x.slice(axis: 0, (rank * x.shape[0] / 2)..<((rank + 1) * x.shape[0] / 2))
  }

  /// Results, statistics and all gradients of batch norm, which stands alone or before a sum and a rectifier.
  func testBatchNorm() throws {
    for (channels, rectified) in [(5, false), (19, true)] {
      let shape: Shape = [4, channels, 3, 7]
      // The halves have different means; some of them are large.
      let x = random(shape, 1) * 2 + Tensor([4, 1, 1, 1], [0, 1, 100, 120]), addend = random(shape, 2)
      let weight = random([channels], 3), bias = random([channels], 4), cotangent = random(shape, 5)
      func run(_ x: Tensor, _ addend: Tensor, _ cotangent: Tensor, _ group: (any BatchGroup)?) -> [Tensor] {
        var statistics: [Tensor] = []
        let (y, gradients) = valueAndGradient(at: [x, weight, bias, addend], cotangent: cotangent) {
          let norm = batchNorm(
            $0[0], weight: $0[1], bias: $0[2], adding: rectified ? $0[3] : nil, rectified: rectified, over: group)
          statistics = [norm.mean, norm.variance]
          return norm.result
        }
        return [y] + statistics + gradients
      }
      let whole = run(x, addend, cotangent, nil)
      let halves = try ThreadGroup.run(2) { [self] group in
        run(half(x, group.rank), half(addend, group.rank), half(cotangent, group.rank), group)
      }
      for part in [0, 3, 6] {
        assertClose(concatenate([halves[0][part], halves[1][part]], axis: 0), whole[part], tolerance: 2e-5, "\(part)")
      }
      for part in [1, 2] {
        for rank in 0..<2 { assertClose(halves[rank][part], whole[part], tolerance: 1e-6, "\(part)") }
        XCTAssertEqual(bits(halves[0][part]), bits(halves[1][part]))
      }
      for part in [4, 5] { assertClose(halves[0][part] + halves[1][part], whole[part], tolerance: 2e-5, "\(part)") }
      // Each half by itself is something else.
      XCTAssertGreaterThan(
        abs(run(half(x, 0), half(addend, 0), half(cotangent, 0), nil)[1].scalars[0] - whole[1].scalars[0]), 1)
    }
  }

  /// One value a channel in each half is two in the batch.
  func testBatchNormOfOneValueEach() throws {
    let x = Tensor([2, 1, 1, 1], [1, 3])
    let halves = try ThreadGroup.run(2) { [self] group in
      batchNorm(half(x, group.rank), weight: .ones([1]), bias: .zeros([1]), epsilon: 0, over: group).result.scalar
    }
    XCTAssertEqual(halves, [-1, 1])
  }

  /// The running statistics follow the whole batch.
  func testRunningStatistics() throws {
    let x = random([4, 3, 2, 2], 7) * 3 + 1
    func layer(_ x: Tensor, _ group: (any BatchGroup)?) -> [[Float]] {
      let norm = BatchNorm2d(channels: 3), network = Sequential([("0", norm)])
      network.divideBatches(over: group)
      network.setTraining(true)
      _ = network(x)
      return [norm.runningMean.value.scalars, norm.runningVariance.value.scalars, norm.batchesTracked.value.scalars]
    }
    let whole = layer(x, nil)
    for part in try ThreadGroup.run(2, { [self] in layer(half(x, $0.rank), $0) }) {
      for (found, expected) in zip(part, whole) {
        for (a, b) in zip(found, expected) { XCTAssertEqual(a, b, accuracy: 1e-6 * max(abs(b), 1)) }
      }
    }
  }

  /// Masks are those of the whole batch, whatever place in a stream the second half begins at.
  func testDropout() throws {
    for (shape, channels) in [([4, 3, 70, 71], false), ([2, 16385], false), ([4, 7, 3, 3], true)] as [(Shape, Bool)] {
      let x = Tensor.ones(shape)
      func layer(_ x: Tensor, _ group: (any BatchGroup)?) -> [Tensor] {
        let dropout = Dropout(rate: 0.3, dropsChannels: channels, seed: 5)
        dropout.divideBatches(over: group)
        dropout.setTraining(true)
        return [dropout(x), dropout(x)]
      }
      let whole = layer(x, nil), halves = try ThreadGroup.run(2) { [self] in layer(half(x, $0.rank), $0) }
      for call in 0..<2 {
        XCTAssertEqual(bits(concatenate([halves[0][call], halves[1][call]], axis: 0)), bits(whole[call]), "\(shape)")
      }
      XCTAssertNotEqual(bits(whole[0]), bits(whole[1]))
    }
  }

  /// Σ over processes of ‖gathered x‖² · c, c of the process: each sees all samples, and the gradient is that of the sum.
  func testGathered() throws {
    let x = random([4, 3], 9)
    let found = try ThreadGroup.run(2) { [self] group in
      let (value, gradients) = valueAndGradient(at: [half(x, group.rank)]) {
        let all = gathered($0[0], from: group)
        XCTAssertEqual(all.scalars, x.scalars)
        return (all * all).sum() / Float(group.size)
      }
      return (value, gradients[0], gathered(Labels([1, 2], [Int32(group.rank), 7]), from: group))
    }
    assertClose(found[0].0 + found[1].0, (x * x).sum(), tolerance: 1e-6)
    assertClose(concatenate([found[0].1, found[1].1], axis: 0), x * 2, tolerance: 1e-6)
    XCTAssertEqual(found[1].2, Labels([2, 2], [0, 7, 1, 7]))
  }
}
