import SegKernels
import Foundation
import XCTest

final class AutogradTests: XCTestCase {
  /// A value used twice receives both gradients: d(x² + 3x) = 2x + 3.
  func testGradientsOfSharedValuesAddUp() {
    let x = Tensor([3], [1, -2, 0.5])
    let (value, gradients) = valueAndGradient(at: [x]) { ($0[0] * $0[0] + $0[0] * 3).sum() }
    XCTAssertEqual(value.scalar, 3.75, accuracy: 1e-6)
    XCTAssertEqual(gradients[0].scalars, [5, -1, 4])
  }

  /// What a result does not depend on, and what was computed without gradients, gets zeros.
  func testConstantsHaveNoGradient() {
    let x = Tensor([2], [1, 2]), y = Tensor([2], [3, 4])
    let (_, gradients) = valueAndGradient(at: [x, y]) { inputs in
      let constant = withoutGradients { inputs[1] * inputs[1] }
      return (inputs[0] * constant + inputs[0].detached()).sum()
    }
    XCTAssertEqual(gradients[0].scalars, [9, 16])
    XCTAssertEqual(gradients[1].scalars, [0, 0])
  }

  /// A custom operation with its own gradient takes part like any other.
  func testCustomOperation() {
    struct Cube: TensorOperation {
      let name = "cube"
      func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }
      func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
        context.saved = inputs
        return [inputs[0] * inputs[0] * inputs[0]]
      }
      func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
        [gradients[0]! * context.saved[0].square() * 3]
      }
    }
    let x = Tensor([2], [2, -1])
    let (value, gradients) = valueAndGradient(at: [x]) { apply(Cube(), to: $0[0] + 1).sum() }
    XCTAssertEqual(value.scalar, 27)
    XCTAssertEqual(gradients[0].scalars, [27, 0])
    let graph = Graph.capture(inputs: [[2]]) { [apply(Cube(), to: $0[0])] }
    XCTAssertEqual(graph.nodes.map { $0.operation.name }, ["cube"])
    XCTAssertEqual(graph([x])[0].scalars, [8, -1])
  }

  /// The tape frees what a node saved as soon as its backward ran: the chain's memory is gone before its start is
  /// reached.
  func testNodesAreFreedDuringBackward() {
    final class Probe: @unchecked Sendable { var aliveAtFirst = 0 }
    struct Step: TensorOperation {
      let name = "step"
      let index: Int
      let alive: AliveCount
      let probe: Probe
      func outputShapes(_ inputs: [Shape]) -> [Shape] { inputs }
      func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
        let base = inputs[0].scalars
        let token = AliveCount.Token(alive)
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: base.count)
        memory.initialize(from: base, count: base.count)
        token.memory = memory
        context.saved = [
          Tensor(shape: inputs[0].shape, storage: Storage(borrowing: memory, count: base.count, owner: token))
        ]
        return [inputs[0] + 1]
      }
      func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
        if index == 0 { probe.aliveAtFirst = alive.count }
        return gradients
      }
    }
    let alive = AliveCount(), probe = Probe()
    _ = valueAndGradient(at: [Tensor([4], filledWith: 1)]) { inputs in
      (0..<10).reduce(inputs[0]) { apply(Step(index: $1, alive: alive, probe: probe), to: $0) }.sum()
    }
    XCTAssertEqual(probe.aliveAtFirst, 1, "only the first step's own memory is left when its backward runs")
    XCTAssertEqual(alive.count, 0)
  }

  /// Threads record on tapes of their own.
  func testRecordingIsThreadLocal() {
    let results = (0..<8).map { _ in UnsafeMutablePointer<Float>.allocate(capacity: 1) }
    defer { results.forEach { $0.deallocate() } }
    nonisolated(unsafe) let targets = results
    DispatchQueue.concurrentPerform(iterations: 8) { index in
      let x = Tensor([1], [Float(index)])
      for _ in 0..<200 {
        targets[index].pointee = valueAndGradient(at: [x]) { ($0[0] * $0[0]).sum() }.gradients[0].scalar
      }
    }
    XCTAssertEqual(results.map(\.pointee), (0..<8).map { 2 * Float($0) })
  }
}

/// Counts tokens that are alive.
final class AliveCount: @unchecked Sendable {
  private let lock = NSLock()
  private var number = 0
  var count: Int { lock.withLock { number } }

  final class Token {
    private let owner: AliveCount
    var memory: UnsafeMutablePointer<Float>?
    init(_ owner: AliveCount) {
      self.owner = owner
      owner.lock.withLock { owner.number += 1 }
    }
    deinit {
      memory?.deallocate()
      owner.lock.withLock { owner.number -= 1 }
    }
  }
}
