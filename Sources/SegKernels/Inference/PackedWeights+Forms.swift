import CSegKernels

extension PackedWeights {
  /// O×C×kH×kW, its outputs multiplied by `scale` in double precision, in another order.
  static func pack(_ weight: Tensor, scale: [Double]?, as form: Form) -> Storage {
    let block = Int(kernels.channelBlock())
    switch form {
    case .direct: return direct(weight, scale, block)
    case .depthwise: return depthwise(weight, scale, block)
    case .winograd(let side):
      var (step, count) = transformation(of: weight.shape, side: side)
      let source = direct(weight, scale, block), result = Storage(count: count)
      step.x = UnsafePointer(source.base)
      step.y = result.base
      withExtendedLifetime(source) { step.run(scratch: 0) }
      return result
    }
  }

  /// A number an output channel, padded with zeros to whole panels.
  static func pack(bias: Tensor, block: Int) -> Storage {
    filled(ceilingDivide(bias.count, 2 * block) * 2 * block) { target in
      bias.withUnsafeBufferPointer { target.update(from: $0.baseAddress!, count: bias.count) }
    }
  }

  /// The step that takes weights from the order of direct convolution to Winograd's, and the floats that it makes.
  static func transformation(of weight: Shape, side: Int) -> (step: SKMapStep, count: Int) {
    let kernels = kernels
    var step = SKMapStep()
    step.run = side == 4 ? kernels.transformWeights4 : kernels.transformWeights2
    (step.batch, step.outputs, step.channels) = (1, Int32(weight[0]), Int32(weight[1]))
    step.tasks = Int32(
      ceilingDivide(weight[0], 2 * Int(kernels.channelBlock())) * ceilingDivide(weight[1], Int(SK_WEIGHT_CHUNK)))
    return (step, kernels.winogradWeights(&step, Int32(side)))
  }

  private static func direct(_ weight: Tensor, _ scale: [Double]?, _ block: Int) -> Storage {
    let (outputs, channels, taps) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
    let lanes = 2 * block, panels = ceilingDivide(outputs, lanes)
    return filled(panels * channels * taps * lanes) { target in
      weight.withUnsafeBufferPointer { source in
        nonisolated(unsafe) let (source, target) = (source, target)
        parallelFor(panels) { panel in
          for lane in 0..<min(lanes, outputs - panel * lanes) {
            let output = panel * lanes + lane, factor = scale?[output] ?? 1
            for channel in 0..<channels {
              let first = channel / block * block, width = min(block, channels - first)
              for tap in 0..<taps {
                let place = (panel * channels + first) * taps + tap * width + (channel - first)
                target[place * lanes + lane] = Float(
                  Double(source[(output * channels + channel) * taps + tap]) * factor)
              }
            }
          }
        }
      }
    }
  }

  private static func depthwise(_ weight: Tensor, _ scale: [Double]?, _ block: Int) -> Storage {
    let (channels, taps) = (weight.shape[0], weight.shape[2] * weight.shape[3])
    return filled(ceilingDivide(channels, block) * block * taps) { target in
      weight.withUnsafeBufferPointer { source in
        for channel in 0..<channels {
          let factor = scale?[channel] ?? 1
          for tap in 0..<taps {
            target[(channel / block * taps + tap) * block + channel % block] =
              Float(Double(source[channel * taps + tap]) * factor)
          }
        }
      }
    }
  }

  private static func filled(_ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void) -> Storage {
    // Not `zeroed`: that takes fresh memory each time, and what is packed only to be transformed would pile up.
    let storage = Storage(count: count)
    storage.base.update(repeating: 0, count: count)
    fill(storage.base)
    return storage
  }
}
