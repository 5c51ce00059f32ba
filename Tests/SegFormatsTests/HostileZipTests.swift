import Foundation
import SegFormats
import XCTest

/// Zip archives and npy headers that lie are refused.
final class HostileZipTests: XCTestCase {
  private func fixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: fixtures.appendingPathComponent(name)))
  }

  private static let local: UInt32 = 0x0403_4B50
  private static let entry: UInt32 = 0x0201_4B50
  private static let end: UInt32 = 0x0605_4B50
  private static let wideEnd: UInt32 = 0x0606_4B50
  private static let locator: UInt32 = 0x0706_4B50

  /// A fixture with a field changed, given as the distance from the first signature of a kind.
  private func changed(_ name: String, _ changes: (UInt32, Int, [UInt8])...) throws -> [UInt8] {
    var bytes = try fixture(name)
    for (signature, offset, value) in changes {
      let position = try XCTUnwrap(bytes.positions(of: signature).first) + offset
      bytes.replaceSubrange(position..<(position + value.count), with: value)
    }
    return bytes
  }

  func testEndRecord() throws {
    let file = try fixture("stored.npz")
    assertRefused(file + [0], "end record")
    assertRefused(try changed("stored.npz", (Self.end, 20, [5, 0])), "without comment")
    assertRefused(try changed("stored.npz", (Self.end, 4, [1, 0])), "one volume")
    assertRefused(try changed("stored.npz", (Self.end, 8, [2, 0, 2, 0])), "follow the 2 entries")
    assertRefused(try changed("stored.npz", (Self.end, 8, [4, 0, 4, 0])), "does not fit the file")
    assertRefused(try changed("stored.npz", (Self.end, 8, [0xFE, 0xFF, 0xFE, 0xFF])), "does not fit the file")
    assertRefused(try changed("stored.npz", (Self.end, 8, [0xFF, 0xFF, 0xFF, 0xFF])), "ZIP64 end record is missing")
    assertRefused(try changed("stored.npz", (Self.end, 12, [1, 0, 0, 0])), "does not fit the file")
    assertRefused(try changed("stored.npz", (Self.end, 16, [0xFF, 0xFF, 0xFF, 0x7F])), "does not fit the file")
  }

  func testWideEndRecord() throws {
    let name = "bare.pth"
    let huge = [UInt8](UInt64(1) << 31)
    let ones = [UInt8](repeating: 0xFF, count: 14)
    // The short fields contradict, or leave it to the wide ones.
    assertRefused(try changed(name, (Self.wideEnd, 24, huge + huge)), "contradicts its end record")
    assertRefused(try changed(name, (Self.wideEnd, 24, huge + huge), (Self.end, 8, ones.dropLast(2))), "does not fit")
    assertRefused(try changed(name, (Self.wideEnd, 24, huge)), "expected one volume")
    assertRefused(
      try changed(name, (Self.wideEnd, 40, huge), (Self.end, 12, [0xFF, 0xFF, 0xFF, 0xFF])), "does not fit")
    assertRefused(try changed(name, (Self.wideEnd, 48, [UInt8](UInt64.max))), "not a possible size")
    assertRefused(
      try changed(name, (Self.wideEnd, 48, [UInt8](Int64.max)), (Self.end, 16, [0xFF, 0xFF, 0xFF, 0xFF])),
      "does not fit")
    assertRefused(try changed(name, (Self.wideEnd, 4, [UInt8](UInt64.max))), "not a possible size")
    assertRefused(try changed(name, (Self.wideEnd, 4, [1])), "is not at offset")
    assertRefused(try changed(name, (Self.locator, 8, [UInt8](UInt64(3)))), "is not at offset 3")
    assertRefused(try changed(name, (Self.locator, 8, [UInt8](Int64.max))), "is not at offset")
  }

  func testMembers() throws {
    let compressed: [UInt8] = [8, 0]
    assertRefused(
      try changed("bare.pth", (Self.local, 8, compressed), (Self.entry, 10, compressed)), "torch.save only stores")
    assertRefused(try changed("stored.npz", (Self.entry, 10, [12])), "packed by method 12")
    assertRefused(try changed("stored.npz", (Self.entry, 10, compressed)), "contradicts the archive's directory")
    assertRefused(try changed("stored.npz", (Self.entry, 8, [1])), "is encrypted")
    assertRefused(try changed("stored.npz", (Self.entry, 16, [1, 2, 3, 4])), "CRC-32")
    assertRefused(try changed("stored.npz", (Self.entry, 20, [1, 0, 0, 0])), "packed")
    assertRefused(try changed("stored.npz", (Self.entry, 42, [0xF0, 0xFF, 0xFF, 0x7F])), "header of")
    assertRefused(try changed("stored.npz", (Self.entry, 42, [0xFF, 0xFF, 0xFF, 0xFF])), "lacks its ZIP64 field")
    assertRefused(try changed("stored.npz", (Self.entry, 20, [0xFF, 0xFF, 0xFF, 0xFF])), "lacks its ZIP64 field")
    assertRefused(try changed("deflated.npz", (Self.entry, 24, [0, 0, 0, 0x40])), "more than deflate can")
    assertRefused(try changed("deflated.npz", (Self.entry, 24, [0, 1, 0, 0])), "deflate stream is damaged")
  }

  func testNames() throws {
    func renamed(_ old: String, _ new: String) throws -> [UInt8] {
      var bytes = try fixture("stored.npz")
      bytes.replaceAll(old, with: new)
      return bytes
    }
    assertRefused(try renamed("folder/bias", "../der/bias"), "no plain relative name")
    assertRefused(try renamed("folder/bias", "fol/../bias"), "no plain relative name")
    assertRefused(try renamed("folder/bias", "/older/bias"), "no plain relative name")
    assertRefused(try renamed("folder/bias", "folder\\bias"), "no plain relative name")
    assertRefused(try renamed("folder/bias", "folder\0bias"), "no plain relative name")
    assertRefused(try renamed("bias.npy", "bias.txt"), "neither a torch checkpoint")
    var bytes = try fixture("two_models.pth")
    bytes.replaceAll("two_models/data/1", with: "two_models/data/0")
    assertRefused(bytes, "two members are named 'two_models/data/0'")
  }

  func testNpyHeaders() {
    func npy(_ header: String, version: UInt8 = 1, data: Int = 0) -> [UInt8] {
      let count = version == 1 ? [UInt8](UInt16(header.utf8.count)) : [UInt8](UInt32(header.utf8.count))
      return [0x93] + Array("NUMPY".utf8) + [version, 0] + count + Array(header.utf8)
        + [UInt8](repeating: 0, count: data)
    }
    func dictionary(_ type: String, _ shape: String, order: String = "False") -> String {
      "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape), }\n"
    }
    XCTAssertNoThrow(try readWeights(from: npy(dictionary("'<f4'", "(2L, 1)"), data: 8), named: "x"))
    assertRefused(npy(dictionary("'<f4'", "(2,)"), version: 4), "version 4.0")
    assertRefused(npy(dictionary("'<f4'", "(2,)"), data: 9), "takes 8 bytes, found 9")
    assertRefused(npy(dictionary("'<f4'", "(3,)"), data: 8), "takes 12 bytes, found 8")
    assertRefused(npy(dictionary("'<f4'", "(3, 2)", order: "True"), data: 8), "bytes, found 8")
    assertRefused(npy(dictionary("'|O'", "(1,)"), data: 8), "element type '|O'")
    assertRefused(npy(dictionary("'<c8'", "(1,)"), data: 8), "element type '<c8'")
    assertRefused(npy(dictionary("'|f4'", "(1,)"), data: 4), "element type '|f4'")
    assertRefused(npy(dictionary("[('x', '<f4')]", "(1,)"), data: 4), "expected a string")
    assertRefused(npy(dictionary("'<f4'", "(-1,)")), "expected a size")
    assertRefused(npy(dictionary("'<f4'", "(2)"), data: 8), "comma")
    assertRefused(npy(dictionary("'<f4'", "(99999999999999999999,)")), "expected a size")
    assertRefused(npy(dictionary("'<f4'", "(4294967296, 4294967296)")), "too large")
    assertRefused(npy(dictionary("'<f4'", "(0, 4611686018427387904, 4)", order: "True")), "too large")
    assertRefused(npy(dictionary("'<f4'", "()", order: "1"), data: 4), "True or False")
    assertRefused(npy("{'descr': '<f4', 'shape': ()}", data: 4), "expected descr, fortran_order and shape")
    assertRefused(npy("{'descr': '<f4', 'descr': '<f4'}"), "two entries are named 'descr'")
    assertRefused(npy("{'extra': 1}"), "unknown entry 'extra'")
    assertRefused(npy(dictionary("'<f4'", "()") + "x", data: 4), "expected its end")
    assertRefused(npy("{", version: 2), "npy header")
    assertRefused([0x93] + Array("NUMPY".utf8) + [2, 0, 0xFF, 0xFF, 0xFF, 0xFF], "at most 65536")
  }
}
