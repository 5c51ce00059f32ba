import CSegKernels

/// A convolution's weights in the order in which its kernel reads them, output channels padded with zeros to whole panels.
enum PackedWeights {
  /// O×C×kH×kW for an algorithm, at a block of channels.
  static func pack(_ weight: Tensor, for algorithm: ConvolutionAlgorithm, block: Int) -> Storage {
    switch algorithm {
    case .direct: direct(weight, block)
    case .depthwise: depthwise(weight, block)
    case .winograd: winograd(weight, block)
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

  /// G: what evaluates a kernel's polynomial at 0, 1, −1, ½, −2 and infinity, with the factors that make it an inverse.
  private static let points: [(Double, Double, Double)] = [
    (1, 0, 0), (1.0 / 3, 1.0 / 3, 1.0 / 3), (-1.0 / 3, 1.0 / 3, -1.0 / 3),
    (-16.0 / 15, -8.0 / 15, -4.0 / 15), (1.0 / 15, -2.0 / 15, 4.0 / 15), (0, 0, 1),
  ]

  /// G g Gᵀ in double precision, [point][panel][channel][output].
  private static func winograd(_ weight: Tensor, _ block: Int) -> Storage {
    let (outputs, channels) = (weight.shape[0], weight.shape[1])
    let lanes = 2 * block, panels = ceilingDivide(outputs, lanes)
    let points = points
    return filled(36 * panels * channels * lanes) { target in
      weight.withUnsafeBufferPointer { source in
        let source = source.baseAddress!
        parallelFor(panels) { panel in
          withUnsafeTemporaryAllocation(of: Double.self, capacity: 18) { half in
            for output in (panel * lanes)..<min((panel + 1) * lanes, outputs) {
              for channel in 0..<channels {
                let g = source + (output * channels + channel) * 9
                for i in 0..<6 {
                  let (a, b, c) = points[i]
                  for j in 0..<3 { half[i * 3 + j] = a * Double(g[j]) + b * Double(g[3 + j]) + c * Double(g[6 + j]) }
                }
                let place = (panel * channels + channel) * lanes + output % lanes
                for i in 0..<6 {
                  for j in 0..<6 {
                    let (a, b, c) = points[j]
                    let value = a * half[i * 3] + b * half[i * 3 + 1] + c * half[i * 3 + 2]
                    target[(i * 6 + j) * panels * channels * lanes + place] = Float(value)
                  }
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
