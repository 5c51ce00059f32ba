import Foundation

/// Blurs a plane in place with a Gaussian: rows, then columns. Pixels beyond the edge are those at the edge.
///
/// - Parameter deviation: of the Gaussian, in pixels; the kernel reaches to three of them.
package func blur(_ plane: UnsafeMutablePointer<Float>, height: Int, width: Int, deviation: Float) {
  guard deviation > 0, height > 0, width > 0 else { return }
  let radius = Int((3 * deviation).rounded(.up))
  let raw = (-radius...radius).map { exp(-Float($0 * $0) / (2 * deviation * deviation)) }
  let total = raw.reduce(0, +), kernel = raw.map { $0 / total }
  func blurLine(_ start: Int, _ step: Int, _ count: Int, _ line: inout [Float]) {
    for index in 0..<count { line[index + radius] = plane[start + index * step] }
    for beyond in 0..<radius {
      line[beyond] = plane[start]
      line[count + radius + beyond] = plane[start + (count - 1) * step]
    }
    for index in 0..<count {
      var sum: Float = 0
      for (tap, weight) in kernel.enumerated() { sum += weight * line[index + tap] }
      plane[start + index * step] = sum
    }
  }
  var row = [Float](repeating: 0, count: width + 2 * radius), column = [Float](repeating: 0, count: height + 2 * radius)
  for y in 0..<height { blurLine(y * width, 1, width, &row) }
  for x in 0..<width { blurLine(x, width, height, &column) }
}
