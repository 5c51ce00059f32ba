import Foundation
import SegFormats
import SegKernels
import XCTest

/// Checkpoints that lie, or that would run something, are refused.
final class HostileTorchTests: XCTestCase {
  /// A legacy stream around the pickle of an object, with a list of storage keys and one storage.
  private func stream(_ object: [UInt8], keys: [UInt8] = Array("].".utf8), data: [UInt8] = []) -> [UInt8] {
    let magic: [UInt8] =
      [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19] + Array(".".utf8)
    let version: [UInt8] = [0x80, 2] + Array("M".utf8) + [0xE9, 3] + Array(".".utf8)
    let system: [UInt8] = [0x80, 2] + Array("}.".utf8)
    return magic + version + system + [0x80, 2] + object + [0x80, 2] + keys + data
  }

  private func text(_ text: String) -> [UInt8] { Array("X".utf8) + [UInt8](UInt32(text.utf8.count)) + Array(text.utf8) }
  private func number(_ value: Int) -> [UInt8] { [0x8A, 8] + [UInt8](Int64(value)) }
  private func tuple(_ values: [Int]) -> [UInt8] { Array("(".utf8) + values.flatMap(number) + Array("t".utf8) }

  /// A stream of one tensor over a storage of as many zeros as `data` has floats.
  private func tensor(
    offset: Int = 0, shape: [Int], strides: [Int], claimed: Int = 4, data: Int = 4, type: String = "FloatStorage"
  ) -> [UInt8] {
    let storage =
      Array("(".utf8) + text("storage") + Array("ctorch\n\(type)\n".utf8) + text("k") + text("cpu") + number(claimed)
      + Array("NtQ".utf8)
    let object =
      Array("ctorch._utils\n_rebuild_tensor\n(".utf8) + storage + number(offset) + tuple(shape) + tuple(strides)
      + Array("tR.".utf8)
    let keys = Array("]".utf8) + text("k") + Array("a.".utf8)
    return stream(object, keys: keys, data: [UInt8](UInt64(data)) + [UInt8](repeating: 0, count: 4 * data))
  }

  func testTheHelpersMakeValidFiles() throws {
    let archive = try readWeights(from: tensor(shape: [2, 2], strides: [2, 1]), named: "folder/zeros.pth")
    XCTAssertEqual(archive.tensor("zeros")?.scalars, [0, 0, 0, 0])
  }

  func testForeignCallablesAreRefusedByName() throws {
    assertRefused(stream(Array("cos\nsystem\n".utf8) + text("rm -rf /") + Array("\u{1}R.".utf8)), "'os.system'")
    assertRefused(stream(Array("cbuiltins\neval\n.".utf8)), "'builtins.eval'")
    assertRefused(
      stream([0x80, 4, 0x8C, 5] + Array("posix".utf8) + [0x8C, 6] + Array("system".utf8) + [0x93]), "'posix.system'")
    assertRefused(stream(Array("ctorch\nComplexFloatStorage\n.".utf8)), "'torch.ComplexFloatStorage'")
    assertRefused(stream(Array("cargparse\nNamespace\n.".utf8)), "refused, not executed")
    assertRefused(stream(Array("c\n\n.".utf8)), "refused")
    assertRefused(stream(Array("cnumpy\n".utf8) + [UInt8](repeating: 0x61, count: 2000)), "no end of line")

    // The same in the zip form: another name of the same length, in a file without checksums.
    var zip = try [UInt8](Data(contentsOf: fixtures.appendingPathComponent("no_crc.pth")))
    zip.replaceAll("torch._utils\n_rebuild_tensor_v2", with: "posix\nsystem_of_somebody_else__")
    assertRefused(zip, "'posix.system_of_somebody_else__'")
  }

  func testOperationsOutOfPlace() {
    for (object, part): (String, String) in [
      (".", "a value is missing"), ("t", "a mark is missing"), ("(.", "a value is missing"),
      ("N(R", "a value is missing"),
      ("NNR.", "expected a callable"), ("NNa.", "expected a list"), ("}(Nu.", "pairs to put in"),
      ("NNb.", "attributes"),
      ("h\u{5}.", "nothing was memorised"), ("N0.", "operation 0x30"), ("i", "operation 0x69"),
      ("NQ.", "expected a storage"), (")Q.", "expected a storage"), ("ctorch\nSize\n)R.", "arguments"),
      ("ctorch\nFloatStorage\n)R.", "arguments"), ("ctorch._utils\n_rebuild_tensor\n(NNNNtR.", "expected a tensor of"),
      ("ctorch._utils\n_rebuild_parameter\n(NNNtR.", "expected a tensor"),
      ("ccollections\nOrderedDict\n(NtR.", "list of pairs"),
      ("ccollections\nOrderedDict\n(](NetR.", "of pairs, found None"),
      ("}(NNu.", "as a key"), ("ctorch\ndevice\n)R.", "a device without a name"),
    ] {
      assertRefused(stream(Array(object.utf8)), part)
    }
  }

  func testNestingAndBombs() {
    assertRefused(stream([UInt8](repeating: UInt8(ascii: "("), count: 100_000)), "nesting")
    assertRefused(stream([UInt8](repeating: UInt8(ascii: "N"), count: 1_100_000)), "values")
    // Tuples around tuples, deeper than any stack of calls.
    assertRefused(
      stream(Array("N".utf8) + [UInt8](repeating: 0x85, count: 500_000) + Array(".".utf8)), "nest deeper")
    // A list in itself, also below a wrapper's name.
    assertRefused(stream(Array("]q\u{0}h\u{0}a.".utf8)), "nest deeper")
    assertRefused(stream(Array("}q\u{0}".utf8) + text("model") + Array("h\u{0}s.".utf8)), "nest deeper")
    // Forty levels of pairs of the level before: 2^40 values.
    let pairs = (UInt8(0)..<40).flatMap {
      [UInt8(ascii: "h"), $0, UInt8(ascii: "h"), $0, 0x86, UInt8(ascii: "q"), $0 + 1]
    }
    assertRefused(stream(Array("Nq\u{0}".utf8) + pairs + Array(".".utf8)), "hold more")
    // Memo numbers may be any; as many entries as these take no more than their file.
    XCTAssertNoThrow(
      try readWeights(from: stream(Array("]r".utf8) + [0xFF, 0xFF, 0xFF, 0xFF] + Array(".".utf8)), named: "x"))
    let memos = (UInt32(0)..<1_100_000).flatMap { [UInt8(ascii: "r")] + [UInt8]($0) }
    assertRefused(stream(Array("N".utf8) + memos), "memory")
  }

  func testTensorsStayInsideTheirStorage() {
    let outside = "reaches outside the 4 elements"
    assertRefused(tensor(shape: [5], strides: [1]), outside)
    assertRefused(tensor(offset: 1, shape: [4], strides: [1]), outside)
    assertRefused(tensor(offset: -1, shape: [1], strides: [1]), outside)
    assertRefused(tensor(offset: .max, shape: [2], strides: [.max]), outside)
    assertRefused(tensor(offset: 3, shape: [2], strides: [-1]), outside)
    assertRefused(tensor(shape: [2, 2], strides: [.max, 1]), outside)
    assertRefused(tensor(shape: [2, 2], strides: [3, 2]), outside)
    assertRefused(tensor(shape: [-1], strides: [1]), "must not be negative")
    assertRefused(tensor(shape: [1 << 40, 1 << 40], strides: [0, 0]), "too large")
    assertRefused(tensor(shape: [1 << 40], strides: [0]), "far more elements")
    assertRefused(tensor(shape: [2, 2], strides: [1]), "2 axes in shape, 1 in strides")
    assertRefused(tensor(shape: [0, 1 << 62, 1 << 62], strides: [1, 1, 1]), "too large")
    // No elements: strides and offset mean nothing.
    XCTAssertNoThrow(try readWeights(from: tensor(offset: 99, shape: [0, 3], strides: [-5, .max]), named: "x"))
  }

  func testStorages() {
    assertRefused(tensor(shape: [1], strides: [1], claimed: 5), "expected 5 elements, found 4")
    assertRefused(tensor(shape: [1], strides: [1], claimed: .max, data: 4), "elements, found 4")
    assertRefused(tensor(shape: [1], strides: [1], claimed: -1), "expected a storage")
    assertRefused(tensor(shape: [1], strides: [1], type: "DoubleStorage"), "needs 32 bytes")
    assertRefused(tensor(shape: [1], strides: [1]) + [0], "1 bytes follow the last storage")
    assertRefused(stream(Array("N.".utf8), keys: Array("(K\u{1}t.".utf8)), "list of storage keys")
    assertRefused(stream(Array("N.".utf8), keys: Array("N.".utf8)), "expected a list of storage keys, found None")
    assertRefused([0x80, 2] + Array("K\u{1}.".utf8), "magic number is missing")
  }
}

extension Array where Element == UInt8 {
  /// Replaces every occurrence of a text by another of the same length.
  mutating func replaceAll(_ old: String, with new: String) {
    let (old, new) = (Array(old.utf8), Array(new.utf8))
    precondition(old.count == new.count && contains(old))
    for start in 0...(count - old.count) where self[start..<(start + old.count)].elementsEqual(old) {
      replaceSubrange(start..<(start + old.count), with: new)
    }
  }

  /// Where each occurrence of a little-endian 32-bit integer begins: the signatures of a zip archive.
  func positions(of signature: UInt32) -> [Int] {
    let bytes = [UInt8](signature)
    return indices.dropLast(3).filter { self[$0] == bytes[0] && self[$0..<($0 + 4)].elementsEqual(bytes) }
  }
}
