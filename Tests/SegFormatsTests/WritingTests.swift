import Foundation
import SegFormats
import SegKernels
import XCTest

final class WritingTests: XCTestCase {
  private let archive = WeightArchive(
    [
      ("z.weight", .float(Tensor([2, 3], [1, -2, 3.5, .infinity, 0, Float.leastNonzeroMagnitude]))),
      ("steps", .integer(IntegerArray([], [44041]))),
      ("b \"quoted\" é\n", .float(Tensor([3], [7, 8, 9]))),
      ("large", .integer(IntegerArray([2], [.max, .min]))),
      ("empty", .float(Tensor([0, 4], [Float]()))),
    ], metadata: ["classes": "road,sky", "odd \\ \u{1}": "\"\n\t🚗"])

  private func assertSameArrays(_ a: WeightArchive, _ b: WeightArchive, line: UInt = #line) {
    XCTAssertEqual(a.entries.map(\.name), b.entries.map(\.name), line: line)
    for (x, y) in zip(a.entries, b.entries) {
      XCTAssertEqual(x.array.shape, y.array.shape, x.name, line: line)
      switch (x.array, y.array) {
      case (.float(let p), .float(let q)): assertSame(p.scalars, q.scalars, x.name, line: line)
      case (.integer(let p), .integer(let q)): XCTAssertEqual(p, q, x.name, line: line)
      default: XCTFail("\(x.name) changed its kind", line: line)
      }
    }
  }

  /// Kernels are rounded to halves, everything else keeps its bits; only safetensors can do it.
  func testHalves() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("h.safetensors")
      let kernel: [Float] = [0.1, -2.5, 65504, 6.1e-5, 1e-8, 0]
      let archive = WeightArchive([
        ("kernel", .float(Tensor([2, 3], kernel))), ("bias", .float(Tensor([3], [0.1, 0.2, 0.3]))),
        ("steps", .integer(IntegerArray([], [7]))), ("odd", .float(Tensor([1, 1], [1 / 3]))),
      ])
      try writeWeights(archive, to: url, halves: true)
      let read = try readWeights(at: url)
      XCTAssertEqual(read.entries.map(\.name), ["kernel", "bias", "steps", "odd"])
      XCTAssertEqual(read.tensor("kernel")!.scalars, kernel.map { Float(Float16($0)) })
      XCTAssertEqual(read.tensor("bias")!.scalars, [0.1, 0.2, 0.3])
      XCTAssertEqual(read.tensor("odd")!.scalars, [Float(Float16(1 / 3 as Float))])
      XCTAssertEqual(read.integers("steps")?.values, [7])
      XCTAssertThrowsError(try writeWeights(archive, to: folder.appendingPathComponent("h.npz"), halves: true))
      XCTAssertEqual(try names(in: folder), ["h.safetensors"])
    }
  }

  func testRoundTrips() throws {
    try withTemporaryFolder { folder in
      let safetensors = folder.appendingPathComponent("a.safetensors")
      try writeWeights(archive, to: safetensors)
      let read = try readWeights(at: safetensors)
      assertSameArrays(read, archive)
      XCTAssertEqual(read.metadata, archive.metadata)
      assertSameArrays(read.sortedByName(), archive.sortedByName())
      XCTAssertEqual(
        archive.sortedByName().entries.map(\.name), ["b \"quoted\" é\n", "empty", "large", "steps", "z.weight"])
      XCTAssertEqual(archive.sortedByName().integers("steps")?.values, [44041])

      let npz = folder.appendingPathComponent("a.NPZ")
      try writeWeights(archive, to: npz)
      assertSameArrays(try readWeights(at: npz), archive)

      for entry in archive.entries {
        let npy = folder.appendingPathComponent("one.npy")
        try writeWeights(WeightArchive([("one", entry.array)]), to: npy, overwrite: true)
        assertSameArrays(try readWeights(at: npy), WeightArchive([("one", entry.array)]))
      }
      XCTAssertEqual(try names(in: folder), ["a.NPZ", "a.safetensors", "one.npy"])
    }
  }

  /// NumPy and we write the same bytes.
  func testNpyIsThatOfNumPy() throws {
    try withTemporaryFolder { folder in
      for name in ["version1.npy", "little_i8.npy", "scalar.npy", "empty.npy"] {
        let original = fixtures.appendingPathComponent(name)
        let copy = folder.appendingPathComponent(name)
        try writeWeights(readWeights(at: original), to: copy)
        XCTAssertEqual(try Data(contentsOf: copy), try Data(contentsOf: original), name)
      }
    }
  }

  /// The bytes as the format's description has them: header padded to 8, the integers' data first.
  func testSafetensorsLayout() throws {
    let archive = WeightArchive(
      [("f", .float(Tensor([1], [1]))), ("i", .integer(IntegerArray([1], [2])))], metadata: ["k": "v"])
    let json =
      #"{"__metadata__":{"k":"v"},"f":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"#
      + #""i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#
    let padded = json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("x.safetensors")
      try writeWeights(archive, to: url)
      let expected =
        [UInt8](UInt64(padded.utf8.count)) + Array(padded.utf8) + [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3F]
      XCTAssertEqual([UInt8](try Data(contentsOf: url)), expected)
    }
  }

  func testWhatCannotBeWritten() throws {
    try withTemporaryFolder { folder in
      assertFails(named: "a.pth", "expected the extension") {
        try writeWeights(archive, to: folder.appendingPathComponent("a.pth"))
      }
      assertFails(named: "a.npy", "holds one array, found 5") {
        try writeWeights(archive, to: folder.appendingPathComponent("a.npy"))
      }
      assertFails(named: "a.npz", "cannot be the name of a member") {
        try writeWeights(WeightArchive([("../up", Tensor(1))]), to: folder.appendingPathComponent("a.npz"))
      }
      assertFails(named: "a.safetensors", "cannot be named __metadata__") {
        try writeWeights(
          WeightArchive([("__metadata__", Tensor(1))]), to: folder.appendingPathComponent("a.safetensors"))
      }
      XCTAssertEqual(try names(in: folder), [])
    }
  }

  // MARK: - Mapping

  /// Four gigabytes, sparse on the disk: read at once, so not read at all until touched.
  func testSafetensorsAreMapped() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("huge.safetensors")
      let json = #"{"w":{"dtype":"F32","shape":[1073741824],"data_offsets":[0,4294967296]}}"#
      let header = json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
      try Data([UInt8](UInt64(header.utf8.count)) + Array(header.utf8)).write(to: url)
      guard truncate(url.path, 8 + header.utf8.count + (1 << 32)) == 0 else {
        throw XCTSkip("this file system has no sparse files of 4 GB")
      }
      let clock = ContinuousClock()
      var tensor: Tensor?
      let time = try clock.measure { tensor = try readWeights(at: url).tensor("w") }
      XCTAssertLessThan(time, .milliseconds(200))
      XCTAssertEqual(tensor?.withUnsafeBufferPointer { $0[(1 << 30) - 1] }, 0)
    }
  }

  func testBorrowedTensorsOutliveArchiveAndFile() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("x.safetensors")
      try writeWeights(archive, to: url)
      var tensor = try XCTUnwrap(readWeights(at: url).tensor("z.weight"))
      try writeWeights(WeightArchive([("other", Tensor(0))]), to: url, overwrite: true)
      try FileManager.default.removeItem(at: url)
      assertSame(tensor.scalars, [1, -2, 3.5, .infinity, 0, Float.leastNonzeroMagnitude], "borrowed")
      tensor.withUnsafeMutableBufferPointer { $0[0] = 5 }
      XCTAssertEqual(tensor[0, 0], 5)
    }
  }

  /// Pages of a mapped file leave the memory when they are given back, and come again when they are read.
  func testPagesCanBeGivenBack() throws {
    func mappedBytes() throws -> Int {
      let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
      let line = try XCTUnwrap(lines.first { $0.hasPrefix("RssFile:") })
      return try XCTUnwrap(Int(line.split(separator: " ")[1].filter(\.isNumber))) * 1024
    }
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("x.safetensors"), count = 1 << 23
      try writeWeights(WeightArchive([("w", Tensor([count], (0..<count).map(Float.init)))]), to: url)
      let tensor = try XCTUnwrap(readWeights(at: url).tensor("w"))
      let before = try mappedBytes()
      let sum = tensor.sum().scalar
      let touched = try mappedBytes()
      XCTAssertGreaterThan(touched - before, 30 << 20, "read, the file is in memory")
      tensor.giveBackPages()
      XCTAssertLessThan(try mappedBytes() - before, 1 << 20)
      XCTAssertEqual(tensor.sum().scalar, sum)
    }
  }

  /// Headers of any length are allowed, so data may lie anywhere; such floats are copied.
  func testMisalignedDataAreCopied() throws {
    for padding in 0..<8 {
      let json = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"# + String(repeating: " ", count: padding)
      let bytes = [UInt8](UInt64(json.utf8.count)) + Array(json.utf8) + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
      XCTAssertEqual(try readWeights(from: bytes, named: "x").tensor("a")?.scalars, [1, 2], "\(padding) spaces")
    }
  }
}
