import SegKernels

/// Optical flow: for every pixel of one frame, how far the same point of the scene lies away in another frame.
public struct FlowField: Sendable {
  /// 2×H×W: columns to the right, then rows down, in pixels. NaN where the flow is not known.
  public let vectors: Tensor

  /// A field of given vectors 2×H×W. Traps on other shapes.
  public init(_ vectors: Tensor) {
    check(vectors.rank == 3 && vectors.shape[0] == 2, "FlowField", "expected 2×H×W, found \(vectors.shape)")
    self.vectors = vectors
  }

  /// Rows.
  public var height: Int { vectors.shape[1] }
  /// Columns.
  public var width: Int { vectors.shape[2] }

  /// Labels of the other frame, pulled to this one: result(p) = labels(p + flow(p)), the nearest pixel, halves to even.
  ///
  /// - Parameters:
  ///   - labels: H×W, of the frame that the flow points into. Traps if it has another size.
  ///   - missing: what pixels get whose flow leaves the frame or is not known.
  public func pull(_ labels: Labels, missing: Int32) -> Labels {
    let (height, width) = (height, width), area = height * width
    check(
      labels.shape.suffix(2) == [height, width] && labels.count == area, "FlowField.pull",
      "expected labels of \(height)×\(width), found \(labels.shape)")
    return Labels(uninitialized: labels.shape) { result in
      labels.withUnsafeBufferPointer { labels in
        vectors.withUnsafeBufferPointer { vectors in
          let result = result.baseAddress
          parallelRuns(height, grain: 32) { rows in
            for y in rows {
              for x in 0..<width {
                let place = y * width + x
                let source = FlowField.pixel(
                  Float(x) + vectors[place], Float(y) + vectors[area + place], height: height, width: width)
                result![place] = source.map { labels[$0] } ?? missing
              }
            }
          }
        }
      }
    }
  }

  /// Where this frame's pixels cannot be seen in the other one, judged by the flow back: 1 where
  /// |f(p) + b(p + f(p))|² > 0.01 (|f(p)|² + |b(p + f(p))|²) + 0.5, or p + f(p) is outside the frame or not known.
  ///
  /// Sundaram, Brox and Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical Flow", 2010,
  /// equation 5; b is taken at the nearest pixel.
  public func occlusion(backward: FlowField) -> Labels {
    let (height, width) = (height, width), area = height * width
    check(
      backward.vectors.shape == vectors.shape, "FlowField.occlusion",
      "flows \(vectors.shape) and \(backward.vectors.shape) differ in shape")
    return Labels(uninitialized: [height, width]) { result in
      vectors.withUnsafeBufferPointer { f in
        backward.vectors.withUnsafeBufferPointer { b in
          for place in 0..<area {
            let (u, v) = (f[place], f[area + place])
            let (x, y) = (Float(place % width) + u, Float(place / width) + v)
            guard let source = FlowField.pixel(x, y, height: height, width: width) else {
              result[place] = 1
              continue
            }
            let (backU, backV) = (b[source], b[area + source])
            let sum = (u + backU) * (u + backU) + (v + backV) * (v + backV)
            let length = u * u + v * v + backU * backU + backV * backV
            result[place] = sum <= 0.01 * length + 0.5 ? 0 : 1
          }
        }
      }
    }
  }

  /// The mean length of the difference between two flows, in pixels, over the pixels where both are known; nil of none.
  public func endpointError(against truth: FlowField) -> Double? {
    check(
      truth.vectors.shape == vectors.shape, "FlowField.endpointError",
      "flows \(vectors.shape) and \(truth.vectors.shape) differ in shape")
    let area = height * width
    var sum = 0.0, count = 0
    vectors.withUnsafeBufferPointer { a in
      truth.vectors.withUnsafeBufferPointer { b in
        for place in 0..<area {
          let (u, v) = (Double(a[place] - b[place]), Double(a[area + place] - b[area + place]))
          let length = (u * u + v * v).squareRoot()
          if !length.isNaN {
            sum += length
            count += 1
          }
        }
      }
    }
    return count > 0 ? sum / Double(count) : nil
  }

  /// The pixel nearest to a place; nil outside the frame, and for NaN.
  @inline(__always)
  private static func pixel(_ x: Float, _ y: Float, height: Int, width: Int) -> Int? {
    let (column, row) = (x.rounded(.toNearestOrEven), y.rounded(.toNearestOrEven))
    guard column >= 0, row >= 0, column < Float(width), row < Float(height) else { return nil }
    return Int(row) * width + Int(column)
  }
}
