import Glibc

/// How much of the labels' structure in small regions the probabilities leave unexplained: the Region Mutual Information
/// loss.
///
/// Maps are averaged over squares of `stride` pixels; the region²  neighbours of a place are then one sample of a random
/// vector, of labels Y and of probabilities P. With the covariances Σ (sums, not means) of an image and a class,
///
///     loss = ½ / region² · log det(Σ_YY − Σ_YP (Σ_PP + α)⁻¹ Σ_YPᵀ + α)
///
/// which bounds the negative mutual information of both from above, but for a constant. Ignored pixels are 0 in both.
/// Reduced over images and classes (the paper sums over classes). Zhao et al., "Region Mutual Information Loss for
/// Semantic Segmentation", 2019, equations 13 to 16, which stands beside a cross entropy.
///
/// - Parameters:
///   - probabilities: N×C×H×W: the softmax of logits, or their sigmoid as in the paper.
///   - labels: N×H×W, each 0..<C or `ignoreIndex`; anything else traps.
///   - ignoreIndex: the label of pixels that do not count.
///   - region: rows and columns of a region. Traps if a map does not hold one.
///   - stride: of the average; the rest at the lower and right edges is left out.
///   - regularization: α.
///   - reduction: `none` gives N×C numbers.
public func regionMutualInformationLoss(
  _ probabilities: Tensor, _ labels: Labels, ignoreIndex: Int = -100, region: Int = 3, stride: Int = 4,
  regularization: Double = 5e-4, reduction: LossReduction = .mean
) -> Tensor {
  reduction.apply(
    apply(
      RegionMutualInformationOperation(
        labels: labels, ignoreIndex: Int32(ignoreIndex), region: region, stride: stride,
        regularization: regularization), to: probabilities))
}

/// N×C losses. With A = (Σ_PP + α)⁻¹ Σ_YPᵀ and M the matrix of the determinant, the gradient by the samples P is
/// A M⁻¹ (Aᵀ P − Y) / region²: the residuals of predicting Y from P, weighted.
struct RegionMutualInformationOperation: TensorOperation {
  let labels: Labels
  let ignoreIndex: Int32
  let region: Int
  let stride: Int
  let regularization: Double

  let name = "regionMutualInformationLoss"
  var attributes: [(name: String, value: Attribute)] {
    [("ignoreIndex", .integer(Int(ignoreIndex))), ("region", .integer(region)), ("stride", .integer(stride))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank == 4, name, "expected probabilities N×C×H×W, found shape \(x)")
    labels.checkPixels(of: x, for: name)
    check(region > 0 && stride > 0, name, "region and stride must be positive, found \(region) and \(stride)")
    check(
      x[2] / stride >= region && x[3] / stride >= region, name,
      "maps of \(x[2])×\(x[3]) hold no region of \(region)×\(region) at stride \(stride)")
    return [[x[0], x[1]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    4 * inputs[0].elementCount / (stride * stride) * region * region * region * region
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let shape = inputs[0].shape, classes = shape[1]
    _ = labels.counts(classes: classes, ignoreIndex: ignoreIndex, for: name)
    return [
      Tensor(uninitialized: [shape[0], classes]) { losses in
        guard let losses = losses.baseAddress else { return }
        eachPlane(inputs[0]) { plane, samples in
          let (_, remaining) = samples.regression(regularization)
          losses[plane] = Float(0.5 * remaining.logDeterminant / Double(region * region))
        }
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let shape = context.inputShapes[0], incoming = gradients[0]!.scalars
    let (height, width) = (shape[2], shape[3]), (rows, columns) = (height / stride, width / stride)
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress else { return }
        labels.withUnsafeBufferPointer { labels in
          eachPlane(context.saved[0]) { plane, samples in
            let (predictor, remaining) = samples.regression(regularization)
            let slope = samples.slope(predictor * remaining.inverse, predictor)
            let scale = Double(incoming[plane]) / Double(region * region * stride * stride)
            let first = plane / shape[1] * height * width
            for row in 0..<height {
              for column in 0..<width {
                let isInside = row / stride < rows && column / stride < columns
                let isLabelled = labels[first + row * width + column] != ignoreIndex
                dx[(plane * height + row) * width + column] =
                  isInside && isLabelled ? Float(slope[row / stride * columns + column / stride] * scale) : 0
              }
            }
          }
        }
      }
    ]
  }

  /// Calls `body` with the samples of every image and class, in parallel.
  private func eachPlane(_ probabilities: Tensor, _ body: (_ plane: Int, _ samples: RegionSamples) -> Void) {
    let shape = probabilities.shape, classes = shape[1], (height, width) = (shape[2], shape[3])
    let (rows, columns) = (height / stride, width / stride), share = 1 / Double(stride * stride)
    guard shape.elementCount > 0 else { return }
    let p = probabilities.pointer(for: name)
    labels.withUnsafeBufferPointer { labels in
      parallelFor(shape[0] * classes) { plane in
        let (n, c) = plane.quotientAndRemainder(dividingBy: classes)
        var truth = [Double](repeating: 0, count: rows * columns), found = truth
        for row in 0..<(rows * stride) {
          for column in 0..<(columns * stride) {
            let label = labels[(n * height + row) * width + column]
            guard label != ignoreIndex else { continue }
            let place = row / stride * columns + column / stride
            found[place] += Double(p[(plane * height + row) * width + column]) * share
            if label == c { truth[place] += share }
          }
        }
        body(plane, RegionSamples(truth: truth, found: found, rows: rows, columns: columns, region: region))
      }
    }
    withExtendedLifetime(probabilities) {}
  }
}

/// The regions of two maps as samples of random vectors, less their means.
private struct RegionSamples {
  let rows: Int, columns: Int, region: Int
  /// region² rows of samples each, of the labels and of the probabilities.
  private let truth: [Double], found: [Double]
  /// Places that a region fits at.
  private let count: Int

  init(truth: [Double], found: [Double], rows: Int, columns: Int, region: Int) {
    (self.rows, self.columns, self.region) = (rows, columns, region)
    let (height, width) = (rows - region + 1, columns - region + 1)
    count = height * width
    func samples(_ map: [Double]) -> [Double] {
      (0..<(region * region)).flatMap { part -> [Double] in
        let first = part / region * columns + part % region
        let values = (0..<height).flatMap { map[(first + $0 * columns)..<(first + $0 * columns + width)] }
        let mean = values.reduce(0, +) / Double(values.count)
        return values.map { $0 - mean }
      }
    }
    self.truth = samples(truth)
    self.found = samples(found)
  }

  /// (Σ_PP + α)⁻¹ Σ_PY, and Σ_YY − Σ_YP (Σ_PP + α)⁻¹ Σ_PY + α.
  func regression(_ regularization: Double) -> (predictor: SquareMatrix, remaining: SquareMatrix) {
    let predictor = products(found, found).adding(regularization).inverse * products(found, truth)
    let explained = products(truth, found) * predictor
    let whole = products(truth, truth).adding(regularization)
    return (predictor, SquareMatrix(size: whole.size) { whole[$0, $1] - explained[$0, $1] })
  }

  /// W (Aᵀ P − Y), each row added to the map where its samples come from.
  func slope(_ weights: SquareMatrix, _ predictor: SquareMatrix) -> [Double] {
    let size = region * region, width = columns - region + 1
    // Both products at once: W Aᵀ P − W Y.
    let combined = SquareMatrix(size: size) { row, column in
      (0..<size).reduce(0) { $0 + weights[row, $1] * predictor[column, $1] }
    }
    var map = [Double](repeating: 0, count: rows * columns)
    for part in 0..<size {
      let (down, right) = part.quotientAndRemainder(dividingBy: region)
      for sample in 0..<count {
        var value = 0.0
        for other in 0..<size {
          let place = other * count + sample
          value += combined[part, other] * found[place] - weights[part, other] * truth[place]
        }
        map[(sample / width + down) * columns + sample % width + right] += value
      }
    }
    return map
  }

  private func products(_ a: [Double], _ b: [Double]) -> SquareMatrix {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        SquareMatrix(size: region * region) { row, column in
          var sum = 0.0
          for i in 0..<count { sum += a[row * count + i] * b[column * count + i] }
          return sum
        }
      }
    }
  }
}

/// A small square matrix of doubles.
private struct SquareMatrix {
  let size: Int
  private var elements: [Double]

  init(size: Int, _ element: (_ row: Int, _ column: Int) -> Double) {
    self.size = size
    elements = (0..<(size * size)).map { element($0 / size, $0 % size) }
  }

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * size + column] }
    set { elements[row * size + column] = newValue }
  }

  func adding(_ diagonal: Double) -> SquareMatrix {
    SquareMatrix(size: size) { self[$0, $1] + ($0 == $1 ? diagonal : 0) }
  }

  static func * (a: SquareMatrix, b: SquareMatrix) -> SquareMatrix {
    SquareMatrix(size: a.size) { row, column in (0..<a.size).reduce(0) { $0 + a[row, $1] * b[$1, column] } }
  }

  /// L of L Lᵀ, for a symmetric positive definite matrix.
  private var choleskyFactor: SquareMatrix {
    var factor = SquareMatrix(size: size) { _, _ in 0 }
    for row in 0..<size {
      for column in 0...row {
        let rest = (0..<column).reduce(self[row, column]) { $0 - factor[row, $1] * factor[column, $1] }
        factor[row, column] = row == column ? rest.squareRoot() : rest / factor[column, column]
      }
    }
    return factor
  }

  /// Of a symmetric positive definite matrix.
  var logDeterminant: Double {
    let factor = choleskyFactor
    return 2 * (0..<size).reduce(0) { $0 + log(factor[$1, $1]) }
  }

  /// Of a symmetric positive definite matrix.
  var inverse: SquareMatrix {
    let factor = choleskyFactor
    // L⁻¹, a column at a time; the inverse is L⁻ᵀ L⁻¹.
    var half = SquareMatrix(size: size) { _, _ in 0 }
    for column in 0..<size {
      for row in column..<size {
        let rest = (column..<row).reduce(row == column ? 1 : 0) { $0 - factor[row, $1] * half[$1, column] }
        half[row, column] = rest / factor[row, row]
      }
    }
    return SquareMatrix(size: size) { row, column in
      (max(row, column)..<size).reduce(0) { $0 + half[$1, row] * half[$1, column] }
    }
  }
}
