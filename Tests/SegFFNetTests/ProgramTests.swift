import SegFFNet
import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// Compiled FFNets against the authors' outputs.
final class ProgramTests: XCTestCase {
  /// max |difference| ≤ 1e-4 × max |reference| with every algorithm, at 1 and 2 threads (equal bits), at every
  /// instruction set.
  func testProgramsAgreeWithTheReference() throws {
    for entry in try Fixtures.archive("reference/ffnet_outputs.safetensors").entries {
      let (name, expected) = (entry.name, entry.array)
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name)), seed: nil)
      ReferenceRule.fill(network)
      let x = ReferenceRule.tensor("input", name.hasPrefix("segmentation") ? [1, 3, 128, 256] : [1, 3, 256, 256])
      let graph = Graph.capture(inputs: [x.shape], parameters: network) { [network($0[0])] }
      for level in InstructionSet.allCases {
        guard level.isSupported else {
          print("skipped: this processor has no \(level)")
          continue
        }
        level.use {
          for algorithm in [nil, .direct, .winograd2, .winograd4] as [ConvolutionAlgorithm?] {
            let title = "\(name) at \(level), \(algorithm.map { "\($0)" } ?? "by shape")"
            let session = Program(graph, forcing: algorithm).makeSession()
            let single = Threads.with(1) { session([x])[0] }
            let error = assertClose(single, expected.tensor, tolerance: 1e-4, title)
            print("\(title): \(error)")
            XCTAssertEqual(bits(Threads.with(2) { session([x])[0] }), bits(single), "\(title): 1 and 2 threads")
          }
        }
      }
    }
  }

  /// Nothing of a segmentation network is left to plain operations but what pads the images of `_pre_down` models.
  func testNothingIsLeftToPlainOperations() throws {
    for name in FFNetCatalogue.names + FFNetCatalogue.ownNames where name.hasPrefix("segmentation") {
      guard name.contains("S_") || name.contains("18") || name.contains("46N") else { continue }
      let network = FFNet(try XCTUnwrap(FFNetConfiguration(name: name)), seed: nil)
      let plain = network.compiled(for: [1, 3, 128, 128]).summary.filter { $0.hasPrefix("operation") }
      XCTAssertEqual(Set(plain), name.contains("pre_down") ? ["operation pad"] : [], name)
    }
  }
}
