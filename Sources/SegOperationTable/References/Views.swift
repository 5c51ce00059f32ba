import Glibc
import SegKernels

extension Reference {
  /// (1 − SSIM) / 2 within 0…1 of every channel by itself, windows of 3×3 pixels mirrored at the edge.
  public static func structuralDissimilarity(_ x: ReferenceArray, _ y: ReferenceArray) -> ReferenceArray {
    let (_, _, height, width) = x.imageExtents("structuralDissimilarity")
    func mirrored(_ place: Int, _ extent: Int) -> Int {
      place < 0 ? -place : place >= extent ? 2 * extent - 2 - place : place
    }
    return ReferenceArray(x.shape) { index in
      func mean(_ value: (Double, Double) -> Double) -> Double {
        var sum = 0.0
        for row in index[2] - 1...index[2] + 1 {
          for column in index[3] - 1...index[3] + 1 {
            let (i, j) = (mirrored(row, height), mirrored(column, width))
            sum += value(x[index[0], index[1], i, j], y[index[0], index[1], i, j])
          }
        }
        return sum / 9
      }
      let (mx, my) = (mean { a, _ in a }, mean { _, b in b })
      let vx = mean { a, _ in (a - mx) * (a - mx) }, vy = mean { _, b in (b - my) * (b - my) }
      let vxy = mean { a, b in (a - mx) * (b - my) }
      let similarity = (2 * mx * my + 1e-4) * (2 * vxy + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
      return min(max((1 - similarity) / 2, 0), 1)
    }
  }

  /// structure · (1 − SSIM) / 2 + (1 − structure) · |x − y|, means over channels.
  public static func photometricError(
    _ x: ReferenceArray, _ y: ReferenceArray, structure: Double
  ) -> ReferenceArray {
    let (batch, channels, height, width) = x.imageExtents("photometricError")
    let unlike = structuralDissimilarity(x, y)
    return ReferenceArray([batch, 1, height, width]) { index in
      (0..<channels).reduce(0) { sum, channel in
        let difference = Swift.abs(
          x[index[0], channel, index[2], index[3]] - y[index[0], channel, index[2], index[3]])
        return sum + structure * unlike[index[0], channel, index[2], index[3]] + (1 - structure) * difference
      } / Double(channels)
    }
  }

  /// Where pixels fall in another view: of depths `depthUnit` · d, cameras of four numbers each, and motions
  /// I + `turnUnit` · R and t.
  public static func viewPlaces(
    _ depth: ReferenceArray, depthUnit: Double, cameras: [Double], _ rotation: ReferenceArray, turnUnit: Double,
    _ translation: ReferenceArray
  ) -> ReferenceArray {
    let (batch, _, height, width) = depth.imageExtents("viewPlaces")
    return ReferenceArray([batch, height, width, 2]) { index in
      let (n, row, column) = (index[0], index[1], index[2]), camera = cameras[4 * n..<4 * n + 4].map { $0 }
      let d = depthUnit * depth[n, 0, row, column]
      let point = [d * (Double(column) - camera[2]) / camera[0], d * (Double(row) - camera[3]) / camera[1], d]
      let moved = (0..<3).map { i in
        (0..<3).reduce(translation[n, i]) { $0 + ((i == $1 ? 1 : 0) + turnUnit * rotation[n, i, $1]) * point[$1] }
      }
      let axis = index[3], extent = Double(axis == 0 ? width : height)
      let place = moved[axis] / max(moved[2], 1e-3) * camera[axis] + camera[2 + axis]
      return place * 2 / (extent - 1) - 1
    }
  }
}
