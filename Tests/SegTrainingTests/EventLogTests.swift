import Foundation
import SegImages
import SegTestSupport
import SegTraining
import XCTest

final class EventLogTests: XCTestCase {
  /// RFC 3720, B.4, and the customary check value.
  func testChecksums() {
    XCTAssertEqual(crc32c([UInt8](repeating: 0, count: 32)), 0x8A91_36AA)
    XCTAssertEqual(crc32c([UInt8](repeating: 0xFF, count: 32)), 0x62A8_AB43)
    XCTAssertEqual(crc32c(0..<32), 0x46DD_794E)
    XCTAssertEqual(crc32c("123456789".utf8), 0xE306_9283)
    XCTAssertEqual(crc32c([]), 0)
  }

  /// The bytes that TensorBoard's own writer makes of the same numbers, `Tests/Fixtures/tensorboard`.
  func testBytesAreTensorBoards() throws {
    let expected = [UInt8](try Data(contentsOf: Fixtures.url("tensorboard/events.out.tfevents.fixture")))
    let records = TFRecord.contents(of: expected)
    XCTAssertEqual(records.count, 5)
    XCTAssertEqual(records.flatMap(TFRecord.framed), expected)
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("events.out.tfevents.ours")
    let log = try EventLog(file, keepingUpTo: 0, now: { 1.5 })
    try log.add(["loss": 2.5, "learning rate": 0.01], step: 1)
    try log.add(["loss": -0.125, "learning rate": 1e-9], step: 300)
    try log.add(["meanIoU": 0.625], step: 300)
    let found = [UInt8](try Data(contentsOf: file))
    XCTAssertEqual(found, Array(records.prefix(4).flatMap(TFRecord.framed)))
  }

  /// Opened again, a log keeps what lies up to the step and is whole, and goes on behind it.
  func testLaterAndDamagedEventsAreDropped() throws {
    let source = try Data(contentsOf: Fixtures.url("tensorboard/events.out.tfevents.fixture"))
    let records = TFRecord.contents(of: [UInt8](source))
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("events")
    func kept(_ bytes: Data, upTo step: Int) throws -> Int {
      try bytes.write(to: file)
      _ = try EventLog(file, keepingUpTo: step, now: { 1.5 })
      let found = TFRecord.contents(of: [UInt8](try Data(contentsOf: file)))
      XCTAssertEqual(found, Array(records.prefix(found.count)))
      return found.count
    }
    XCTAssertEqual(try kept(source, upTo: 70000), 5)
    XCTAssertEqual(try kept(source, upTo: 299), 2)
    XCTAssertEqual(try kept(source, upTo: 0), 1)
    XCTAssertEqual(try kept(Data(), upTo: 5), 1)
    for length in [1, 12, 39, 40, 41, 60, source.count - 1] {
      let whole = TFRecord.contents(of: [UInt8](source.prefix(length))).count
      XCTAssertEqual(try kept(source.prefix(length), upTo: 70000), max(whole, 1), "\(length) bytes")
    }
    var damaged = source
    damaged[30] ^= 1
    XCTAssertEqual(try kept(damaged, upTo: 70000), 1)
  }
}
