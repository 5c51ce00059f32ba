import Foundation
import SegKernels
import SegParserTargets
import SegTestSupport
import XCTest

/// Whatever bytes a parser is given, it reads them or says in one line what is wrong with them; `ParserTarget` stops the
/// program otherwise. The corpora are those of `scripts/fuzz`.
final class CorpusTests: XCTestCase {
  private func corpus(_ target: ParserTarget) throws -> [[UInt8]] {
    let folder = Fixtures.root.appendingPathComponent("Fuzz/Corpora/\(target.rawValue)")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    return try files.sorted { $0.path < $1.path }.map { [UInt8](try Data(contentsOf: $0)) }
  }

  /// All that fuzzing kept.
  func testCorpora() throws {
    for target in ParserTarget.allCases {
      let inputs = try corpus(target)
      XCTAssertGreaterThan(inputs.count, 20, target.rawValue)
      // A target that refuses everything, or nothing, tests nothing.
      let readable = inputs.count { target.read($0) }
      XCTAssertGreaterThan(readable, 0, target.rawValue)
      XCTAssertLessThan(readable, inputs.count, target.rawValue)
    }
  }

  /// Two thousand damaged inputs a format, drawn from a seed: bytes replaced, cut out, repeated, joined with another input.
  func testSeededMutations() throws {
    for target in ParserTarget.allCases {
      let inputs = try corpus(target)
      var random = RandomSource(seed: 5, name: target.rawValue)
      for _ in 0..<2000 {
        var bytes = inputs.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let places = [bytes.count, bytes.count].map { Int.random(in: 0...$0, using: &random) }.sorted()
          let part = places[0]..<min(places[1], places[0] + 64)
          switch Int.random(in: 0..<6, using: &random) {
          case 0: bytes.removeSubrange(part)
          case 1: bytes.insert(contentsOf: bytes[part], at: places[1])
          case 2: bytes.removeSubrange(places[1]...)
          case 3: bytes[places[0]...] = inputs.randomElement(using: &random)!.suffix(64)[...]
          default:
            guard places[0] < bytes.count else { continue }
            bytes[places[0]] = UInt8.random(in: 0...255, using: &random)
          }
        }
        target.read(bytes)
      }
    }
  }
}
