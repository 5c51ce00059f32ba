import Foundation
import SegFiles
import SegKernels

/// Cityscapes' 19 classes put together in groups that depth can tell apart.
public struct ClassGrouping: Sendable, Hashable {
  /// The groups' names.
  public let names: [String]
  /// The group of each class, by trainId.
  public let groups: [Int32]

  /// Ground; upright background; sky; thin things; people and riders; vehicles. The default.
  public static let geometry6 = ClassGrouping(
    names: ["ground", "background", "sky", "thin", "people", "vehicles"],
    groups: [0, 0, 1, 1, 1, 3, 3, 3, 1, 0, 2, 4, 4, 5, 5, 5, 5, 5, 5])
  /// Ground; background with sky; thin things; what moves.
  public static let coarse4 = ClassGrouping(
    names: ["ground", "background", "thin", "movable"],
    groups: [0, 0, 1, 1, 1, 2, 2, 2, 1, 0, 1, 3, 3, 3, 3, 3, 3, 3, 3])
  /// Every class by itself.
  public static let full19 = ClassGrouping(names: (0..<19).map { "class \($0)" }, groups: (0..<19).map { $0 })

  private init(names: [String], groups: [Int32]) {
    self.names = names
    self.groups = groups
  }

  /// Reads `geometry6`, `coarse4`, `full19`, or a file with a group a line: its name, a colon, and trainIds.
  ///
  /// - Throws: `FileError` unless the lines hold each of 0 to 18 once.
  public init(_ name: String) throws {
    let known: [String: ClassGrouping] = [
      "geometry6": .geometry6, "coarse4": .coarse4, "full19": .full19,
    ]
    if let grouping = known[name] {
      self = grouping
      return
    }
    guard let text = try? String(contentsOfFile: name, encoding: .utf8) else {
      throw FileError(
        path: name, kind: .missing,
        problem: "expected a file of groups, or one of \(known.keys.sorted().joined(separator: ", "))")
    }
    var names: [String] = [], groups = [Int32](repeating: -1, count: 19)
    for line in text.split(whereSeparator: \.isNewline) where !line.allSatisfy(\.isWhitespace) {
      let parts = line.split(separator: ":", maxSplits: 1)
      let ids = parts.count == 2 ? parts[1].split(whereSeparator: \.isWhitespace).map { Int($0) } : []
      guard !ids.isEmpty, !ids.contains(nil) else {
        throw FileError(path: name, problem: "expected 'name: trainId …', found '\(line)'")
      }
      for id in ids.compactMap({ $0 }) {
        guard groups.indices.contains(id), groups[id] < 0 else {
          throw FileError(path: name, problem: "expected each of 0 to 18 once, found \(id) twice or outside")
        }
        groups[id] = Int32(names.count)
      }
      names.append(String(parts[0]))
    }
    guard let missing = groups.firstIndex(of: -1) else {
      self.init(names: names, groups: groups)
      return
    }
    throw FileError(path: name, problem: "expected each of 0 to 18 once, found no \(missing)")
  }

  /// Probabilities of the 19 classes, N×19×H×W, as those of the groups, N×groups×H×W.
  public func callAsFunction(_ probabilities: Tensor) -> Tensor {
    let members = names.indices.flatMap { group in groups.map { $0 == Int32(group) ? Float(1) : 0 } }
    return conv2d(probabilities, weight: Tensor([names.count, groups.count, 1, 1], members))
  }

  /// Classes as groups; what is no class becomes 255.
  public func callAsFunction(_ labels: Labels) -> Labels {
    Labels(labels.shape, labels.values.map { groups.indices.contains(Int($0)) ? groups[Int($0)] : 255 })
  }
}
