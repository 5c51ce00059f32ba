import Foundation
import SegKernels

extension Recipe {
  /// The learning rate's schedule.
  var schedule: Schedule {
    switch optimization.schedule {
    case .constant: .constant
    case .poly: .poly(power: optimization.power)
    case .cosine: .cosine
    }
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
