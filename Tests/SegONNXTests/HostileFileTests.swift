import Foundation
import SegFiles
import SegKernels
import SegONNX
import SegTestSupport
import XCTest

/// Files that lie, or are damaged: an error of one line, no crash, no memory beyond the file's own.
final class HostileFileTests: XCTestCase {
  private var temporary = URL(fileURLWithPath: "/")

  override func setUpWithError() throws { temporary = try Fixtures.temporaryFolder(self) }

  /// A protobuf field of bytes; the lengths here are below 2 million.
  private func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(bytes.count) + bytes
  }
  private func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
  private func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }

  private func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value)), bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private func node(_ kind: String, _ inputs: [String], _ output: String) -> [UInt8] {
    field(1, inputs.flatMap { field(1, $0) } + field(2, output) + field(4, kind))
  }

  private func integers(_ name: String, _ values: [Int]) -> [UInt8] {
    field(5, field(1, values.count) + field(2, 7) + values.flatMap { field(7, $0) } + field(8, name))
  }

  private func info(_ number: Int, _ name: String, _ shape: [Int]) -> [UInt8] {
    let extents = shape.flatMap { field(1, field(1, $0)) }
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, extents))))
  }

  private func model(_ body: [UInt8], shape: [Int] = [1, 3, 8, 8]) -> [UInt8] {
    field(1, 8) + field(7, body + info(11, "x", shape) + info(12, "y", [])) + field(8, field(2, 17))
  }

  /// The error that reading a file and asking for its shape ends in.
  private func problem(_ bytes: [UInt8], line: UInt = #line) throws -> String {
    let file = temporary.appendingPathComponent("hostile.onnx")
    try Data(bytes).write(to: file)
    var text = ""
    XCTAssertThrowsError(
      try ONNXNetwork(contentsOf: file).outputShape(for: [1, 3, 8, 8]), line: line
    ) { error in
      XCTAssert(error is FileError, "\(error)", line: line)
      text = "\(error)"
    }
    XCTAssertFalse(text.contains("\n"), line: line)
    return text
  }

  private func expect(_ bytes: [UInt8], _ part: String, line: UInt = #line) throws {
    let text = try problem(bytes, line: line)
    XCTAssert(text.contains(part), text, line: line)
  }

  func testEveryCutOfAFileIsRefusedOrRead() throws {
    let whole = [UInt8](try Data(contentsOf: Fixtures.url("onnx/conv.onnx")))
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("cut.onnx")
    for count in 0..<whole.count {
      try Data(whole[..<count]).write(to: file)
      do {
        _ = try ONNXNetwork(contentsOf: file).outputShape(for: [1, 4, 6, 8])
      } catch { XCTAssert(error is FileError, "\(count) bytes: \(error)") }
    }
    try expect(Array(whole[..<(whole.count / 2)]), "truncated")
  }

  func testDamagedBytesDoNotCrash() throws {
    var random = RandomSource(seed: 8)
    for name in [
      "conv", "slice", "pad", "shape_arithmetic", "resize_half_pixel", "conv_transpose", "gemm", "split", "gather_nd",
      "tile", "resize_cubic_half_pixel", "expand_where", "floor_of_size", "grid_sample_zeros", "where_greater",
      "group_norm",
      "external/model",
    ] {
      let whole = [UInt8](try Data(contentsOf: Fixtures.url("onnx/\(name).onnx")))
      let file = try Fixtures.temporaryFolder(self).appendingPathComponent("damaged.onnx")
      for _ in 0..<120 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        try Data(bytes).write(to: file)
        do {
          _ = try ONNXNetwork(contentsOf: file).outputShape(for: [1, 4, 6, 8])
        } catch { XCTAssert(error is FileError, "\(error)") }
      }
    }
  }

  func testNoModel() throws {
    try expect([], "expected a graph, found none")
    try expect(Array(0...255), "no ONNX")
    try expect(field(7, []), "expected opset 9 to 25, found 0")
  }

  func testCircleAndMissingValue() throws {
    try expect(model(node("Relu", ["b"], "a") + node("Relu", ["a"], "b")), "nothing before it makes")
    try expect(model(node("Relu", ["x"], "z")), "output 'y' is made by no node")
  }

  func testUnknownOperatorIsNamedWithItsNode() throws {
    try expect(model(node("Frobnicate", ["x"], "y")), "Frobnicate that makes 'y'")
  }

  func testHugeExtents() throws {
    let tensor = field(1, 1 << 40) + field(1, 1 << 40) + field(2, 1) + field(8, "w") + field(9, [0, 0, 0, 0])
    try expect(model(field(5, tensor) + node("Add", ["x", "w"], "y")), "too large")
    let negative = field(1, -4) + field(2, 1) + field(8, "w")
    try expect(model(field(5, negative) + node("Add", ["x", "w"], "y")), "no shape")
    try expect(model(integers("s", [1, 3, 60000, 60000]) + node("Expand", ["x", "s"], "y")), "does not expand")
    let pads = integers("p", Array(repeating: 60000, count: 8))
    try expect(model(pads + node("Pad", ["x", "p"], "y")), "too large")
  }

  func testConstantsThatGrowAreRefusedBeforeTheyAreMade() throws {
    var body = integers("s", [1, 1, 4096, 4096]) + node("ConstantOfShape", ["s"], "c0")
    for step in 0..<20 { body += node("Concat", ["c\(step)", "c\(step)"], "c\(step + 1)") }
    try expect(model(body + node("Add", ["x", "c20"], "y")), "weights alone make more than")
  }

  private func tensorElsewhere(_ place: [(String, String)], extent: Int = 3) -> [UInt8] {
    let entries = place.flatMap { field(13, field(1, $0.0) + field(2, $0.1)) }
    let tensor = field(1, extent) + field(2, 1) + field(8, "w") + entries + field(14, 1)
    return model(field(5, tensor) + node("Add", ["x", "w"], "y"))
  }

  func testWeightsOutsideTheFolderAreNotRead() throws {
    for location in ["/etc/passwd", "../weights", "a/../../weights", "", "a//b", "weights/.."] {
      try expect(tensorElsewhere([("location", location)]), "within the model's folder")
    }
    let link = temporary.appendingPathComponent("link")
    try? FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "/etc/passwd")
    try expect(tensorElsewhere([("location", "link"), ("length", "12")]), "found a link to another")
    try expect(tensorElsewhere([("location", "missing")]), "cannot be read")
  }

  func testWeightsInAnotherFileAreAsLongAsTheySay() throws {
    try Data(count: 16).write(to: temporary.appendingPathComponent("weights"))
    let place = [("location", "weights")]
    try expect(tensorElsewhere(place + [("offset", "8")]), "expected 12 bytes, found 12 at 8 of 16")
    try expect(tensorElsewhere(place + [("offset", "-8")]), "expected 12 bytes")
    try expect(tensorElsewhere(place + [("length", "16")]), "expected 12 bytes, found 16 at 0 of 16")
    try expect(tensorElsewhere(place + [("offset", "99999999999999999999")]), "expected 12 bytes")
    // No memory is asked for before the file is known to be as long.
    try expect(tensorElsewhere(place, extent: 1 << 29), "expected \(4 << 29) bytes")
  }

  func testFoldersAndDevicesAreNoWeights() throws {
    try FileManager.default.createDirectory(
      at: temporary.appendingPathComponent("folder"), withIntermediateDirectories: true)
    try expect(tensorElsewhere([("location", "folder")]), "cannot be read")
  }

  func testWholeNumbersThatGrowAreRefusedBeforeTheyAreMade() throws {
    var body = integers("s", [1 << 12, 1 << 9]) + integers("c0", [1, 2])
    for step in 0..<40 {
      body += node("Concat", ["c\(step)", "c\(step)"], "c\(step + 1)")
    }
    try expect(model(body + node("Reshape", ["x", "c40"], "y")), "whole numbers")
    let expanded = integers("s", [1 << 12, 1 << 12, 3]) + node("Expand", ["s", "s"], "z")
    try expect(model(expanded + node("Reshape", ["x", "z"], "y")), "too large")
    let repeated =
      integers("s", [1, 2, 3]) + integers("r", [1 << 16]) + node("Tile", ["s", "r"], "t")
      + node("Tile", ["t", "r"], "u")
    try expect(model(repeated + node("Reshape", ["x", "u"], "y")), "too large")
    let range = integers("a", [0]) + integers("b", [1 << 39]) + integers("c", [1])
    try expect(model(range + node("Range", ["a", "b", "c"], "z") + node("Reshape", ["x", "z"], "y")), "a range from")
    let endless = integers("a", [0]) + integers("b", [.min]) + integers("c", [-1])
    try expect(
      model(endless + node("Range", ["a", "b", "c"], "z") + node("Reshape", ["x", "z"], "y")), "a range from")
  }

  func testIndicesAndTilesOutsideTheTensor() throws {
    try expect(model(integers("i", [0, 9]) + node("Gather", ["x", "i"], "y")), "index 9 is outside 1")
    try expect(model(integers("r", [1, 1, 1 << 15, 1 << 15]) + node("Tile", ["x", "r"], "y")), "too large")
    try expect(model(integers("r", [1, -1, 1, 1]) + node("Tile", ["x", "r"], "y")), "numbers of copies")
    try expect(model(integers("s", [1, 3, 1 << 40, 8]) + node("Resize", ["x", "", "", "s"], "y")), "cannot resize")
  }

  func testAnArgMaxInACircleEnds() throws {
    try expect(model(node("Cast", ["y"], "z") + node("Cast", ["z"], "y")), "nothing before it makes")
  }

  func testWrongTypes() throws {
    let text = field(1, 1) + field(2, 8) + field(8, "w")
    try expect(model(field(5, text) + node("Add", ["x", "w"], "y")), "element type 8")
    let short = field(1, 3) + field(2, 1) + field(8, "w") + field(9, [0, 0, 0, 0])
    try expect(model(field(5, short) + node("Add", ["x", "w"], "y")), "4 bytes, expected 12")
    try expect(model(node("Relu", ["x"], "y"), shape: [3, 8]), "expected one input N×C×H×W")
  }

  func testDeepNestingIsNotFollowed() throws {
    // Graphs within attributes within graphs, as If and Loop have them.
    var inner = node("Relu", ["x"], "y")
    for _ in 0..<2000 { inner = field(1, field(4, "If") + field(5, field(1, "then_branch") + field(6, inner))) }
    try expect(model(inner), "a If that makes ''")
  }
}
