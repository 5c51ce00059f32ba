import SegKernels

extension Reference {
  /// The exponential of the cross-product matrix as its power series: nothing of Rodrigues' formula.
  static func rotation(axisAngle x: ReferenceArray) -> ReferenceArray {
    var result = ReferenceArray(zeros: [x.shape[0], 3, 3])
    for n in 0..<x.shape[0] {
      let (a, b, c) = (x.values[3 * n], x.values[3 * n + 1], x.values[3 * n + 2])
      let cross = [0, -c, b, c, 0, -a, -b, a, 0]
      var term: [Double] = [1, 0, 0, 0, 1, 0, 0, 0, 1], sum = term
      for power in 1...40 {
        let before = term
        for i in 0..<3 {
          for j in 0..<3 {
            term[3 * i + j] = (0..<3).reduce(0.0) { $0 + before[3 * i + $1] * cross[3 * $1 + j] } / Double(power)
          }
        }
        for i in 0..<9 { sum[i] += term[i] }
      }
      for i in 0..<9 { result.values[9 * n + i] = sum[i] }
    }
    return result
  }
}
