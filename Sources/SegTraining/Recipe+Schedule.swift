import Foundation
import SegData
import SegKernels

extension Recipe {
  /// The learning rate's schedule.
  var schedule: Schedule {
    switch optimization.schedule {
    case .constant: .constant
    case .poly: .poly(power: optimization.power)
    case .cosine: .cosine
    case .steps: .steps(milestones: optimization.milestones, factor: optimization.milestoneFactor)
    }
  }

  /// What is done to samples at random.
  public var augmentation: Augmentation {
    let color = ColorJitter(
      brightness: augment.brightness, contrast: augment.contrast, saturation: augment.saturation, hue: augment.hue)
    return Augmentation(
      scale: augment.scale[0]...augment.scale[1], crop: Pair(height: augment.crop[0], width: augment.crop[1]),
      flips: augment.flip, color: color == ColorJitter() ? nil : color, blur: augment.blur)
  }

  /// The recipe as JSON with sorted keys.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self) + "\n"
  }

  /// 64-bit FNV-1a of the recipe's JSON: tells runs of different recipes apart.
  public var hash: String {
    String(stableHash(json), radix: 16)
  }
}
