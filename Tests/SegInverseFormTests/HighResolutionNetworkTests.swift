import SegFormats
import SegInverseForm
import SegKernels
import SegTestSupport
import XCTest

/// The released networks against the authors' definitions: keys, shapes and outputs.
final class HighResolutionNetworkTests: XCTestCase {
  private struct Published: Decodable {
    let parameters: Int
    let state: [String: [Int]]
  }

  /// The families' rule: the norms of the fusion paths are a quarter of the general rule's.
  private func network(_ kind: HighResolutionNetwork.Kind) -> HighResolutionNetwork {
    let network = HighResolutionNetwork(kind, seed: nil)
    ReferenceRule.fill(network)
    for (name, parameter) in network.state
    where name.contains(".fuse_layers.") && name.hasSuffix(".weight") && parameter.shape.rank <= 1 {
      parameter.value = parameter.value * 0.25
    }
    return network
  }

  func testKeysAndShapes() throws {
    let data = try Data(contentsOf: Fixtures.url("reference/inverseform_states.json"))
    var all = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    all["released_names"] = nil
    let published = try JSONDecoder().decode(
      [String: Published].self, from: JSONSerialization.data(withJSONObject: all))
    for kind in HighResolutionNetwork.Kind.allCases {
      let network = HighResolutionNetwork(kind, seed: nil), facts = try XCTUnwrap(published[kind.rawValue])
      let state = Dictionary(uniqueKeysWithValues: network.state.map { ($0.name, $0.parameter.shape.dimensions) })
      XCTAssertEqual(Set(state.keys).symmetricDifference(facts.state.keys).sorted().prefix(5), [], kind.rawValue)
      XCTAssertEqual(state, facts.state, kind.rawValue)
      XCTAssertEqual(network.parameterCount, facts.parameters, kind.rawValue)
    }
  }

  func testOutputsAgreeWithTheReference() throws {
    let sizes: [(HighResolutionNetwork.Kind, Pair)] = [
      (.hrnet18, [64, 128]), (.hrnet16slim, [96, 128]), (.ocrnet48, [64, 96]),
    ]
    for (kind, size) in sizes {
      let expected = try Fixtures.archive("reference/inverseform_\(kind.rawValue).safetensors").tensors
      let network = network(kind), x = ReferenceRule.tensor("input", [1, 3, size.height, size.width])
      func compare(_ found: Tensor, _ name: String) throws {
        let error = assertClose(found, try XCTUnwrap(expected[name]), tolerance: 1e-4, "\(kind.rawValue) \(name)")
        print("\(kind.rawValue) \(name): \(error)")
      }
      try compare(resize(network(x), to: size), "pred")
      let passes = network.supervised(x)
      try compare(resize(passes[0].logits, to: size), "pred")
      try compare(resize(passes[0].boundary, to: size), "edge_pred")
      try compare(passes[1].logits, "aux_low")
      try compare(passes[1].boundary, "edge_aux_logit_low")
    }
  }

  func testHierarchicalAttentionAgreesWithTheReference() throws {
    let expected = try Fixtures.archive("reference/inverseform_hmsocrnet48.safetensors").tensors
    let network = network(.hmsocrnet48), x = ReferenceRule.tensor("input", [1, 3, 48, 80])
    func compare(_ found: Tensor, _ name: String) throws {
      let error = assertClose(found, try XCTUnwrap(expected[name]), tolerance: 1e-4, name)
      print("hmsocrnet48 \(name): \(error)")
    }
    for (scales, name) in [([1], "single_pred"), ([0.5, 1, 2], "3scale_pred"), ([0.25, 0.5, 1, 2], "4scale_pred")]
      as [([Float], String)]
    {
      network.scales = scales
      try compare(network(x), name)
    }
    try compare(try XCTUnwrap(network.attentionLogits(x)), "attn_logit_low")
    for (scale, name) in [(0.25, "attn_0.25x"), (0.5, "attn_0.5x"), (1, "attn_1.0x")] as [(Float, String)] {
      let size = Pair(height: Int(48 * scale), width: Int(80 * scale))
      let logits = try XCTUnwrap(network.attentionLogits(scale == 1 ? x : resize(x, to: size)))
      try compare(resize(sigmoid(logits), to: size), name)
    }
    let boundary = network.supervised(x)[0].boundary
    try compare(boundary, "edge_logit_low")
    try compare(resize(sigmoid(boundary), to: [48, 80]), "edge_pred")
  }

  /// Boundary and auxiliary heads cost nothing at inference: the graph has neither their parameters nor their nodes.
  func testBoundaryHeadsAreAbsentFromTheInferenceGraph() {
    for kind in HighResolutionNetwork.Kind.allCases {
      let network = HighResolutionNetwork(kind, seed: nil)
      let graph = Graph.capture(inputs: [[1, 3, 128, 128]], parameters: network) { [network($0[0])] }
      let names = graph.values.map(\.name)
      XCTAssertTrue(names.contains { $0.hasPrefix("backbone.stage4.0.") }, kind.rawValue)
      XCTAssertFalse(names.contains { $0.hasPrefix("edge") }, kind.rawValue)
      if kind == .hrnet18 { XCTAssertFalse(names.contains { $0.hasPrefix("aux_head") }) }
    }
  }

  /// A compiled program computes what the module does.
  func testProgramsAgree() {
    for kind in [HighResolutionNetwork.Kind.hrnet18, .hrnet16slim, .hmsocrnet48] {
      let network = network(kind), x = ReferenceRule.tensor("input", [1, 3, 64, 96])
      assertClose(network.compiled(for: x.shape).makeSession()([x])[0], network(x), tolerance: 1e-4, kind.rawValue)
    }
  }
}
