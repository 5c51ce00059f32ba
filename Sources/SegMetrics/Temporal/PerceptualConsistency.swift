import SegKernels

/// Perceptual consistency of two segmented frames: does the pixel that looks most alike have the same label?
///
/// With R the cosine similarities between the features of A's and B's pixels, for a pixel i of A
///
///     u = max over j of R(i, j)                                       (1)
///     v = max over j of R(i, j) · [label of i = label of j]           (2)
///     pc(i) = (v − mean R(i, ·)) / (u − mean R(i, ·))                 (3)
///
/// PC(A → B) is the mean of pc over A, PC(A, B) the smaller of both directions, and a video's score the mean over
/// neighbouring frames (4). A constant or frozen prediction scores 1: read it beside mIoU. The condition in (2) is a
/// factor, so a label that B lacks has v = 0.
///
/// Zhang et al., "Perceptual Consistency in Video Segmentation", 2022, equations 1 to 4, and its published function.
public struct PerceptualConsistency: Sendable {
  /// pc of each pixel of A: h×w.
  public let mapA: Tensor
  /// pc of each pixel of B.
  public let mapB: Tensor
  /// PC(A → B) and PC(B → A).
  public let aToB, bToA: Double

  /// PC(A, B): the smaller of both directions.
  public var score: Double { min(aToB, bToA) }

  /// Compares two frames; both directions come from one pass over R, a band of rows at a time.
  ///
  /// - Parameters:
  ///   - featuresA: C×h×w; vectors need not be normalised.
  ///   - labelsA: h×w, at the features' resolution.
  ///   - featuresB: C×h'×w'.
  ///   - labelsB: h'×w'.
  ///
  /// Traps if shapes do not fit or a frame is empty. A pixel whose features are all 0 has NaN.
  public init(featuresA: Tensor, labelsA: Labels, featuresB: Tensor, labelsB: Labels) {
    for (features, labels) in [(featuresA, labelsA), (featuresB, labelsB)] {
      check(
        features.rank == 3 && features.shape[0] == featuresA.shape[0]
          && labels.shape.suffix(2) == features.shape.suffix(2)
          && labels.count == features.shape[1] * features.shape[2] && labels.count > 0, "PerceptualConsistency",
        "expected features C×h×w and labels h×w, found \(features.shape) and \(labels.shape)")
    }
    let a = Side(featuresA, labelsA), b = Side(featuresB, labelsB)
    var ofA = Matches(count: a.count), ofB = Matches(count: b.count)
    let band = max(1, min(a.count, (1 << 22) / b.count))
    for first in stride(from: 0, to: a.count, by: band) {
      let rows = first..<min(first + band, a.count)
      let similarity = linear(a.rows(rows), weight: b.matrix)
      similarity.withUnsafeBufferPointer { r in
        ofA.takeRows(r.baseAddress!, rows, of: a, against: b)
        ofB.takeColumns(r.baseAddress!, rows, of: a, against: b)
      }
    }
    (mapA, aToB) = ofA.consistency(of: a, against: b, shape: labelsA.shape)
    (mapB, bToA) = ofB.consistency(of: b, against: a, shape: labelsB.shape)
  }
}

/// The pixels of a frame, sorted by label: those of one label lie side by side.
private struct Side {
  let count: Int
  /// n×C, every row of length 1.
  let matrix: Tensor
  /// Sorted position → position in the frame.
  let order: [Int]
  /// The label of each sorted pixel.
  let labels: [Int32]
  /// Where the pixels of a label lie.
  let ranges: [Int32: Range<Int>]

  init(_ features: Tensor, _ labels: Labels) {
    let (channels, count) = (features.shape[0], labels.count)
    let values = labels.values
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    matrix = Tensor(uninitialized: [count, channels]) { rows in
      features.withUnsafeBufferPointer { features in
        for (row, pixel) in order.enumerated() {
          let squares = (0..<channels).reduce(0.0) { sum, channel in
            let value = Double(features[channel * count + pixel])
            return sum + value * value
          }
          let scale = 1 / squares.squareRoot()
          for channel in 0..<channels {
            rows[row * channels + channel] = Float(Double(features[channel * count + pixel]) * scale)
          }
        }
      }
    }
    var ranges: [Int32: Range<Int>] = [:]
    for (place, pixel) in order.enumerated() {
      ranges[values[pixel]] = (ranges[values[pixel]]?.lowerBound ?? place)..<(place + 1)
    }
    self.count = count
    self.order = order
    self.ranges = ranges
    self.labels = order.map { values[$0] }
  }

  func rows(_ rows: Range<Int>) -> Tensor {
    let channels = matrix.shape[1]
    return Tensor(uninitialized: [rows.count, channels]) { target in
      matrix.withUnsafeBufferPointer {
        _ = target.update(fromContentsOf: $0[(rows.lowerBound * channels)..<(rows.upperBound * channels)])
      }
    }
  }
}

/// For each pixel of one side: its greatest similarity, the greatest within its label, and the sum of all.
private struct Matches {
  private var best: [Float], bestOfLabel: [Float]
  private var sum: [Double]

  init(count: Int) {
    best = [Float](repeating: -.infinity, count: count)
    bestOfLabel = best
    sum = [Double](repeating: 0, count: count)
  }

  /// Takes whole rows of R: all that pixels of A need.
  mutating func takeRows(_ r: UnsafePointer<Float>, _ rows: Range<Int>, of a: Side, against b: Side) {
    update { best, bestOfLabel, sum in
      parallelRuns(rows.count, grain: 16) { run in
        for row in run {
          let pixel = rows.lowerBound + row, values = UnsafeBufferPointer(start: r + row * b.count, count: b.count)
          best[pixel] = greatest(values[...])
          sum[pixel] = total(values)
          if let range = b.ranges[a.labels[pixel]] { bestOfLabel[pixel] = greatest(values[range]) }
        }
      }
    }
  }

  /// Takes a band of rows of R: a part of what pixels of B need.
  mutating func takeColumns(_ r: UnsafePointer<Float>, _ rows: Range<Int>, of a: Side, against b: Side) {
    update { best, bestOfLabel, sum in
      parallelRuns(b.count, grain: 1024) { columns in
        for (row, pixel) in rows.enumerated() {
          let values = r + row * b.count
          for column in columns {
            best[column] = max(best[column], values[column])
            sum[column] += Double(values[column])
          }
          guard let range = b.ranges[a.labels[pixel]]?.clamped(to: columns) else { continue }
          for column in range { bestOfLabel[column] = max(bestOfLabel[column], values[column]) }
        }
      }
    }
  }

  private mutating func update(
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Double>) -> Void
  ) {
    best.withUnsafeMutableBufferPointer { best in
      bestOfLabel.withUnsafeMutableBufferPointer { bestOfLabel in
        sum.withUnsafeMutableBufferPointer { sum in
          body(best.baseAddress!, bestOfLabel.baseAddress!, sum.baseAddress!)
        }
      }
    }
  }

  /// Equation 3 for every pixel, in the order of the frame, and its mean.
  func consistency(of side: Side, against other: Side, shape: Shape) -> (map: Tensor, mean: Double) {
    var sumOfAll = 0.0
    let map = Tensor(uninitialized: shape) { map in
      for (place, pixel) in side.order.enumerated() {
        let mean = sum[place] / Double(other.count)
        // Pixels of other labels take part with 0.
        let isAlone = other.ranges[side.labels[place]]?.count == other.count
        let v = isAlone ? bestOfLabel[place] : max(bestOfLabel[place], 0)
        let pc = (Double(v) - mean) / (Double(best[place]) - mean)
        map[pixel] = Float(pc)
        sumOfAll += pc
      }
    }
    return (map, sumOfAll / Double(side.count))
  }
}

/// The greatest value, eight at a time.
private func greatest(_ values: Slice<UnsafeBufferPointer<Float>>) -> Float {
  let values = UnsafeBufferPointer(rebasing: values)
  var lanes = SIMD8<Float>(repeating: -.infinity), place = 0
  while place + 8 <= values.count {
    let next = UnsafeRawPointer(values.baseAddress! + place).loadUnaligned(as: SIMD8<Float>.self)
    lanes.replace(with: next, where: next .> lanes)
    place += 8
  }
  return values[place...].reduce(lanes.max()) { Swift.max($0, $1) }
}

/// The sum in double precision, eight at a time.
private func total(_ values: UnsafeBufferPointer<Float>) -> Double {
  var lanes = SIMD8<Double>(repeating: 0), place = 0
  while place + 8 <= values.count {
    lanes += SIMD8<Double>(UnsafeRawPointer(values.baseAddress! + place).loadUnaligned(as: SIMD8<Float>.self))
    place += 8
  }
  return values[place...].reduce(lanes.sum()) { $0 + Double($1) }
}
