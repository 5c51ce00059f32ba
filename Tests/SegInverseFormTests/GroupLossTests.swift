import SegDistributed
import SegInverseForm
import SegKernels
import SegTestSupport
import SegTraining
import XCTest

/// The joint loss of two processes, each with half of a batch, adds up to that of the batch, and so do its gradients.
final class GroupLossTests: XCTestCase {
  func testSumOverProcessesIsTheLossOfTheBatch() throws {
    for weights in [Recipe.Loss.Weights.batch, .released] { try check(weights) }
  }

  private func check(_ weights: Recipe.Loss.Weights) throws {
    let (height, width) = (96, 160), area = height * width
    let logits = ReferenceRule.tensor("seg_logits", [2, 19, height, width]) * 3
    let boundary = ReferenceRule.tensor("edge_logits", [2, 1, height, width]) * 4
    // One image is labelled on its left half alone, and has fewer boundaries.
    let labels = (0..<(2 * area)).map { place -> Int32 in
      if place >= area { return place % width > 80 ? 255 : 4 }
      return Int32(place % width / 9 + place / width / 20) % 19
    }
    let logDepth = ReferenceRule.tensor("log_depth", [2, 1, height, width])
    // Of the first image a quarter is known, of the second all.
    let depth = Tensor([2, 1, height, width], (0..<(2 * area)).map { $0 < 3 * area / 4 ? 0 : 1 + Float($0 % 30) })
    func results(_ images: Range<Int>, _ group: (any ProcessGroup)?) -> [Tensor] {
      var recipe = Recipe.Loss()
      recipe.classWeights = weights
      recipe.depth = 0.7
      (recipe.boundary, recipe.inverseForm) = (0.3, 0.5)
      let loss = JointLoss(recipe, segmentation: SegmentationLoss(recipe, group: group)) {
        AntisymmetricInverseNetwork(seed: 3)
      }
      let own = Labels(
        [images.count, height, width], Array(labels[(images.lowerBound * area)..<(images.upperBound * area)]))
      let (value, gradients) = valueAndGradient(
        at: [logits, boundary, logDepth].map { $0.slice(axis: 0, images) }
      ) {
        loss(
          logits: $0[0], boundary: $0[1], depth: ($0[2], depth.slice(axis: 0, images)), own, ignoreIndex: 255,
          progress: 0.5)
      }
      return [value] + gradients
    }
    let whole = results(0..<2, nil)
    let halves = try ThreadGroup.run(2) { results($0.rank..<($0.rank + 1), $0) }
    assertClose(halves[0][0] + halves[1][0], whole[0], tolerance: 1e-5)
    for part in [1, 2, 3] {
      assertClose(concatenate([halves[0][part], halves[1][part]], axis: 0), whole[part], tolerance: 1e-4, "\(part)")
    }
    // By itself each half is something else: means of means would not do.
    let apart = (results(0..<1, nil)[0].scalar + results(1..<2, nil)[0].scalar) / 2
    XCTAssertGreaterThan(abs(apart - whole[0].scalar), 1e-2 * whole[0].scalar)
  }
}
