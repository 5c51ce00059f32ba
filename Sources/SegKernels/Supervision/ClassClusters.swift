/// A partition of classes into clusters that are told apart: c: {0 … N−1} → {0 … k−1}.
///
/// Clusters have no order of their own. They are numbered by the smallest class that each holds, so that two partitions
/// of the same sets are equal whatever their clusters were called.
public struct ClassClusters: Sendable, Hashable {
  /// The cluster of each class.
  public let assignment: [Int]
  /// k.
  public let count: Int

  /// A partition by any numbering: classes with equal numbers share a cluster.
  public init(_ numbers: [Int]) {
    check(!numbers.isEmpty, "ClassClusters", "expected at least one class, found none")
    var known: [Int: Int] = [:]
    assignment = numbers.map { number in
      let own = known[number] ?? known.count
      known[number] = own
      return own
    }
    count = known.count
  }

  /// A partition by its sets. Traps unless each of 0 ..< `classes` is in exactly one of them.
  public init(groups: [[Int]], classes: Int) {
    check(
      groups.flatMap { $0 }.sorted() == Array(0..<classes), "ClassClusters",
      "expected each of \(classes) classes in one group, found \(groups)")
    var numbers = [Int](repeating: 0, count: classes)
    for (number, group) in groups.enumerated() { for index in group { numbers[index] = number } }
    self.init(numbers)
  }

  /// Every class alone: k = N.
  public static func separate(_ classes: Int) -> ClassClusters { ClassClusters(Array(0..<classes)) }

  /// N.
  public var classes: Int { assignment.count }

  /// The classes of each cluster, rising.
  public var groups: [[Int]] {
    var groups = [[Int]](repeating: [], count: count)
    for (index, cluster) in assignment.enumerated() { groups[cluster].append(index) }
    return groups
  }

  /// Whether each of this partition's clusters lies within one of the other's.
  public func refines(_ other: ClassClusters) -> Bool {
    groups.allSatisfy { group in Set(group.map { other.assignment[$0] }).count == 1 }
  }

  /// Labels of clusters in place of labels of classes: what a head is asked that tells clusters apart alone.
  ///
  /// - Parameters:
  ///   - labels: each 0 ..< N or `ignoreIndex`; anything else traps.
  ///   - ignoreIndex: the label of pixels that do not count, which stays as it is; no class.
  public func targets(of labels: Labels, ignoreIndex: Int) -> Labels {
    check(
      !assignment.indices.contains(ignoreIndex), "ClassClusters.targets",
      "the ignored label \(ignoreIndex) is one of \(classes) classes")
    let table = assignment.map(Int32.init), ignored = Int32(ignoreIndex)
    return Labels(uninitialized: labels.shape) { targets in
      labels.withUnsafeBufferPointer { labels in
        for (pixel, label) in labels.enumerated() {
          guard label != ignored else {
            targets[pixel] = ignored
            continue
          }
          check(
            table.indices.contains(Int(label)), "ClassClusters.targets",
            "label \(label) is neither 0..<\(table.count) nor \(ignored)")
          targets[pixel] = table[Int(label)]
        }
      }
    }
  }
}

extension Labels {
  /// Every label that lies nearest to the middle of a cell of a coarser grid: h×w rows and columns of …×H×W.
  package func sampled(height: Int, width: Int) -> Labels {
    let (rows, columns) = (shape[-2], shape[-1]), images = rows * columns == 0 ? 0 : count / (rows * columns)
    check(
      (1...rows).contains(height) && (1...columns).contains(width), "Labels.sampled",
      "expected a size within \(rows)×\(columns), found \(height)×\(width)")
    let across = (0..<width).map { (2 * $0 + 1) * columns / (2 * width) }
    return withUnsafeBufferPointer { labels in
      Labels(uninitialized: Shape(shape.dropLast(2) + [height, width])) { result in
        var place = 0
        for image in 0..<images {
          for row in 0..<height {
            let start = (image * rows + (2 * row + 1) * rows / (2 * height)) * columns
            for column in across {
              result[place] = labels[start + column]
              place += 1
            }
          }
        }
      }
    }
  }
}
