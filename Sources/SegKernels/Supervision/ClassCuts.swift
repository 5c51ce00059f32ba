/// The classes of a confusion matrix in 1, 2, … N clusters, those first apart that are rarely taken for each other.
///
/// Classes without pixels have no row of their own. One that is predicted nevertheless joins the class whose pixels are
/// most often taken for it; one that is not stays alone as long as there are clusters for that.
public struct ClassCuts: Sendable, Hashable {
  /// How the cuts hang together.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Each made anew, by ``SpectralClustering``.
    case independent
    /// Each divides one cluster of the one before, by ``SpectralTree``.
    case nested
  }

  /// The partition into k clusters at place k − 1.
  public let clusters: [ClassClusters]
  /// P(k) at place k − 1: the mean IoU where only the k clusters are told apart.
  public let curve: [Double]

  /// Cuts of the classes into every number of clusters.
  ///
  /// - Parameters:
  ///   - confusion: how classes are taken for each other.
  ///   - kind: how the cuts hang together.
  ///   - floor: see ``ClassConfusion/affinity(of:floor:)``.
  ///   - seed: of k-means, for independent cuts.
  ///   - restarts: of k-means.
  public init(
    _ confusion: ClassConfusion, _ kind: Kind = .independent, floor: Double = 1e-4, seed: UInt64 = 1,
    restarts: Int = 20
  ) {
    let present = confusion.present
    check(!present.isEmpty, "ClassCuts", "expected pixels of some class, found none of \(confusion.classes)")
    let absent = AbsentClasses(confusion)
    let affinity = confusion.affinity(of: present, floor: floor)
    let cut: (Int) -> [Int]
    if present.count == 1 {
      cut = { _ in [0] }
    } else if kind == .nested {
      let tree = SpectralTree(affinity: affinity)
      cut = { tree.clusters($0) }
    } else {
      let spectrum = SpectralClustering(affinity: affinity)
      cut = { spectrum.clusters($0, seed: seed, restarts: restarts) }
    }
    clusters = (1...confusion.classes).map { count in
      let shares = absent.shares(of: count, present: present.count)
      return absent.completed(cut(shares.present), of: present, shares)
    }
    curve = clusters.map { confusion.merged(by: $0).meanIoU }
  }

  /// N.
  public var classes: Int { clusters.count }

  /// The partition into k clusters.
  public func callAsFunction(_ count: Int) -> ClassClusters { clusters[count - 1] }
}

/// Where classes without pixels go.
private struct AbsentClasses {
  /// Those that are predicted, and the class that each joins.
  private let attached: [(own: Int, host: Int)]
  /// Those that are not.
  private let lone: [Int]
  private let classes: Int

  init(_ confusion: ClassConfusion) {
    let present = confusion.present
    var attached: [(own: Int, host: Int)] = [], lone: [Int] = []
    for index in 0..<confusion.classes where !present.contains(index) {
      let host = present.max { confusion.counts[$0][index] < confusion.counts[$1][index] }!
      if confusion.counts[host][index] > 0 { attached.append((own: index, host: host)) } else { lone.append(index) }
    }
    self.attached = attached
    self.lone = lone
    classes = confusion.classes
  }

  /// How many of `count` clusters are for present classes, for lone ones, and for those that part from their hosts at
  /// last.
  func shares(of count: Int, present: Int) -> (present: Int, lone: Int, parted: Int) {
    let alone = min(lone.count, count - 1), own = min(present, count - alone)
    return (own, alone, count - alone - own)
  }

  /// The partition of all classes, given that of the present ones.
  func completed(_ clusters: [Int], of present: [Int], _ shares: (present: Int, lone: Int, parted: Int))
    -> ClassClusters
  {
    var numbers = [Int](repeating: 0, count: classes)
    for (index, cluster) in zip(present, clusters) { numbers[index] = cluster }
    for (place, index) in lone.enumerated() where shares.lone > 0 {
      numbers[index] = shares.present + min(place, shares.lone - 1)
    }
    for (place, pair) in attached.enumerated() {
      numbers[pair.own] = place < shares.parted ? shares.present + shares.lone + place : numbers[pair.host]
    }
    return ClassClusters(numbers)
  }
}
