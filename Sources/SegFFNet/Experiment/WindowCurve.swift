import SegData
import SegImages
import SegKernels
import SegTraining

/// mIoU against the size of the window that a network sees: what a receptive field is good for.
///
/// In each image three patches of 32×32, in the middle row at a quarter, a half and three quarters of the width, are
/// segmented once for each window: a square around the patch, everything outside it replaced by the mean colour. Only
/// the patches are scored. Images below 32×64 have no room for them and are left out.
package struct WindowCurve {
  /// Sides of the windows, pixels.
  package static let sides = [64, 128, 192, 256, 384, 512, 768]
  private static let patch = 32

  /// `mIoU in a window of S px` for each side.
  package let metrics: [RunResult.Metric]

  /// Measures a network on the first images of a data set.
  ///
  /// - Throws: what reading the data throws.
  package init(
    _ network: any UnaryModule, on dataset: any SegmentationDataset, images: Int, unscored: Set<Int32>
  ) throws {
    let ignored = dataset.classes.ignoreIndex.map(Int.init), weights = PackedWeights()
    var scores = WindowCurve.sides.map { _ in SegmentationScore(classes: dataset.classes.count, unscored: unscored) }
    var session: Program.Session?
    for index in 0..<min(images, dataset.count) {
      let sample = try dataset.sample(at: index), x = Tensor(sample.image, normalization: .imageNet)
      guard x.shape[2] >= WindowCurve.patch, x.shape[3] >= 2 * WindowCurve.patch else { continue }
      if session?.program.inputShapes[0] != x.shape {
        session = network.compiled(for: x.shape, sharing: weights).makeSession()
      }
      let size = Pair(height: x.shape[2], width: x.shape[3])
      for quarter in 1...3 {
        let (y, left) = (size.height / 2, size.width * quarter / 4)
        let rows = (y - WindowCurve.patch / 2)..<(y + WindowCurve.patch / 2)
        let columns = (left - WindowCurve.patch / 2)..<(left + WindowCurve.patch / 2)
        let truth = WindowCurve.part(of: sample.labels, rows, columns)
        for (number, side) in WindowCurve.sides.enumerated() {
          let seen = WindowCurve.window(of: x, y, left, side: side)
          let labels = argmax(session!([seen])[0], resizedTo: size, rows: rows, columns: columns)
          scores[number].add(prediction: labels.reshaped(truth.shape), truth: truth, ignoreIndex: ignored)
        }
      }
    }
    metrics = zip(WindowCurve.sides, scores).map { side, score in
      RunResult.Metric("mIoU in a window of \(side) px", score.metrics.first?.value)
    }
  }

  /// The image with everything outside a square replaced by 0, the mean colour.
  private static func window(of x: Tensor, _ y: Int, _ left: Int, side: Int) -> Tensor {
    func range(_ centre: Int, _ extent: Int) -> Range<Int> {
      max(centre - side / 2, 0)..<min(centre + side / 2, extent)
    }
    let rows = range(y, x.shape[2]), columns = range(left, x.shape[3])
    return x.slice(axis: 2, rows).slice(axis: 3, columns).padded(
      top: rows.lowerBound, bottom: x.shape[2] - rows.upperBound, left: columns.lowerBound,
      right: x.shape[3] - columns.upperBound, with: .constant(0))
  }

  private static func part(of labels: Labels, _ rows: Range<Int>, _ columns: Range<Int>) -> Labels {
    let width = labels.shape[1], values = labels.values
    return Labels([rows.count, columns.count], rows.flatMap { row in columns.map { values[row * width + $0] } })
  }
}
