import SegData
import SegFFNet
import SegHS3
import SegIFA
import SegImages
import SegInverseForm
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// The loss with heads of clusters, and what is left of the heads.
final class HS3TaskTests: XCTestCase {
  private let classes = 5
  private var batch: Batch {
    var random = RandomSource(seed: 1)
    return Batch(
      images: .normal([2, 3, 64, 64], using: &random),
      labels: Labels([2, 64, 64], (0..<8192).map { $0 % 64 == 0 ? 255 : Int32($0 / 9 % 5) }), names: ["a", "b"])
  }

  private func ffnet() -> FFNet {
    FFNet(FFNetConfiguration(name: "ffnet22S_half_BCC", classes: classes)!, seed: 1)
  }

  private func task(
    _ clusters: [[Int]], network: FFNet? = nil, settings: Recipe.Supervision = .init()
  ) throws -> (task: HS3Task, network: StageSupervision) {
    let clusters = clusters.map { ClassClusters($0) }
    let network = try StageSupervision(network ?? ffnet(), clusters: { _ in clusters.map(\.count) }, seed: 2)
    network.setTraining(true)
    return (
      HS3Task(network, clusters: clusters, ignoreIndex: 255, loss: SegmentationLoss(), settings: settings), network
    )
  }

  /// Loss and all gradients, as bits.
  private func bitsOfStep(_ network: StageSupervision, _ loss: (Batch) -> Tensor) -> [[UInt32]] {
    let batch = batch, (value, gradients) = valueAndGradient(of: network) { _ in loss(batch) }
    return [bits(value)] + network.parameters.compactMap { gradients[$0].map { bits($0) } }
  }

  func testPermutingClusterIdsChangesNothing() throws {
    func step(_ numbers: [Int]) throws -> [[UInt32]] {
      let (task, network) = try task([numbers, numbers, numbers])
      return bitsOfStep(network) { task.loss($0, progress: 0) }
    }
    let first = try step([0, 0, 1, 2, 1])
    XCTAssertGreaterThan(first.count, 50)
    XCTAssertEqual(try step([2, 2, 0, 1, 0]), first)
    XCTAssertEqual(try step([9, 9, -1, 4, -1]), first)
    XCTAssertNotEqual(try step([0, 1, 1, 2, 0]), first)
  }

  /// k = N: the loss written down by hand, and its gradients, to the bit.
  func testAllClassesIsVanillaDeepSupervision() throws {
    let separate = Array(0..<classes), batch = batch
    let (task, network) = try task([separate, separate, separate])
    let found = bitsOfStep(network) { task.loss($0, progress: 0) }
    let (_, other) = try self.task([separate, separate, separate])
    let byHand = bitsOfStep(other) { _ in
      let (logits, stages) = other.supervised(batch.images)
      let labels = batch.labels.sampled(height: 16, width: 16)
      let main = crossEntropy(resize(logits, to: 64), batch.labels, ignoreIndex: 255)
      return stages.reduce(main) { $0 + crossEntropy(resize($1, to: 16), labels, ignoreIndex: 255) * 0.4 }
    }
    XCTAssertEqual(found, byHand)
  }

  func testOneClusterGivesZeroLoss() throws {
    let one = [Int](repeating: 0, count: classes)
    let (task, network) = try task([one, one, one]), batch = batch
    let (logits, heads) = network.supervised(batch.images)
    XCTAssertEqual(task.stageLosses(heads, batch.labels).map(\.scalar), [0, 0, 0])
    let main = crossEntropy(resize(logits, to: 64), batch.labels, ignoreIndex: 255).scalar
    XCTAssertEqual(task.loss(batch, progress: 0).scalar, main)
  }

  /// λ log N / log k: heads that know nothing have the same loss whatever they are asked.
  func testBalancedWeights() {
    var settings = Recipe.Supervision()
    for clusters in [2, 5, 19] {
      let start = settings.weight(clusters: clusters, classes: 19) * Float(ComplexityAxis.logarithm(clusters, of: 19))
      XCTAssertEqual(start, 0.4, accuracy: 1e-6)
    }
    XCTAssertEqual(settings.weight(clusters: 19, classes: 19), 0.4)
    XCTAssertEqual(settings.weight(clusters: 1, classes: 19), 0.4)
    settings.isBalanced = false
    XCTAssertEqual(settings.weight(clusters: 2, classes: 19), 0.4)
  }

  /// Nothing of the heads is in the captured network: its operations, parameters and, after a step, its bits are those
  /// of a network that never had any.
  func testHeadsVanish() throws {
    let plain = ffnet(), own = ffnet()
    let (task, network) = try task([[0, 0, 1, 1, 2], [0, 1, 2, 2, 2], [0, 1, 2, 3, 4]], network: own)
    let batch = batch
    let (_, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0) }
    SGD(learningRate: 0.1, momentum: 0, weightDecay: 0).update(network, with: gradients)
    network.setTraining(false)
    let deployed = try XCTUnwrap(task.deployedNetwork as? FFNet)
    XCTAssertEqual(deployed.parameterCount, plain.parameterCount)
    XCTAssertEqual(deployed.state.map(\.name), plain.state.map(\.name))
    XCTAssertGreaterThan(network.parameterCount, plain.parameterCount)
    try plain.load(Dictionary(uniqueKeysWithValues: deployed.state.map { ($0.name, $0.parameter.value) }))
    func graph(_ net: any UnaryModule) -> Graph { Graph.capture(inputs: [[1, 3, 64, 64]]) { [net($0[0])] } }
    XCTAssertEqual(graph(deployed).nodes.map(\.operation.name), graph(plain).nodes.map(\.operation.name))
    XCTAssertEqual(graph(deployed).floatingPointOperations, graph(plain).floatingPointOperations)
    let x = batch.images.slice(axis: 0, 0..<1)
    XCTAssertEqual(bits(deployed(x)), bits(plain(x)))
    XCTAssertEqual(
      bits(deployed.compiled(for: x.shape).makeSession()([x])[0]),
      bits(plain.compiled(for: x.shape).makeSession()([x])[0]))
  }

  /// Heads on every stage of FFNets, ResNets and HRNets: the network's own logits as without them, and every weight
  /// learns.
  func testHeadsOnAnyEncoder() throws {
    let networks: [(String, any StagedSegmenter)] = [
      ("FFNet", ffnet()),
      ("three-stage FFNet", FFNet(FFNetConfiguration(name: "ffnet46NS_CCC", classes: classes)!, seed: 1)),
      ("ResNet", IFANetwork(IFAConfiguration(name: "ifa_resnet18", classes: classes)!, seed: 1)),
      ("HRNet", HighResolutionNetwork(.hrnet18, classes: classes, seed: 1)),
    ]
    let batch = batch
    for (name, network) in networks {
      let x = batch.images.slice(axis: 0, 0..<1)
      XCTAssertEqual(bits(network.staged(x).logits()), bits(network(x)), name)
      XCTAssertEqual(network.staged(x).maps.map { $0.shape[1] }, network.stages.map(\.channels), name)
      XCTAssertGreaterThanOrEqual(network.stages.filter(\.isUsual).count, 2, name)
      let supervised = try StageSupervision(
        network, stages: network.stages.map(\.name), clusters: { [Int](repeating: 2, count: $0) }, seed: 3)
      supervised.setTraining(true)
      let task = HS3Task(
        supervised, clusters: network.stages.map { _ in ClassClusters([0, 1, 0, 1, 0]) }, ignoreIndex: 255,
        loss: SegmentationLoss())
      let (loss, gradients) = valueAndGradient(of: supervised) { _ in task.loss(batch, progress: 0) }
      XCTAssertTrue(loss.scalar.isFinite, name)
      for (key, parameter) in supervised.state where parameter.isTrainable && key.hasPrefix("stage_heads.") {
        XCTAssertNotNil(gradients[parameter], "\(name) \(key)")
      }
    }
    XCTAssertThrowsError(try ffnet().places(of: ["f8", "f9"])) { XCTAssertTrue("\($0)".contains("'f9'"), "\($0)") }
    XCTAssertEqual(try ffnet().places(of: []).map { ffnet().stages[$0].name }, ["f8", "f16", "t8"])
  }

  /// HS3-Fuse: logits like the network's own, every weight learns, compiled as captured; the names of variants.
  func testFuse() throws {
    let bases: [any StagedSegmenter & FeatureSegmenter] = [
      ffnet(), HighResolutionNetwork(.hrnet18, classes: classes, seed: 1),
    ]
    let batch = batch
    for base in bases {
      let counts = base.stages.filter(\.isUsual).indices.map { 2 + $0 }
      let fuse = try HS3Fuse(base, clusters: { _ in counts }, seed: 2)
      fuse.setTraining(true)
      let clusters = counts.map { count in ClassClusters((0..<classes).map { min($0, count - 1) }) }
      let task = HS3Task(fuse, clusters: clusters, ignoreIndex: 255, loss: SegmentationLoss())
      let (_, gradients) = valueAndGradient(of: fuse) { _ in task.loss(batch, progress: 0) }
      // The HRNet's heads for other losses learn nothing here.
      let isOther = { (key: String) in key.hasPrefix("aux_head.") || key.hasPrefix("edge") }
      for (key, parameter) in fuse.state where parameter.isTrainable && !isOther(key) {
        XCTAssertNotNil(gradients[parameter], key)
      }
      fuse.setTraining(false)
      let x = batch.images.slice(axis: 0, 0..<1)
      XCTAssertEqual(fuse(x).shape, base(x).shape)
      assertClose(fuse.compiled(for: x.shape).makeSession()([x])[0], fuse(x), tolerance: 1e-4)
      XCTAssertTrue(task.deployedNetwork === fuse)
    }
    XCTAssertEqual(HS3FuseName("hs3fuse_ffnet22S_half_BCC_k7-12-19")?.clusters, [7, 12, 19])
    XCTAssertEqual(HS3FuseName("hs3fuse_hrnet18")?.base, "hrnet18")
    for name in HS3FuseName.names + ["hs3fuse_ffnet22S_half_BCC_k7-12-19"] {
      XCTAssertEqual(HS3FuseName(name)?.description, name)
    }
    for name in [
      "ffnet22S_half_BCC", "hs3fuse_nothing", "hs3fuse_hrnet18_k", "hs3fuse_hrnet18_k3-", "hs3fuse_hrnet18_k0",
    ] {
      XCTAssertNil(HS3FuseName(name), name)
    }
  }
}
