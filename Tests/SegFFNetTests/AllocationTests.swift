import CMallocCounter
import SegFFNet
import SegKernels
import SegTestSupport
import XCTest

final class AllocationTests: XCTestCase {
  /// How often memory is allocated, by any thread, while `body` runs.
  private func allocations(_ body: () -> Void) -> Int {
    malloc_counter_start()
    body()
    return malloc_counter_stop()
  }

  /// The counter counts: on this thread, and on those of the pool.
  func testTheCounterCounts() {
    var kept: [AnyObject] = []
    kept.reserveCapacity(100)
    XCTAssertGreaterThanOrEqual(allocations { for _ in 0..<10 { kept.append(NSObject()) } }, 10)
    let blocks = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 64)
    defer { blocks.deallocate() }
    nonisolated(unsafe) let target = blocks
    Threads.with(2) {
      XCTAssertGreaterThanOrEqual(allocations { parallelFor(64) { target[$0] = malloc(100 + $0) } }, 64)
    }
    for index in 0..<64 { free(blocks[index]) }
  }

  /// A session's run allocates nothing, on one thread or two.
  func testASessionRunAllocatesNothing() throws {
    for name in ["ffnet22S_half_BCC", "ffnet40S_dBBB_mobile", "ffnet18_dAAC"] {
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name)), seed: 1)
      let x = ReferenceRule.tensor("input", [1, 3, 64, 96])
      for threads in [1, 2] {
        Threads.with(threads) {
          let session = network.compiled(for: x.shape).makeSession()
          var logits = Tensor.zeros(session.program.outputShapes[0])
          for _ in 0..<2 { session.run(x, into: &logits) }
          XCTAssertEqual(allocations { for _ in 0..<5 { session.run(x, into: &logits) } }, 0, "\(name), \(threads)")
        }
      }
    }
  }
}
