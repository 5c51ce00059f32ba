import Foundation
import SegFiles
import SegKernels

/// Which classes each stage of a network is asked to tell apart: a file of class names that people read and write.
///
/// ```json
/// { "stages": [ { "stage": "f8", "clusters": [ ["road", "sidewalk"], ["sky"] ] } ] }
/// ```
/// is all that is needed of one written by hand; files that ``HierarchySearch`` writes also say where it comes from.
public struct StageHierarchy: Sendable, Hashable, Codable {
  /// One stage.
  public struct Stage: Sendable, Hashable, Codable {
    /// Its name.
    public var stage: String
    /// The names of the classes of each cluster; every class is in one.
    public var clusters: [[String]]
    /// P(1) … P(N), the mean IoU where only 1 … N clusters are told apart; nil where nobody measured it.
    public var curve: [Double]?

    /// A stage and its clusters.
    public init(stage: String, clusters: [[String]], curve: [Double]? = nil) {
      self.stage = stage
      self.clusters = clusters
      self.curve = curve
    }
  }

  /// In the order in which they are computed.
  public var stages: [Stage]
  /// P_L(N): the mean IoU of the network's own logits, to which the ray goes.
  public var finalMeanIoU: Double?
  /// The scaling of complexity along the ray.
  public var axis: ComplexityAxis?
  /// How the cuts were made.
  public var cuts: ClassCuts.Kind?
  /// Images that were counted.
  public var images: Int?
  /// The hash of the recipe of the first phase.
  public var recipe: String?

  /// The clusters of some stages.
  public init(stages: [Stage]) { self.stages = stages }

  /// The file of a run's folder.
  public static func file(in folder: URL) -> URL { folder.appendingPathComponent("hierarchy.json") }

  /// Reads a file.
  ///
  /// - Throws: `FileError`.
  public init(contentsOf file: URL) throws {
    self = try readJSON(
      at: file, expecting: "a file of clusters",
      contents: "expected JSON with 'stages', each of a name 'stage' and lists of class names 'clusters'")
  }

  /// The clusters of each of a network's stages, in the order of `names`.
  ///
  /// - Parameters:
  ///   - names: the stages.
  ///   - classes: the names of all classes.
  ///   - path: what to call the file in errors.
  /// - Throws: `FileError` if a stage is missing, a class unknown, in two clusters, or in none.
  public func clusters(of names: [String], classes: [String], path: String) throws -> [ClassClusters] {
    let known = StageHierarchy.distinct(classes)
    return try names.map { name in
      guard let stage = stages.first(where: { $0.stage == name }) else {
        let found = stages.map(\.stage).joined(separator: ", ")
        throw FileError(path: path, problem: "expected clusters for stage '\(name)', found those for \(found)")
      }
      var numbers = [Int?](repeating: nil, count: known.count)
      for (cluster, members) in stage.clusters.enumerated() {
        for member in members {
          guard let index = known.firstIndex(of: member) else {
            throw FileError(path: path, problem: "stage '\(name)': \(member.quoted) is none of the classes")
          }
          guard numbers[index] == nil else {
            throw FileError(path: path, problem: "stage '\(name)': \(member.quoted) is in two places")
          }
          numbers[index] = cluster
        }
      }
      if let missing = numbers.firstIndex(of: nil) {
        throw FileError(path: path, problem: "stage '\(name)': \(known[missing].quoted) is in no cluster")
      }
      return ClassClusters(numbers.compactMap { $0 })
    }
  }

  /// The names of classes, told apart where two classes share one.
  static func distinct(_ names: [String]) -> [String] {
    var seen: [String: Int] = [:]
    return names.map { name in
      seen[name, default: 0] += 1
      return seen[name]! > 1 ? "\(name) (\(seen[name]!))" : name
    }
  }

  /// The names of each cluster.
  static func names(of clusters: ClassClusters, classes: [String]) -> [[String]] {
    let known = distinct(classes)
    return clusters.groups.map { $0.map { known[$0] } }
  }
}
