import Glibc
import SegKernels

extension Reference {
  /// y[n, c, q] = Σₘ xₘ[n, c, placesₘ(n, q)]
  public static func sampledSum(_ maps: [ReferenceArray], at places: [SamplePlaces]) -> ReferenceArray {
    let images = maps.map { $0.shape[0] }.max()!, channels = maps[0].shape[1]
    func size(_ places: SamplePlaces) -> (rows: Int, columns: Int) {
      switch places {
      case .grid(let rows, let columns): (rows.count, columns.count)
      case .points(let pixels): (1, pixels.shape[1])
      }
    }
    let (rows, columns) = size(places[0])
    var y = ReferenceArray(zeros: [images, channels, rows, columns])
    for index in indices(of: y.shape) {
      for (map, places) in zip(maps, places) {
        let (row, column): (Int, Int)
        switch places {
        case .grid(let rows, let columns): (row, column) = (Int(rows[index[2]]), Int(columns[index[3]]))
        case .points(let pixels):
          (row, column) = Int(pixels[index[0], index[3]]).quotientAndRemainder(dividingBy: map.shape[3])
        }
        y[at: index] += map[map.shape[0] == 1 ? 0 : index[0], index[1], row, column]
      }
    }
    return y
  }

  /// Layers with rectifiers between on a sum of maps and of weight · [p, sin(E p), cos(E p)].
  public static func implicitNetwork(
    _ maps: [ReferenceArray], at places: [SamplePlaces],
    encoded: (rows: [Float], columns: [Float], weight: ReferenceArray, frequencies: ReferenceArray)?,
    bias: ReferenceArray, layers: [(weight: ReferenceArray, bias: ReferenceArray)]
  ) -> ReferenceArray {
    let sum = sampledSum(maps, at: places), channels = sum.shape[1]
    var y = ReferenceArray(zeros: [sum.shape[0], layers.last!.bias.shape[0], sum.shape[2], sum.shape[3]])
    for image in 0..<sum.shape[0] {
      for row in 0..<sum.shape[2] {
        for column in 0..<sum.shape[3] {
          var x = (0..<channels).map { sum[image, $0, row, column] + bias[$0] }
          if let encoded {
            let p = [Double(encoded.rows[row]), Double(encoded.columns[column])]
            let angles = (0..<12).map { encoded.frequencies[$0, 0] * p[0] + encoded.frequencies[$0, 1] * p[1] }
            let code = p + angles.map { Glibc.sin($0) } + angles.map { Glibc.cos($0) }
            for channel in 0..<channels {
              x[channel] += (0..<26).reduce(0) { $0 + encoded.weight[channel, $1] * code[$1] }
            }
          }
          for layer in layers {
            let positive = x.map { max($0, 0) }
            x = (0..<layer.bias.shape[0]).map { output in
              positive.indices.reduce(layer.bias[output]) { $0 + layer.weight[output, $1] * positive[$1] }
            }
          }
          for (channel, value) in x.enumerated() { y[image, channel, row, column] = value }
        }
      }
    }
    return y
  }
}
