import Foundation
import SegKernels
import Synchronization
import XCTest

final class RuntimeTests: XCTestCase {
  /// Every number is visited once, whatever the number of threads.
  func testParallelForVisitsEachNumberOnce() {
    for threads in [1, 2, 3, 7] {
      Threads.with(threads) {
        for count in [0, 1, 2, 5, 1000] {
          let visits = UnsafeMutablePointer<Int>.allocate(capacity: max(count, 1))
          defer { visits.deallocate() }
          visits.initialize(repeating: 0, count: count)
          nonisolated(unsafe) let target = visits
          parallelFor(count) { target[$0] += 1 }
          XCTAssertEqual((0..<count).map { visits[$0] }, [Int](repeating: 1, count: count), "\(threads) threads")
        }
      }
    }
  }

  /// A region inside a region, and regions of several callers at once, all complete.
  func testNestedAndConcurrentRegions() {
    Threads.with(3) {
      let total = Atomic<Int>(0)
      parallelFor(8) { _ in parallelFor(8) { _ in total.add(1, ordering: .relaxed) } }
      XCTAssertEqual(total.load(ordering: .relaxed), 64)
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        for _ in 0..<50 { parallelFor(16) { _ in total.add(1, ordering: .relaxed) } }
      }
      XCTAssertEqual(total.load(ordering: .relaxed), 64 + 4 * 50 * 16)
    }
  }

  /// Scratch memory is not shared between nested uses.
  func testNestedWorkspacesAreApart() {
    withWorkspace(100) { outer in
      outer.update(repeating: 1, count: 100)
      withWorkspace(200) { inner in inner.update(repeating: 2, count: 200) }
      XCTAssertEqual((0..<100).map { outer[$0] }, [Float](repeating: 1, count: 100))
    }
  }

  func testThreadsAreWithinTheMachine() {
    XCTAssertGreaterThanOrEqual(Threads.available, 1)
    XCTAssertLessThanOrEqual(Threads.available, ProcessInfo.processInfo.processorCount)
  }

  /// Streams of one seed differ by index and by name, and repeat exactly.
  func testRandomStreams() {
    var a = RandomSource(seed: 7), b = RandomSource(seed: 7)
    XCTAssertEqual((0..<10).map { _ in a.next() }, (0..<10).map { _ in b.next() })
    XCTAssertNotEqual(RandomSource(seed: 7).stream(0), RandomSource(seed: 7).stream(1))
    XCTAssertNotEqual(RandomSource(seed: 7, name: "a"), RandomSource(seed: 7, name: "b"))
    // SplitMix64's published first outputs for seed 1234567.
    var known = RandomSource(seed: 1_234_567)
    XCTAssertEqual([known.next(), known.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973])
    var normal = RandomSource(seed: 3)
    let draws = (0..<20_000).map { _ in Double(normal.nextNormal()) }
    let mean = draws.reduce(0, +) / 20_000
    XCTAssertEqual(mean, 0, accuracy: 0.03)
    XCTAssertEqual(draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000, 1, accuracy: 0.04)
  }
}
