import SegData
import SegFFNet
import SegFormats
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

import SegInverseForm

/// What must hold of the loss whatever its weights, and of what is trained for it.
final class InverseFormPropertyTests: XCTestCase {
  /// A disc and a bar: boundaries at every angle.
  private func labels(_ height: Int, _ width: Int) -> Labels {
    Labels(
      [1, height, width],
      (0..<(height * width)).map { i in
        let (y, x) = (Float(i / width) - Float(height) / 2, Float(i % width) - Float(width) / 2)
        if x * x + y * y < Float(height * height) / 9 { return 1 }
        return i % width > width * 4 / 5 ? 2 : 0
      })
  }

  func testIdenticalMapsGiveZero() {
    for transform in BoundaryTransform.allCases {
      let network = AntisymmetricInverseNetwork(transform, seed: 1)
      var random = RandomSource(seed: 2)
      let (a, b) = (
        Tensor.uniform([3, 1, 112, 112], using: &random), Tensor.uniform([3, 1, 112, 112], using: &random)
      )
      XCTAssertEqual(network(a, a).abs().maximum().scalar, 0)
      XCTAssertEqual(bits(network(a, b)), bits(-network(b, a)), "the order reverses the sign")
      XCTAssertGreaterThan(network(a, b).abs().maximum().scalar, 0)
      for distance in [TransformDistance.euclidean, .geodesic()] {
        let (value, gradient) = valueAndGradient(at: [network(a, a)]) { distance($0[0], transform).sum() }
        XCTAssertEqual(value.scalar, 0, accuracy: 1e-6)
        XCTAssertEqual(gradient[0].abs().maximum().scalar, 0, accuracy: 1e-6, "\(distance) is smooth at 0")
      }
    }
  }

  /// What the prediction enters with, where the right half is ignored: logits, target, and what counts.
  private func halfIgnored() -> (logits: Tensor, target: Tensor, counted: Tensor) {
    let labels = labels(96, 192),
      ignored = Labels(labels.shape, labels.values.enumerated().map { $0 % 192 < 40 ? 255 : $1 })
    let target = boundaryTarget(of: ignored, ignoreIndex: 255)
    return (
      ReferenceRule.tensor("logits", target.shape), target,
      Tensor(target.shape, ignored.values.map { $0 == 255 ? 0 : 1 })
    )
  }

  func testGradientIsNotZero() throws {
    let (logits, target, counted) = halfIgnored()
    for network in [AntisymmetricInverseNetwork(seed: 1), try .bundled()] {
      let loss = InverseFormLoss(network)
      let (_, gradient) = valueAndGradient(at: [logits]) { loss(logits: $0[0], target: target, counted: counted) }
      XCTAssertGreaterThan(gradient[0].abs().maximum().scalar, 0)
    }
  }

  func testIgnoreHasNoInfluence() {
    let loss = InverseFormLoss(AntisymmetricInverseNetwork(seed: 1)), (logits, target, counted) = halfIgnored()
    let (value, gradient) = valueAndGradient(at: [logits]) { loss(logits: $0[0], target: target, counted: counted) }
    let other = logits + (1 - counted) * 7
    XCTAssertEqual(loss(logits: other, target: target, counted: counted).scalar, value.scalar)
    XCTAssertEqual((gradient[0] * (1 - counted)).abs().maximum().scalar, 0)
    XCTAssertEqual(
      balancedBoundaryEntropy(other, target, counted: counted).scalar,
      balancedBoundaryEntropy(logits, target, counted: counted).scalar)
  }

  /// Both distances by central differences, near and far from identity.
  func testGradientsOfDistances() {
    var random = RandomSource(seed: 4)
    for transform in BoundaryTransform.allCases {
      for distance in [TransformDistance.euclidean, .geodesic()] {
        let x = Tensor.normal([2, transform.count], deviation: 0.3, using: &random)
        let gradient = valueAndGradient(at: [x]) { distance($0[0], transform).sum() }.gradients[0].scalars
        for i in 0..<x.count {
          func moved(_ step: Float) -> Double {
            var y = x.scalars
            y[i] += step
            return distance(Tensor(x.shape, y), transform).scalars.reduce(0) { $0 + Double($1) }
          }
          XCTAssertEqual(
            Double(gradient[i]), (moved(1e-2) - moved(-1e-2)) / 2e-2, accuracy: 4e-3, "\(transform) \(distance) \(i)")
        }
      }
    }
  }

  /// A rotation's geodesic distance is its angle.
  func testGeodesicDistanceOfARotation() {
    let x = Tensor([1, 5], [0, 0, 0, 0, 0.8])
    XCTAssertEqual(
      TransformDistance.geodesic()(x, .shiftScaleRotation).scalar, 0.8 * Float.pi / 12, accuracy: 1e-5)
  }

  /// exp(−G) undoes exp(G).
  func testGeneratorsInvert() {
    let generator = BoundaryTransform.Generator(x: 0.3, y: -0.2, a: 0.1, b: -0.15, angle: 0.2, g: 0.05, h: -0.08)
    let (a, b) = (generator.matrix(1), generator.matrix(-1))
    for i in 0..<9 {
      let product = (0..<3).reduce(0) { $0 + a[i / 3 * 3 + $1] * b[$1 * 3 + i % 3] }
      XCTAssertEqual(product, i % 4 == 0 ? 1 : 0, accuracy: 1e-12)
    }
  }

  /// Tiles are cut as released, whatever the aspect ratio.
  func testTilesByLayout() {
    XCTAssertEqual(TileLayout(height: 192, width: 384), TileLayout(rows: 3, columns: 6))
    XCTAssertEqual(TileLayout(height: 480, width: 640), TileLayout(rows: 3, columns: 4))
    XCTAssertEqual(TileLayout(height: 256, width: 256), TileLayout(rows: 3, columns: 3))
    let maps = Tensor([2, 1, 4, 6], (0..<48).map(Float.init))
    let tiles = TileLayout(rows: 2, columns: 3).tiles(of: maps, side: 2)
    XCTAssertEqual(tiles.shape, [12, 1, 2, 2])
    XCTAssertEqual(Array(tiles.scalars[0..<8]), [0, 1, 6, 7, 24, 25, 30, 31])
    XCTAssertEqual(Array(tiles.scalars[8..<12]), [2, 3, 8, 9])
  }

  /// Any network that shows its features takes a boundary branch, which inference does not see; the loss moves it all.
  func testBranchOnFFNet() throws {
    let network = FFNet(FFNetConfiguration(name: FFNetCatalogue.ownNames[0])!, seed: 1)
    let branch = BoundaryBranch(network, seed: 2)
    let graph = Graph.capture(inputs: [[1, 3, 64, 128]], parameters: branch) { [branch($0[0])] }
    let plain = Graph.capture(inputs: [[1, 3, 64, 128]], parameters: network) { [network($0[0])] }
    XCTAssertFalse(graph.values.contains { $0.name.hasPrefix("boundary_head.") })
    XCTAssertEqual(
      graph.floatingPointOperations, plain.floatingPointOperations, "the branch costs nothing at inference")
    let inverse = InverseFormLoss(AntisymmetricInverseNetwork(seed: 3))
    let task = InverseFormTask(branch, ignoreIndex: 255, loss: JointLoss(inverse: inverse))
    XCTAssertEqual(task.deployedNetwork.state.map(\.name), network.state.map(\.name))
    let batch = Batch(images: ReferenceRule.tensor("images", [1, 3, 64, 128]), labels: labels(64, 128), names: ["a"])
    task.network.setTraining(true)
    let (loss, gradients) = valueAndGradient(of: branch) { _ in task.loss(batch, progress: 0.5) }
    XCTAssertTrue(loss.scalar.isFinite)
    XCTAssertEqual(gradients.count, branch.parameters.filter(\.isTrainable).count)
    XCTAssertTrue(inverse.network.parameters.allSatisfy { !$0.isTrainable })
  }

  /// Boundaries of streets that no network was trained on.
  private func heldOut(_ transform: BoundaryTransform, side: Int = 112) -> TilePairs {
    let frames = StreetScenes(split: "test", count: 6, size: [128, 256]).frames(at: Array(0..<6))
    return TilePairs(labels: frames.map(\.labels), side: side, transform: transform)
  }

  func testBundledNetworkIsSmallAndGivesZeroForEqualMaps() throws {
    let network = try AntisymmetricInverseNetwork.bundled()
    XCTAssertLessThanOrEqual(network.parameterCount * 4, 4 << 20)
    XCTAssertEqual(InverseReport(network, on: heldOut(network.transform), count: 128).distanceOfEqualMaps, 0)
  }

  func testDistanceIsMonotoneInShiftScaleAndAngle() throws {
    let network = try AntisymmetricInverseNetwork.bundled()
    let report = InverseReport(network, on: heldOut(network.transform), count: 128)
    for component in ["shift", "scale", "angle"] {
      let rows = report.rows.filter { $0.component == component }
      print(component, rows.map { (($0.amount, $0.estimate, $0.distance)) })
      for (less, more) in zip(rows, rows.dropFirst()) {
        XCTAssertLessThan(less.distance, more.distance, "\(component) \(less.amount) and \(more.amount)")
      }
    }
  }

  /// Each number of the transform is estimated, scales among them: at least half of it, and no more than it is.
  func testShiftScaleAndAngleAreEstimated() throws {
    let network = try AntisymmetricInverseNetwork.bundled()
    let rows = InverseReport(network, on: heldOut(network.transform), count: 128).rows
    for (component, amount, none) in [("shift", 4, 0), ("scale", 1.12, 1), ("angle", 4, 0)]
      as [(String, Double, Double)]
    {
      let row = try XCTUnwrap(rows.first { $0.component == component && $0.amount == amount })
      let share = (row.estimate - none) / (amount - none)
      XCTAssertGreaterThan(share, 0.5, component)
      XCTAssertLessThan(share, 1.2, component)
    }
  }

  /// What a trained network makes of a boundary that it finds, blurred and less than sure, lies nearer than a true one
  /// that is shifted by 4 pixels.
  func testSoftMapScoresBelowAFourPixelShift() throws {
    let network = try AntisymmetricInverseNetwork.bundled(), pairs = heldOut(network.transform)
    let target = pairs.batch(0, of: 128, seed: 7, .single(component: 0, amount: 0), isDegraded: false).target
    var soft = target * 0.7
    soft.withUnsafeMutableBufferPointer { soft in
      for tile in 0..<128 { blur(soft.baseAddress! + tile * 112 * 112, height: 112, width: 112, deviation: 1.5) }
    }
    let distance = TransformDistance.euclidean(network(soft, target), network.transform).mean().scalar
    let report = InverseReport(network, on: pairs, count: 128)
    let shifted = try XCTUnwrap(report.rows.first { $0.component == "shift" && $0.amount == 4 })
    print("soft \(distance), shifted by 4 pixels \(shifted.distance)")
    XCTAssertLessThan(Double(distance), shifted.distance)
  }

  /// Every kind of transform is learnt, on tiles of 112 and of 224: the loss falls in a few steps.
  func testEveryKindIsPretrained() {
    for (transform, side) in BoundaryTransform.allCases.map({ ($0, 112) }) + [(.affine, 224)] {
      let network = AntisymmetricInverseNetwork(transform, side: side, seed: 1)
      var pretraining = InversePretraining(), losses: [Float] = []
      (pretraining.steps, pretraining.batch) = (side == 112 ? 60 : 24, 16)
      let untouched = bits(network.parameters[0].value), pairs = heldOut(transform, side: side)
      pretraining.run(network, on: pairs) { losses.append($0.loss) }
      XCTAssertNotEqual(bits(network.parameters[0].value), untouched)
      XCTAssertTrue(losses.allSatisfy(\.isFinite), "\(transform) \(side)")
      // What is reported is a mean over up to 50 steps.
      XCTAssertLessThan(losses.last!, losses[3], "\(transform) \(side): \(losses)")
      let report = InverseReport(network, on: pairs, count: 16)
      XCTAssertEqual(report.distanceOfEqualMaps, 0, "\(transform) \(side)")
      let components = Set(report.rows.map(\.component))
      XCTAssertEqual(components.contains("angle"), transform != .shiftScale)
      XCTAssertEqual(components.contains("perspective"), transform == .homography)
    }
  }

  /// The fit finds the transform whose first-order displacements it is given, for every kind, whatever cells are sure.
  func testFitExplainsDisplacements() {
    var random = RandomSource(seed: 3)
    for transform in BoundaryTransform.allCases {
      let cells = 7, k = transform.count, fit = TransformFit(transform, cells: cells, stride: 16)
      let theta = (0..<k).map { _ in 0.2 * Double(random.nextNormal()) }
      var d = [Float](repeating: 0, count: 2 * cells * cells)
      for cell in 0..<(cells * cells) {
        func place(_ index: Int) -> Double { (Double(16 * index) + 0.5) * 2 / 112 - 1 }
        let rows = transform.jacobian(u: place(cell % cells), v: place(cell / cells))
        d[cell] = Float(zip(rows.x, theta).reduce(0) { $0 + $1.0 * $1.1 })
        d[cells * cells + cell] = Float(zip(rows.y, theta).reduce(0) { $0 + $1.0 * $1.1 })
      }
      // Sure enough that the pull towards no transform does not count.
      let roots = Tensor.uniform([1, 3, cells, cells], in: 100..<300, using: &random)
      let found = fit(displacements: Tensor([1, 2, cells, cells], d), roots: roots)
      for i in 0..<k { XCTAssertEqual(Double(found.scalars[i]), theta[i], accuracy: 2e-3, "\(transform) \(i)") }
      let none = fit(displacements: Tensor([1, 2, cells, cells], d), roots: .zeros([1, 3, cells, cells]))
      XCTAssertEqual(none.abs().maximum().scalar, 0, "nothing to be seen is no transform")
    }
  }
}
