/// Spectral clustering of a small graph into any number of clusters, each cut made anew.
///
/// The eigenvectors of the k smallest eigenvalues of the normalised Laplacian I − D^(−½) A D^(−½) give every vertex k
/// coordinates; these, scaled to length 1, are clustered by k-means. Ng, Jordan and Weiss, "On Spectral Clustering:
/// Analysis and an Algorithm", 2002.
public struct SpectralClustering: Sendable {
  /// By rising eigenvalue.
  private let vectors: [[Double]]

  /// The eigenvectors of a graph.
  ///
  /// - Parameter affinity: symmetric, at least 0, and every row with something other than 0 in it.
  public init(affinity: [[Double]]) { vectors = symmetricEigenvectors(of: normalizedLaplacian(affinity)).vectors }

  /// The vertices in `count` clusters, a number each.
  ///
  /// - Parameters:
  ///   - count: how many clusters.
  ///   - seed: of the starts of k-means.
  ///   - restarts: how many starts.
  public func clusters(_ count: Int, seed: UInt64, restarts: Int = 20) -> [Int] {
    let vertices = vectors.count
    guard count > 1, count < vertices else { return (0..<vertices).map { count == 1 ? 0 : $0 } }
    let points = (0..<vertices).map { vertex -> [Double] in
      let row = vectors.prefix(count).map { $0[vertex] }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / max(length, 1e-300) }
    }
    var random = RandomSource(seed: seed, name: "spectral clustering \(count)")
    return kMeans(points, count, restarts: restarts, using: &random)
  }
}

/// I − D^(−½) A D^(−½), D the sums of A's rows.
private func normalizedLaplacian(_ affinity: [[Double]]) -> [[Double]] {
  let roots = affinity.map { row -> Double in row.reduce(0, +).squareRoot() }
  check(
    roots.allSatisfy { $0 > 0 && $0.isFinite }, "SpectralClustering",
    "expected affinities of at least 0 and none without neighbours, found degrees \(roots.map { $0 * $0 })")
  return affinity.indices.map { i -> [Double] in
    affinity.indices.map { j -> Double in
      let shared = affinity[i][j] / (roots[i] * roots[j])
      return i == j ? 1 - shared : -shared
    }
  }
}

/// Spectral clustering whose cuts are nested: from one cluster on, the cluster is divided whose best division costs
/// least, until every vertex is alone.
///
/// A division of S into A and B costs cut(A, B) · (1 / vol A + 1 / vol B), cut the affinity between them and vol the sum
/// of degrees in the whole graph. It is sought along the second eigenvector of (D_S − W_S) x = λ D x, at every place
/// between two vertices. Shi and Malik, "Normalized Cuts and Image Segmentation", 2000, the recursive form.
public struct SpectralTree: Sendable {
  /// One cluster that falls into two.
  public struct Division: Sendable, Hashable {
    /// The vertices of each part, rising.
    public let left, right: [Int]
    /// The normalised cut.
    public let cost: Double
  }

  /// The number of vertices.
  public let vertices: Int
  /// In the order in which they are made: one fewer than vertices.
  public let divisions: [Division]

  /// The tree of a graph.
  ///
  /// - Parameter affinity: symmetric, and positive off the diagonal.
  public init(affinity: [[Double]]) {
    let degrees = affinity.map { $0.reduce(0, +) }
    check(
      degrees.count < 2 || degrees.allSatisfy { $0 > 0 && $0.isFinite }, "SpectralTree",
      "expected affinities of at least 0 and none without neighbours, found degrees \(degrees)")
    vertices = affinity.count
    var open = [SpectralTree.best(Array(affinity.indices), affinity, degrees)].compactMap { $0 }
    var divisions: [Division] = []
    while let cheapest = open.indices.min(by: { open[$0].cost < open[$1].cost }) {
      let division = open.remove(at: cheapest)
      divisions.append(division)
      open += [division.left, division.right].compactMap { SpectralTree.best($0, affinity, degrees) }
    }
    self.divisions = divisions
  }

  /// The vertices in `count` clusters, a number each: after the first `count` − 1 divisions.
  public func clusters(_ count: Int) -> [Int] {
    var numbers = [Int](repeating: 0, count: vertices)
    for (number, division) in divisions.prefix(count - 1).enumerated() {
      for vertex in division.right { numbers[vertex] = number + 1 }
    }
    return numbers
  }

  /// The cheapest division along the second eigenvector; nil for a single vertex.
  private static func best(_ vertices: [Int], _ affinity: [[Double]], _ degrees: [Double]) -> Division? {
    guard vertices.count > 1 else { return nil }
    let inner = vertices.map { i -> Double in vertices.reduce(0.0) { $0 + affinity[i][$1] } }
    let laplacian = vertices.indices.map { a -> [Double] in
      vertices.indices.map { b -> Double in
        let (i, j) = (vertices[a], vertices[b])
        let own = a == b ? inner[a] : 0
        return (own - affinity[i][j]) / (degrees[i] * degrees[j]).squareRoot()
      }
    }
    let vector = symmetricEigenvectors(of: laplacian).vectors[1]
    let places = zip(vector, vertices).map { $0 / degrees[$1].squareRoot() }
    let ranks = vertices.indices.sorted { (places[$0], $0) < (places[$1], $1) }
    let order = ranks.map { vertices[$0] }
    let total = order.reduce(0.0) { $0 + degrees[$1] }
    var cut = 0.0, volume = 0.0, cheapest = (cost: Double.infinity, size: 1)
    for (size, vertex) in order.dropLast().enumerated() {
      // What the vertex has in common with those behind it is cut from now on, with those before it no more.
      cut += order[(size + 1)...].reduce(0.0) { $0 + affinity[vertex][$1] }
      cut -= order[..<size].reduce(0.0) { $0 + affinity[vertex][$1] }
      volume += degrees[vertex]
      let cost = cut * (1 / volume + 1 / (total - volume))
      if cost < cheapest.cost { cheapest = (cost, size + 1) }
    }
    return Division(
      left: order.prefix(cheapest.size).sorted(), right: order.dropFirst(cheapest.size).sorted(), cost: cheapest.cost)
  }
}
