import SegKernels

/// What an open shutter does: light is gathered along the way that each pixel's surface takes.
enum MotionBlur {
  /// Means along a way through each pixel, its middle there.
  ///
  /// - Parameter ways: columns and rows that each pixel moves while the shutter is open; not finite: none.
  static func applied(to light: [Vector], along ways: [SIMD2<Float>], size: Pair) -> [Vector] {
    [Vector](unsafeUninitializedCapacity: light.count) { target, count in
      let target = target.baseAddress!
      light.withUnsafeBufferPointer { light in
        ways.withUnsafeBufferPointer { ways in
          parallelFor(size.height) { row in
            for column in 0..<size.width {
              let place = row * size.width + column, way = ways[place]
              let length = (way * way).sum().squareRoot()
              guard length > 0.7, length < Float(size.width) else {
                (target + place).initialize(to: light[place])
                continue
              }
              // A sample a pixel, at most sixteen.
              let samples = min(Int(length.rounded(.up)) + 1, 16)
              var sum = Vector(0, 0, 0)
              for sample in 0..<samples {
                let part = Float(sample) / Float(samples - 1) - 0.5
                let x = Int((Float(column) + way.x * part).rounded()), y = Int((Float(row) + way.y * part).rounded())
                sum += light[min(max(y, 0), size.height - 1) * size.width + min(max(x, 0), size.width - 1)]
              }
              (target + place).initialize(to: sum / Float(samples))
            }
          }
        }
      }
      count = light.count
    }
  }
}
