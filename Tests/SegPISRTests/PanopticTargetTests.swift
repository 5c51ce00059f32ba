import Foundation
import SegData
import SegFormats
import SegKernels
import SegMetrics
import SegPISR
import SegTestSupport
import XCTest

/// Targets and post-processing against the released code, and both against each other on Cityscapes' annotations.
final class PanopticTargetTests: XCTestCase {
  private let things = PanopticConfiguration.cityscapesThings

  private func values(_ array: WeightArray) -> [Int32] { array.tensor.scalars.map { Int32($0) } }

  /// The released code's targets of one image, every eighth row and column.
  func testTargetsAgreeWithTheReleasedCode() throws {
    let expected = Dictionary(
      uniqueKeysWithValues: try Fixtures.archive("reference/panopticdeeplab_targets_post.safetensors").entries.map {
        ($0.name, $0.array)
      })
    let data = try Cityscapes(root: Fixtures.researchData("cityscapes-panoptic"), split: "train")
    let index = try XCTUnwrap((0..<data.count).first { data.name(at: $0).hasPrefix("aachen_000004") })
    let sample = try data.sample(at: index), ids = try data.instances(at: index)
    func thinned(_ labels: Labels) -> Labels {
      Labels(
        [1, 128, 256],
        (0..<(128 * 256)).map { labels.values[$0 / 256 * 8 * 2048 + $0 % 256 * 8] })
    }
    let labels = thinned(sample.labels), counted = thinned(try XCTUnwrap(sample.instances))
    func targets(_ instances: Labels) -> PanopticTargets {
      PanopticTargets(
        labels: labels, instances: instances, things: things, ignoreIndex: 255,
        rules: .init(sigma: 8, smallArea: 64, smallWeight: 3))
    }
    func compare(_ found: Tensor, _ name: String) throws {
      let error = assertClose(found, try XCTUnwrap(expected["targets/\(name)"]).tensor, tolerance: 1e-6, name)
      print("\(name): \(error)")
    }
    // Groups draw Gaussians and offsets there: as if they were things.
    let all = targets(thinned(ids))
    try compare(all.center, "center")
    try compare(all.offset, "offset")
    try compare(all.semanticWeights, "semantic_weights")
    XCTAssertEqual(all.semantic.values, values(expected["targets/semantic"]!))
    let points = all.centroids[0].flatMap { [Float($0.x), Float($0.y)] }
    try compare(Tensor([points.count / 2, 2], points), "center_points_yx")
    // Here they do not, and their pixels are ignored.
    let own = targets(counted)
    try compare(own.centerWeights, "center_weights")
    try compare(own.offsetWeights, "offset_weights")
    XCTAssertLessThan(own.centroids[0].count, all.centroids[0].count)
    for (pixel, label) in labels.values.enumerated() {
      let isGroup = things.indices.contains(Int(label)) && things[Int(label)] && counted.values[pixel] == 0
      XCTAssertEqual(own.semantic.values[pixel], isGroup ? 255 : label)
    }
  }

  /// The released post-processing: seven centres, three of four (the release keeps one fewer than it may), none.
  func testPostProcessingAgreesWithTheReleasedCode() throws {
    let expected = try Fixtures.archive("reference/panopticdeeplab_targets_post.safetensors").tensors
    let semantic = Labels([64, 96], try XCTUnwrap(expected["post/semantic"]).scalars.map { Int32($0) })
    let heatmap = try XCTUnwrap(expected["post/heatmap"]), offset = try XCTUnwrap(expected["post/offset"])
    for (name, window, most, scale) in [
      ("nms7_top200", 7, 200, 1), ("nms3_top4", 3, 3, 1), ("no_centre", 7, 200, 0.01),
    ] as [(String, Int, Int, Float)] {
      let found = groupInstances(
        semantic: semantic, centers: heatmap * scale, offsets: offset,
        rules: GroupingRules(things: things, window: window, maximumCentres: most, stuffArea: 64))
      XCTAssertEqual(
        found.instances.values, try XCTUnwrap(expected["post/\(name)/instance"]).scalars.map { Int32($0) }, name)
      // Numbers within a class, from 1, in the order of things.
      var numbers: [Int32: Int32] = [:], counts: [Int32: Int32] = [:]
      let owners = Dictionary(
        zip(found.instances.values, found.labels.values).filter { $0.0 > 0 }, uniquingKeysWith: { first, _ in first })
      for thing in owners.keys.sorted() {
        counts[owners[thing]!, default: 0] += 1
        numbers[thing] = counts[owners[thing]!]
      }
      let panoptic = zip(found.labels.values, found.instances.values).map { label, thing in
        label * 1000 + (thing > 0 ? numbers[thing]! : 0)
      }
      XCTAssertEqual(panoptic, try XCTUnwrap(expected["post/\(name)/panoptic"]).scalars.map { Int32($0) }, name)
    }
  }

  /// Ground truth → targets → post-processing → panoptic quality against the ground truth.
  func testRoundTripOfCityscapes() throws {
    let data = try Cityscapes(root: Fixtures.researchData("cityscapes-panoptic"), split: "train")
    let categories = try XCTUnwrap(data.categories)
    var quality = PanopticQuality(categories: categories)
    let segments = [(13, 0, 8), (14, 0, 11), (9, 1, 10), (11, 0, 9), (25, 2, 10), (27, 0, 10), (23, 1, 11), (2, 0, 8)]
    for index in 0..<data.count {
      let sample = try data.sample(at: index), size = sample.labels.shape
      let instances = try XCTUnwrap(sample.instances)
      let truth = PanopticSegmentation(labels: sample.labels, instances: instances, categories: categories)
      let isThing = Set(categories.filter(\.isThing).map(\.id))
      let counts = (
        truth.segments.filter { isThing.contains($0.category) && !$0.isCrowd }.count,
        truth.segments.filter(\.isCrowd).count, truth.segments.filter { !isThing.contains($0.category) }.count
      )
      XCTAssertEqual([counts.0, counts.1, counts.2], [segments[index].0, segments[index].1, segments[index].2])
      let targets = PanopticTargets(
        labels: sample.labels.reshaped(Shape([1] + Array(size))),
        instances: instances.reshaped(Shape([1] + Array(size))),
        things: things, ignoreIndex: 255)
      // Crowds are no target, so that their pixels go to no thing. The truth has stuff below the published least area,
      // 2,048 pixels, which is a rule for predictions: with it the PQ is 0.94997, that of things 1 all the same.
      let found = groupInstances(
        semantic: targets.semantic.reshaped(size), centers: targets.center.reshaped(size),
        offsets: targets.offset.reshaped(2, size[0], size[1]),
        rules: GroupingRules(things: things, stuffArea: 0))
      quality.add(prediction: PanopticSegmentation(found, categories: categories), truth: truth)
    }
    let scores = PanopticScores(quality)
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(scores.all.pq), 0.95)
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(scores.things.pq), 0.95)
  }

  /// Things through a batch: where a crop shows a label it shows its instance.
  func testInstancesFollowTheirPixelsThroughAugmentation() throws {
    let streets = StreetScenes(split: "test", count: 4, size: [64, 128])
    let loader = BatchLoader(
      streets, batchSize: 2, augmentation: Augmentation(scale: 0.6...1.6, crop: [48, 96]), seed: 3)
    for step in 0..<2 {
      let batch = try loader.batch(at: step), instances = try XCTUnwrap(batch.instances)
      XCTAssertEqual(instances.shape, batch.labels.shape)
      var counted = 0
      for (label, instance) in zip(batch.labels.values, instances.values) where instance > 0 {
        XCTAssertEqual(Int(instance) / 1000, Cityscapes.categories[Int(label)].id)
        counted += 1
      }
      XCTAssertGreaterThan(counted, 50)
    }
  }

  /// Every pixel goes to the nearest of all centres, wherever offsets point: alike in a run, far apart, nowhere.
  func testNearestOfManyCentres() {
    let (height, width) = (40, 200), shape: Shape = [height, width]
    for deviation: Float in [0.5, 30, 500] {
      var random = RandomSource(seed: 5, name: "centres \(deviation)")
      var centers = [Float](repeating: 0, count: height * width)
      let places = (0..<180).map { _ in Int(random.nextUniform() * Float(height * width)) }
      for place in places { centers[place] = 1 }
      var offsets = Tensor.normal([2, height, width], mean: 0, deviation: deviation, using: &random).scalars
      let lost = [3, 77, 78, 5_000]
      (offsets[lost[0]], offsets[lost[1]], offsets[lost[2]]) = (.nan, .infinity, -.infinity)
      offsets[height * width + lost[3]] = .nan
      let thing = things.firstIndex(of: true)!
      let labels = (0..<(height * width)).map { Int32($0 % 7 == 0 ? 0 : thing) }
      let found = groupInstances(
        semantic: Labels(shape, labels), centers: Tensor(shape, centers), offsets: Tensor([2, height, width], offsets),
        rules: GroupingRules(things: things, window: 1, stuffArea: 0))
      let peaks = centers.indices.filter { centers[$0] > 0 }
      for pixel in labels.indices {
        let found = found.instances.values[pixel]
        guard labels[pixel] == thing, !lost.contains(pixel) else {
          XCTAssertEqual(found, 0, "\(deviation): \(pixel)")
          continue
        }
        func distance(_ peak: Int) -> Double {
          let row = Double(Float(pixel / width) + offsets[pixel]) - Double(peak / width)
          let column = Double(Float(pixel % width) + offsets[height * width + pixel]) - Double(peak % width)
          return row * row + column * column
        }
        // Equally near but for rounding is as good.
        let least = peaks.map(distance).min()!
        XCTAssertLessThanOrEqual(distance(peaks[Int(found) - 1]), least * (1 + 1e-5) + 1e-4, "\(deviation): \(pixel)")
      }
    }
  }

  /// An empty image, an image of void, and one pixel.
  func testImagesWithoutThings() {
    for (height, width, label) in [(1, 1, Int32(0)), (5, 7, 255), (3, 90, 12)] {
      let shape: Shape = [height, width]
      let semantic = Labels(shape, filledWith: label)
      let found = groupInstances(
        semantic: semantic, centers: .zeros(shape), offsets: .zeros([2, height, width]),
        rules: GroupingRules(things: things, stuffArea: 1))
      XCTAssertEqual(Set(found.labels.values), [label == 0 ? 0 : 255])
      XCTAssertEqual(Set(found.instances.values), [0])
      let targets = PanopticTargets(
        labels: semantic.reshaped([1, height, width]), instances: Labels([1, height, width], filledWith: 0),
        things: things, ignoreIndex: 255)
      XCTAssertEqual(targets.center.scalars.max(), 0)
      XCTAssertEqual(targets.offsetWeights.scalars.max(), 0)
      XCTAssertEqual(targets.centerWeights.scalars.max(), label == 0 ? 1 : 0)
    }
  }
}
