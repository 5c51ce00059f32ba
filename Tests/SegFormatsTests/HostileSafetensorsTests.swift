import Foundation
import SegFormats
import XCTest

/// Safetensors that lie are refused, each with its reason.
final class HostileSafetensorsTests: XCTestCase {
  private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    [UInt8](length ?? UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  private func tensor(_ name: String, _ start: Int, _ end: Int, shape: String, type: String = "F32") -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(start),\#(end)]}"#
  }

  func testTheHelpersMakeValidFiles() throws {
    let bytes = file("{" + tensor("b", 8, 16, shape: "[2,1]") + "," + tensor("a", 0, 8, shape: "[2]") + "}  ", data: 16)
    XCTAssertEqual(try readWeights(from: bytes, named: "x").entries.map(\.name), ["b", "a"])
    XCTAssertEqual(try readWeights(from: file("{}"), named: "x").entries.count, 0)
  }

  func testHeaderLength() {
    assertRefused(file("{}", length: 1 << 40), "expected at most 100000000")
    assertRefused(file("{}", length: .max), "not a possible size")
    assertRefused(file("{}", length: 100_000_000), "truncated")
    assertRefused(file("{}", length: 1), "JSON")
  }

  func testOffsets() {
    let one = tensor("a", 0, 8, shape: "[2]")
    assertRefused(file("{\(one)}", data: 9), "expected 8 bytes of data after the header, found 9")
    assertRefused(file("{\(one)}", data: 7), "expected 8 bytes of data")
    assertRefused(file("{\(one),\(tensor("b", 4, 12, shape: "[2]"))}", data: 12), "(overlap)")
    assertRefused(file("{\(one),\(tensor("b", 12, 20, shape: "[2]"))}", data: 20), "(gap)")
    assertRefused(file("{\(tensor("b", 4, 12, shape: "[2]"))}", data: 12), "(gap)")
    assertRefused(file("{\(tensor("b", 8, 0, shape: "[2]"))}", data: 8), "start and an end")
    assertRefused(file("{\(tensor("b", 0, .max, shape: "[2]"))}", data: 8), "bytes of data")
    assertRefused(file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, data: 8), "start and an end")
    assertRefused(file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}}"#, data: 8), "integers")
  }

  func testShapesAndTypes() {
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[3]"))}", data: 8), "takes 12 bytes, found 8")
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[-2]"))}", data: 8), "not negative")
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[2e0]"))}", data: 8), "integers")
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[99999999999999999999]"))}", data: 8), "fit 64 bits")
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[4294967296,4294967296]"))}", data: 8), "too large")
    assertRefused(file("{\(tensor("a", 0, 0, shape: "[0,4611686018427387904,4611686018427387904]"))}"), "too large")
    assertRefused(file("{\(tensor("a", 0, 8, shape: "[2]", type: "F8_E4M3"))}", data: 8), "dtype 'F8_E4M3'")
    let axes = "[" + [String](repeating: "1", count: 65).joined(separator: ",") + "]"
    assertRefused(file("{\(tensor("a", 0, 4, shape: axes))}", data: 4), "at most 64 axes")
    assertRefused(
      file("{\(tensor("a", 0, 8, shape: "[1]", type: "U64"))}") + [UInt8](UInt64.max), "does not fit a 64-bit integer")
  }

  func testFields() {
    assertRefused(file(#"{"a":{"dtype":"F32","shape":[]}}"#), "expected the fields")
    assertRefused(file(#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}"#, data: 4), "unknown field 'x'")
    assertRefused(file(#"{"a":[]}"#), "expected an object")
    assertRefused(file(#"{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}"#, data: 4), "dtype")
    assertRefused(file(#"{"__metadata__":{"a":1}}"#), "to be a string")
    assertRefused(file(#"{"__metadata__":[]}"#), "to be an object")
  }

  func testDuplicates() {
    let one = tensor("a", 0, 4, shape: "[]")
    assertRefused(file("{\(one),\(one)}", data: 4), "two members are named 'a'")
    assertRefused(file(#"{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, data: 4), "'dtype'")
    assertRefused(file(#"{"__metadata__":{"k":"1","\u006b":"2"}}"#), "two members are named 'k'")
  }

  func testJSON() {
    for broken in [
      "{", "{\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{}x", "{,}", "{a:1}", "{'a':1}",
      "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":1e999}", "{\"a\":NaN}",
      "{\"a\":tru}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"\\x\":1}", "{\"\\u12\":1}", "{\"\\ud800\":1}",
      "{\"\\udc00\":1}", "{\"\\ud800\\u0041\":1}", "{\"a\nb\":1}", "{\"a\":\"\t\"}",
    ] {
      assertRefused(file(broken), "of the JSON")
    }
    let deep = String(repeating: "[", count: 100_000)
    assertRefused(file("{\"a\":" + deep), "levels")
    assertRefused([UInt8](UInt64(7)) + Array("{\"".utf8) + [0xFF, 0xC0] + Array("\":1}".utf8).dropLast(), "UTF-8")
    // An overlong slash, a surrogate, and a scalar beyond the last plane.
    for bad: [UInt8] in [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] {
      let header = Array("{\"".utf8) + bad + Array("\":1}".utf8)
      assertRefused([UInt8](UInt64(header.count)) + header, "UTF-8")
    }
  }

  func testNamesInErrorsStayOnOneLine() {
    assertRefused(file(#"{"a\nb\u0007":1}"#), #"'a\u{a}b\u{7}'"#)
    let long = String(repeating: "n", count: 100_000)
    XCTAssertThrowsError(try readWeights(from: file("{\"\(long)\":1}"), named: "x")) {
      XCTAssertLessThan("\($0)".count, 500)
    }
  }
}
