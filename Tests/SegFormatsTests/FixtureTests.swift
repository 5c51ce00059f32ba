import Foundation
import SegFormats
import SegKernels
import XCTest

/// Files written by torch, numpy and safetensors give the arrays that those had in memory.
final class FixtureTests: XCTestCase {
  func testFilesOfTheFormatsOwnLibraries() throws {
    for (file, expected) in try ExpectedArchive.all().sorted(by: { $0.key < $1.key }) {
      let archive = try readWeights(at: fixtures.appendingPathComponent(file))
      XCTAssertEqual(archive.metadata, expected.metadata, file)
      XCTAssertEqual(archive.wrapper, expected.wrapper, file)
      XCTAssertEqual(archive.leftOut, expected.leftOut, file)
      if archive.format != .safetensors {
        XCTAssertEqual(archive.entries.map(\.name), expected.arrays.map(\.name), file)
      }
      XCTAssertEqual(Set(archive.entries.map(\.name)), Set(expected.arrays.map(\.name)), file)
      for array in expected.arrays {
        let what = "\(file): \(array.name)"
        switch archive[array.name] {
        case .float(let tensor):
          XCTAssertEqual(array.kind, "float", what)
          XCTAssertEqual(tensor.shape.dimensions, array.shape, what)
          assertSame(tensor.scalars, array.values.map(\.float), what)
        case .integer(let integers):
          XCTAssertEqual(array.kind, "integer", what)
          XCTAssertEqual(integers.shape.dimensions, array.shape, what)
          let values = array.values.map { if case .integer(let value) = $0 { value } else { Int64.min } }
          XCTAssertEqual(integers.values, values, what)
        case nil: XCTFail("\(what) is missing")
        }
      }
    }
  }

  func testTheFormatIsRecognisedByContent() throws {
    let formats: [String: WeightFormat] = [
      "types.safetensors": .safetensors, "bare.pth": .torchZip, "everything_legacy.pth": .torchStream,
      "fortran.npy": .npy, "deflated.npz": .npz,
    ]
    try withTemporaryFolder { folder in
      for (file, format) in formats {
        let disguised = folder.appendingPathComponent("weights.png")
        try FileManager.default.copyItem(at: fixtures.appendingPathComponent(file), to: disguised)
        XCTAssertEqual(try readWeights(at: disguised).format, format, file)
        try FileManager.default.removeItem(at: disguised)
      }
    }
  }

  func testPathsThatHoldNoWeights() throws {
    let folder = fixtures
    assertFails(named: "nowhere.pth", "No such file") {
      _ = try readWeights(at: folder.appendingPathComponent("nowhere.pth"))
    }
    assertFails(named: "formats", "found a directory") { _ = try readWeights(at: folder) }
    assertFails(named: "/dev/null", "regular file") { _ = try readWeights(at: URL(fileURLWithPath: "/dev/null")) }
    assertFails(named: "make_formats.py", "expected safetensors") {
      _ = try readWeights(at: folder.appendingPathComponent("make_formats.py"))
    }
    assertRefused([], "an empty file")
    assertRefused([1, 2, 3], "bytes 1 2 3")
    guard geteuid() != 0 else { return }
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("secret.npy")
      try Data([1]).write(to: url)
      chmod(url.path, 0)
      assertFails(named: "secret.npy", "Permission denied") { _ = try readWeights(at: url) }
    }
  }
}

/// Published networks in the legacy stream; the values stand in the README of the folder they lie in.
final class PublishedModelTests: XCTestCase {
  private func model(_ name: String) throws -> WeightArchive {
    let research = ProcessInfo.processInfo.environment["SEGKERNELS_RESEARCH_DATA"].map { URL(fileURLWithPath: $0) }
    let folder = (research ?? packageRoot.deletingLastPathComponent().appendingPathComponent("shared/data"))
      .appendingPathComponent("models")
    guard FileManager.default.fileExists(atPath: folder.path) else {
      throw XCTSkip("no research data at \(folder.path)")
    }
    let archive = try readWeights(at: folder.appendingPathComponent(name))
    XCTAssertEqual(archive.format, .torchStream)
    return archive
  }

  private func assertTensor(
    _ entry: WeightArchive.Entry?, _ name: String, _ shape: Shape, _ first: Double, _ last: Double, sum: Double,
    line: UInt = #line
  ) throws {
    guard case .float(let tensor)? = entry?.array else { return XCTFail("\(name) is missing", line: line) }
    let scalars = tensor.scalars
    XCTAssertEqual(entry?.name, name, line: line)
    XCTAssertEqual(tensor.shape, shape, line: line)
    XCTAssertEqual(Double(try XCTUnwrap(scalars.first)), first, accuracy: 1e-12, line: line)
    XCTAssertEqual(Double(try XCTUnwrap(scalars.last)), last, accuracy: 1e-12, line: line)
    XCTAssertEqual(scalars.reduce(0) { $0 + Double($1) }, sum, accuracy: 1e-11, line: line)
  }

  private func sums(_ archive: WeightArchive) -> (count: Int, sum: Double, absolute: Double) {
    var result = (count: 0, sum: 0.0, absolute: 0.0)
    for entry in archive.entries {
      guard let scalars = archive.tensor(entry.name)?.scalars else { continue }
      result.count += scalars.count
      for scalar in scalars {
        result.sum += Double(scalar)
        result.absolute += Double(scalar.magnitude)
      }
    }
    return result
  }

  func testESPNet() throws {
    let archive = try model("espnet_p_2_q_8_camvid.pth")
    XCTAssertEqual(archive.entries.count, 189)
    try assertTensor(
      archive.entries.first, "encoder.level1.conv.weight", [16, 3, 3, 3], -0.048565275967, 0.019795175642,
      sum: -1.319064823590)
    try assertTensor(
      archive.entries.last, "classifier.weight", [12, 12, 2, 2], 0.092220515013, -0.083156630397, sum: 0.896588524221)
    let all = sums(archive)
    XCTAssertEqual(all.count, 358_193)
    XCTAssertEqual(all.sum, 237.308341654, accuracy: 1e-8)
    XCTAssertEqual(all.absolute, 4859.855062522, accuracy: 1e-8)
  }

  func testESPNetV2() throws {
    let archive = try model("espnetv2_s_0.5_city_1024x512.pth")
    XCTAssertEqual(archive.entries.count, 526)
    XCTAssertEqual(sums(archive).count, 87_664)
    let integers = archive.entries.compactMap { archive.integers($0.name) }
    XCTAssertEqual(integers.count, 67)
    XCTAssert(integers.allSatisfy { $0.shape == [] })
    try assertTensor(
      archive.entries.first, "base_net.level1.conv.weight", [16, 3, 3, 3], -0.073472075164, 0.038347359747,
      sum: -2.508819779498)
    XCTAssertEqual(archive.entries[524].name, "bu_br_l4.0.num_batches_tracked")
    XCTAssertEqual(archive.integers("bu_br_l4.0.num_batches_tracked")?.values, [44041])
    try assertTensor(
      archive.entries.last, "bu_br_l4.1.weight", [32], -0.189829543233, -0.469422280788, sum: 7.639214165509)
  }

  func testResNet20() throws {
    let archive = try model("resnet20-12fca82f.th")
    XCTAssertEqual(archive.entries.count, 97)
    XCTAssertEqual(archive.wrapper, "state_dict")
    XCTAssertEqual(archive.metadata, ["best_prec1": "91.78000183105469"])
    try assertTensor(
      archive.entries.first, "module.conv1.weight", [16, 3, 3, 3], -0.138181462884, 0.308710187674,
      sum: 1.310098200003)
    try assertTensor(
      archive.entries.last, "module.linear.bias", [10], 0.193559065461, -0.270259410143, sum: 3.4442171e-05)
    let all = sums(archive)
    XCTAssertEqual(all.count, 271_098)
    XCTAssertEqual(all.sum, 139.782649560, accuracy: 1e-8)
    XCTAssertEqual(all.absolute, 21349.562590951, accuracy: 1e-8)
  }
}
