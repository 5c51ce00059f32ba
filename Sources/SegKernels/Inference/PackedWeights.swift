import CSegKernels

/// A convolution's weights in the order in which its kernel reads them, output channels padded with zeros to whole panels.
enum PackedWeights {
  /// O×C×kH×kW for an algorithm, at a block of channels.
  static func pack(_ weight: Tensor, for algorithm: ConvolutionAlgorithm, block: Int) -> Storage {
    switch algorithm {
    case .direct: direct(weight, block)
    case .depthwise: depthwise(weight, block)
    case .winograd2: winograd(weight, block, points: points2)
    case .winograd4: winograd(weight, block, points: points4)
    }
  }

  /// A number an output channel, padded with zeros to whole panels.
  static func pack(bias: Tensor, block: Int) -> Storage {
    filled(ceilingDivide(bias.count, 2 * block) * 2 * block) { target in
      bias.withUnsafeBufferPointer { target.update(from: $0.baseAddress!, count: bias.count) }
    }
  }

  /// [panel][block of channels][tap][channel][output]
  private static func direct(_ weight: Tensor, _ block: Int) -> Storage {
    let (outputs, channels, taps) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
    let lanes = 2 * block, panels = ceilingDivide(outputs, lanes)
    return filled(panels * channels * taps * lanes) { target in
      weight.withUnsafeBufferPointer { source in
        for output in 0..<outputs {
          let (panel, lane) = output.quotientAndRemainder(dividingBy: lanes)
          for channel in 0..<channels {
            let first = channel / block * block, width = min(block, channels - first)
            for tap in 0..<taps {
              let place = (panel * channels + first) * taps + tap * width + (channel - first)
              target[place * lanes + lane] = source[(output * channels + channel) * taps + tap]
            }
          }
        }
      }
    }
  }

  /// [block of channels][tap][channel]
  private static func depthwise(_ weight: Tensor, _ block: Int) -> Storage {
    let (channels, taps) = (weight.shape[0], weight.shape[2] * weight.shape[3])
    return filled(ceilingDivide(channels, block) * block * taps) { target in
      weight.withUnsafeBufferPointer { source in
        for channel in 0..<channels {
          for tap in 0..<taps {
            target[(channel / block * taps + tap) * block + channel % block] = source[channel * taps + tap]
          }
        }
      }
    }
  }

  /// G: what evaluates a kernel's polynomial at 0, 1, −1 and infinity, with the factors that make it an inverse.
  private static let points2: [SIMD3<Double>] = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
  /// The same at 0, 1, −1, ½, −2 and infinity.
  private static let points4: [SIMD3<Double>] = [
    [1, 0, 0], [1.0 / 3, 1.0 / 3, 1.0 / 3], [-1.0 / 3, 1.0 / 3, -1.0 / 3], [-16.0 / 15, -8.0 / 15, -4.0 / 15],
    [1.0 / 15, -2.0 / 15, 4.0 / 15], [0, 0, 1],
  ]

  /// G g Gᵀ in double precision, [point][panel][channel][output].
  private static func winograd(_ weight: Tensor, _ block: Int, points: [SIMD3<Double>]) -> Storage {
    let (outputs, channels) = (weight.shape[0], weight.shape[1])
    let lanes = 2 * block, panels = ceilingDivide(outputs, lanes)
    let pointSize = panels * channels * lanes
    return filled(points.count * points.count * pointSize) { target in
      weight.withUnsafeBufferPointer { source in
        let source = source.baseAddress!
        parallelFor(panels) { panel in
          for output in (panel * lanes)..<min((panel + 1) * lanes, outputs) {
            for channel in 0..<channels {
              let g = source + (output * channels + channel) * 9
              let top = SIMD3(Double(g[0]), Double(g[1]), Double(g[2]))
              let middle = SIMD3(Double(g[3]), Double(g[4]), Double(g[5]))
              let bottom = SIMD3(Double(g[6]), Double(g[7]), Double(g[8]))
              var place = (panel * channels + channel) * lanes + output % lanes
              for a in points {
                let half = a.x * top + a.y * middle + a.z * bottom
                for b in points {
                  target[place] = Float((half * b).sum())
                  place += pointSize
                }
              }
            }
          }
        }
      }
    }
  }

  private static func filled(_ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void) -> Storage {
    let storage = Storage(count: count, zeroed: true)
    fill(storage.base)
    return storage
  }
}
