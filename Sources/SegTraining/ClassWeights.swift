import Foundation
import SegData
import SegImages
import SegKernels

extension Recipe.Loss.Weights {
  /// A weight a class, from the labels of a data set; nil for the rules that need none of them.
  ///
  /// Every annotation is read once.
  public func weights(for dataset: any SegmentationDataset) throws -> Tensor? {
    guard self == .logarithmic || self == .medianFrequency else { return nil }
    let classes = dataset.classes.count
    // Pixels of each class, and labelled pixels of the images that contain it.
    var pixels = [Double](repeating: 0, count: classes), reach = [Double](repeating: 0, count: classes)
    for index in 0..<dataset.count {
      let counts = pixelCounts(try dataset.sample(at: index).labels, classes: classes)
      let labelled = Double(counts.reduce(0, +))
      for (index, count) in counts.enumerated() where count > 0 {
        pixels[index] += Double(count)
        reach[index] += labelled
      }
    }
    let total = pixels.reduce(0, +)
    switch self {
    case .none, .batch, .released, .list: return nil
    case .logarithmic: return Tensor([classes], pixels.map { Float(1 / log(1.02 + $0 / total)) })
    case .medianFrequency:
      let frequencies = zip(pixels, reach).map { $1 > 0 ? $0 / $1 : 0 }
      let known = frequencies.filter { $0 > 0 }.sorted()
      let middle = known.count / 2
      let median = known.count % 2 == 1 ? known[middle] : (known[middle - 1] + known[middle]) / 2
      // A class without pixels is never asked for.
      return Tensor([classes], frequencies.map { $0 > 0 ? Float(median / $0) : 1 })
    }
  }
}

/// 2 − the class's share of a batch's labelled pixels where it occurs, else 1 (InverseForm's published code).
package func batchClassWeights(_ labels: Labels, classes: Int) -> Tensor {
  batchClassWeights(counts: pixelCounts(labels, classes: classes).map { Double($0) })
}

/// The same from the pixels of each class.
func batchClassWeights(counts: [Double]) -> Tensor {
  let total = Float(max(counts.reduce(0, +), 1))
  return Tensor([counts.count], counts.map { $0 > 0 ? 2 - Float($0) / total : 1 })
}

/// Pixels of each class; what is none is left out.
func pixelCounts(_ labels: Labels, classes: Int) -> [Int] {
  var counts = [Int](repeating: 0, count: classes)
  labels.withUnsafeBufferPointer { labels in
    for label in labels where label >= 0 && label < classes { counts[Int(label)] += 1 }
  }
  return counts
}
