import Foundation
import SegFiles
import SegFormats
import SegKernels
import XCTest

/// Damaged files either read or throw; they never stop the program.
final class DamageTests: XCTestCase {
  /// Zip archives lose their checksums, so that damage gets past them to the parsers inside.
  private func fixture(_ name: String) throws -> [UInt8] {
    var bytes = [UInt8](try Data(contentsOf: fixtures.appendingPathComponent(name)))
    guard name.hasSuffix("pth") || name.hasSuffix("npz") else { return bytes }
    for entry in bytes.positions(of: 0x0201_4B50) {
      bytes.replaceSubrange((entry + 16)..<(entry + 20), with: [0, 0, 0, 0])
    }
    return bytes
  }

  /// Reads every element, so that a tensor over bytes that are not there would be noticed.
  @discardableResult
  private func sum(_ archive: WeightArchive) -> Double {
    var sum = 0.0
    for entry in archive.entries {
      switch entry.array {
      case .float(let tensor): tensor.withUnsafeBufferPointer { for value in $0 { sum += Double(value) } }
      case .integer(let array): for value in array.values { sum += Double(value) }
      }
    }
    return sum
  }

  func testEveryTruncationThrows() throws {
    let small = try ExpectedArchive.all().keys.filter { try fixture($0).count < 3500 }
    XCTAssertGreaterThan(small.count, 30)
    for name in small {
      let bytes = try fixture(name)
      XCTAssertNoThrow(try readWeights(from: bytes, named: name))
      for length in 0..<bytes.count {
        do {
          _ = try readWeights(from: Array(bytes[..<length]), named: name)
          XCTFail("\(name) was read although cut to \(length) of \(bytes.count) bytes")
        } catch {
          XCTAssertFalse(error.problem.contains("\n"), "\(error)")
        }
      }
    }
  }

  func testChangedBytes() throws {
    var random = RandomSource(seed: 11)
    for name in [
      "types.safetensors", "everything_p2.pth", "everything_p4.pth", "everything_legacy.pth", "wrapped.pth", "list.pth",
      "fortran_big.npy", "stored.npz", "deflated.npz",
    ] {
      let bytes = try fixture(name)
      var (read, refused) = (0, 0)
      for _ in 0..<3000 {
        var damaged = bytes
        let position = Int.random(in: damaged.indices, using: &random)
        // Half of the changes to a byte that parsers look at, half to any.
        let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, damaged[position] &+ 1, damaged[position] ^ 0x80]
        damaged[position] = Bool.random(using: &random) ? interesting.randomElement(using: &random)! : random.byte()
        do {
          sum(try readWeights(from: damaged, named: name))
          read += 1
        } catch {
          refused += 1
        }
      }
      XCTAssertGreaterThan(read, 0, name)
      XCTAssertGreaterThan(refused, 0, name)
    }
  }
}

extension RandomSource {
  fileprivate mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
