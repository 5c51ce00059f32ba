import SegData
import SegDistributed
import SegIFA
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// Two processes ask an IFA network where one would, drop the channels that it would, and add up to its loss.
final class GroupLossTests: XCTestCase {
  func testSumOverProcessesIsTheLossOfTheBatch() throws {
    let name = try XCTUnwrap(IFAConfiguration.names.first),
      configuration = try XCTUnwrap(
        IFAConfiguration(name: name, classes: 3))
    var random = RandomSource(seed: 1)
    let images = Tensor.normal([4, 3, 64, 64], using: &random)
    // Fewer and fewer labelled pixels from image to image.
    var labels: [Int32] = []
    for image in 0..<4 {
      for pixel in 0..<4096 { labels.append(pixel % 64 > 60 - 14 * image ? 255 : Int32(pixel / 7 % 3)) }
    }
    var hard = Recipe.Loss()
    hard.hardThreshold = 0.7
    for (recipe, kind) in [(Recipe.Loss(), Recipe.Queries.Kind.points), (hard, .jittered), (hard, .grid)] {
      var queries = Recipe.Queries()
      (queries.kind, queries.count) = (kind, 300)
      func losses(_ group: (any ProcessGroup)?) -> [Float] {
        let network = IFANetwork(configuration, seed: 1), count = 4 / (group?.size ?? 1),
          first = (group?.rank ?? 0) * count
        network.divideBatches(over: group)
        network.setTraining(true)
        let batch = Batch(
          images: images.slice(axis: 0, first..<(first + count)),
          labels: Labels([count, 64, 64], Array(labels[(4096 * first)..<(4096 * (first + count))])), names: [])
        let task = IFATask(
          network, ignoreIndex: 255, loss: SegmentationLoss(recipe, group: group), queries: queries, seed: 5)
        let (loss, gradients) = valueAndGradient(of: network) { _ in task.loss(batch, progress: 0.25) }
        // Of one late and one early weight, with the loss.
        let weights = [network.parameters.last { $0.isTrainable }!, network.parameters.first { $0.isTrainable }!]
        return [loss.scalar] + weights.map { gradients[$0]!.scalars[0] }
      }
      let whole = losses(nil)
      let parts = try ThreadGroup.run(2) { losses($0) }
      XCTAssertEqual(parts[0][0] + parts[1][0], whole[0], accuracy: 2e-5 * whole[0], "\(kind)")
      XCTAssertEqual(parts[0][1] + parts[1][1], whole[1], accuracy: 1e-3 * abs(whole[1]) + 1e-6, "\(kind)")
      XCTAssertGreaterThan(parts[0][0], 0.01 * whole[0])
    }
  }
}
