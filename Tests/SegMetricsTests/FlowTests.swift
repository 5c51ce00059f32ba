import Foundation
import SegFiles
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Flow files by their specifications, damaged ones, and what flow does to labels.
final class FlowTests: XCTestCase {
  private func bytes(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  /// 2 columns and 1 row: (1.5, −2) and an unknown vector.
  private var middlebury: [UInt8] {
    Array("PIEH".utf8)
      + bytes([2, 1, Float(1.5).bitPattern, Float(-2).bitPattern, Float(1e10).bitPattern, Float(1e10).bitPattern])
  }

  func testMiddlebury() throws {
    // One component beyond 1e9 is enough.
    let half = try FlowField(data: middlebury.dropLast(4) + bytes([0]))
    XCTAssertTrue(half.vectors[0, 0, 1].isNaN && half.vectors[1, 0, 1].isNaN)
    // The tag is the float 202021.25.
    XCTAssertEqual(bytes([Float(202021.25).bitPattern]), Array("PIEH".utf8))
    let flow = try FlowField(data: middlebury)
    XCTAssertEqual([flow.height, flow.width], [1, 2])
    XCTAssertEqual([flow.vectors[0, 0, 0], flow.vectors[1, 0, 0]], [1.5, -2])
    XCTAssertTrue(flow.vectors[0, 0, 1].isNaN && flow.vectors[1, 0, 1].isNaN)
    let url = try Fixtures.temporaryFolder(self).appendingPathComponent("a.flo")
    try flow.writeMiddlebury(to: url)
    XCTAssertEqual([UInt8](try Data(contentsOf: url)), middlebury)
    XCTAssertThrowsError(try flow.writeMiddlebury(to: url))
  }

  func testKITTI() throws {
    let url = try Fixtures.temporaryFolder(self).appendingPathComponent("a.png")
    let vectors: [Float] = [0, 1.015625, -512, 511.984375, 600, .nan, 7, -0.5, 0.25, 100, 0, 3]
    try FlowField(Tensor([2, 2, 3], vectors)).writeKITTI(to: url)
    let read = try FlowField(contentsOf: url).vectors
    // Multiples of 1/64 within ±512 are kept; the fifth is out of range, the sixth unknown.
    for place in [0, 1, 2, 3] {
      XCTAssertEqual(read.scalars[place], vectors[place])
      XCTAssertEqual(read.scalars[6 + place], vectors[6 + place])
    }
    for place in [4, 5] { XCTAssertTrue(read.scalars[place].isNaN && read.scalars[6 + place].isNaN) }
  }

  /// Every truncation and many changed bytes: an error of one line, or a field.
  func testDamage() throws {
    let url = try Fixtures.temporaryFolder(self).appendingPathComponent("a.png")
    try FlowField(Tensor([2, 5, 4], (0..<40).map { Float($0) / 2 - 9 })).writeKITTI(to: url)
    let files = [middlebury, [UInt8](try Data(contentsOf: url))]
    var random = RandomSource(seed: 12)
    for whole in files {
      for count in 0..<whole.count {
        XCTAssertThrowsError(try FlowField(data: Array(whole[..<count])), "\(count) of \(whole.count)") {
          XCTAssertTrue($0 is FileError && !"\($0)".contains("\n"), "\($0)")
        }
      }
      var refused = 0
      for _ in 0..<2000 {
        var damaged = whole
        damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        do { _ = try FlowField(data: damaged, maximumPixels: 1 << 16) } catch {
          XCTAssertTrue(error is FileError, "\(error)")
          refused += 1
        }
      }
      XCTAssertGreaterThan(refused, 100)
    }
    XCTAssertThrowsError(try FlowField(data: middlebury + [0]))
    // Sizes are refused before memory is taken.
    for (width, height) in [(0, 1), (1, 0), (0xFFFF_FFFF, 0xFFFF_FFFF), (0x8000_0000, 1), (70_000, 70_000)]
      as [(UInt32, UInt32)]
    {
      XCTAssertThrowsError(try FlowField(data: Array("PIEH".utf8) + bytes([width, height, 0, 0]))) {
        XCTAssertTrue("\($0)".contains("\(width)x\(height)"), "\($0)")
      }
    }
    XCTAssertThrowsError(try FlowField(data: Array("GIF89a".utf8))) { XCTAssertTrue("\($0)".contains(".flo"), "\($0)") }
  }

  /// Labels move against the flow; halves go to the even pixel, and nothing comes from outside.
  func testPull() {
    let labels = Labels([2, 3], [1, 2, 3, 4, 5, 6])
    func pull(_ u: [Float], _ v: [Float]) -> [Int32] {
      FlowField(Tensor([2, 2, 3], u + v)).pull(labels, missing: -1).values
    }
    let zeros = [Float](repeating: 0, count: 6)
    XCTAssertEqual(pull(zeros, zeros), [1, 2, 3, 4, 5, 6])
    XCTAssertEqual(pull([1, 1, 1, 1, 1, 1], zeros), [2, 3, -1, 5, 6, -1])
    XCTAssertEqual(pull(zeros, [1, 1, 1, -1, -1, -1]), [4, 5, 6, 1, 2, 3])
    XCTAssertEqual(pull([-0.5, 0.5, 0.5, .nan, .infinity, -0.51], zeros), [1, 3, 3, -1, -1, 5])
    XCTAssertEqual(pull([-0.51, 0, 0, 0, 0, 0], [0, -0.6, 0, 0, 0.6, 0]), [-1, -1, 3, 4, -1, 6])
  }

  func testOcclusionAndEndpointError() throws {
    // A patch moves two columns to the right: what it covers has no way back.
    let forward = FlowField(Tensor([2, 1, 6], [2, 2, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0]))
    let backward = FlowField(Tensor([2, 1, 6], [0, 0, -2, -2, 0, 0] + [0, 0, 0, 0, 0, 0]))
    XCTAssertEqual(forward.occlusion(backward: backward).values, [0, 0, 1, 1, 0, 0])
    let outward = FlowField(Tensor([2, 1, 6], [-1, 0, 0, 0, .nan, 1] + [0, 0, 0, 0, 0, 0]))
    XCTAssertEqual(outward.occlusion(backward: FlowField(.zeros([2, 1, 6]))).values, [1, 0, 0, 0, 1, 1])
    let a = FlowField(Tensor([2, 1, 3], [3, 0, .nan] + [4, 0, 0])), b = FlowField(.zeros([2, 1, 3]))
    XCTAssertEqual(a.endpointError(against: b), 2.5)
    XCTAssertNil(FlowField(Tensor([2, 1, 1], filledWith: .nan)).endpointError(against: FlowField(.zeros([2, 1, 1]))))
  }
}
