/// The name of an HS3-Fuse network: `hs3fuse_<network>`, and behind it the clusters of each stage where these are not
/// all classes: `hs3fuse_ffnet22S_half_BCC_k7-12-19`.
public struct HS3FuseName: Sendable, Hashable, CustomStringConvertible {
  /// The network underneath, without the prefix `segmentation_`.
  public let base: String
  /// Clusters of each stage; empty for all classes everywhere.
  public let clusters: [Int]

  /// The names that are listed; each also with clusters behind it.
  public static let names = ["ffnet22S_half_BCC", "ffnet78S_dBBB_mobile", "hrnet18"].map { prefix + $0 }
  private static let prefix = "hs3fuse_"

  /// The name of a network with given clusters.
  public init(base: String, clusters: [Int] = []) {
    self.base = base
    self.clusters = clusters
  }

  /// Reads a name; nil if it is none of ``names``, with or without clusters.
  public init?(_ name: String) {
    var base = name, clusters: [Int] = []
    if let mark = name.firstRange(of: "_k") {
      let counts = name[mark.upperBound...].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard counts.allSatisfy({ ($0 ?? 0) > 0 }) else { return nil }
      base = String(name[..<mark.lowerBound])
      clusters = counts.compactMap { $0 }
    }
    guard Self.names.contains(base) else { return nil }
    self.init(base: String(base.dropFirst(Self.prefix.count)), clusters: clusters)
  }

  public var description: String {
    Self.prefix + base + (clusters.isEmpty ? "" : "_k" + clusters.map { "\($0)" }.joined(separator: "-"))
  }
}
