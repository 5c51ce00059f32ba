/// k-means from k-means++ starts: the best of several, by the sum of squared distances to the clusters' means.
///
/// Lloyd's iterations until nothing moves. Clusters never stay empty: one that does takes the point that is furthest
/// from its own mean. Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding", 2007.
///
/// - Parameters:
///   - points: of equal lengths.
///   - count: k, 1 to the number of points.
///   - restarts: how many starts.
///   - random: what the starts are drawn from.
/// - Returns: the cluster of each point, each of 0 ..< k at least once.
package func kMeans(_ points: [[Double]], _ count: Int, restarts: Int, using random: inout RandomSource) -> [Int] {
  check(
    (1...max(points.count, 1)).contains(count) && restarts > 0, "kMeans",
    "expected 1 to \(points.count) clusters and starts, found \(count) and \(restarts)")
  var best: (cost: Double, clusters: [Int])?
  for _ in 0..<restarts {
    var centres = carefulSeeds(points, count, using: &random)
    var clusters: [Int] = []
    for _ in 0..<100 {
      let moved = assigned(points, to: &centres)
      if moved == clusters { break }
      clusters = moved
      centres = (0..<count).map { cluster in
        mean(of: points.indices.filter { clusters[$0] == cluster }.map { points[$0] })
      }
    }
    let cost = zip(points, clusters).reduce(0.0) { $0 + squaredDistance($1.0, centres[$1.1]) }
    if cost < best?.cost ?? .infinity { best = (cost, clusters) }
  }
  return best!.clusters
}

/// k of the points, each drawn with a probability in proportion to its squared distance from those before it.
private func carefulSeeds(_ points: [[Double]], _ count: Int, using random: inout RandomSource) -> [[Double]] {
  var centres = [points[Int.random(in: points.indices, using: &random)]]
  var distances = points.map { squaredDistance($0, centres[0]) }
  while centres.count < count {
    var rest = Double.random(in: 0..<1, using: &random) * distances.reduce(0, +)
    let chosen = distances.firstIndex { distance in
      rest -= distance
      return rest < 0
    }
    // Without any distance left all points are centres already; any will do.
    centres.append(points[chosen ?? points.count - 1])
    for (index, point) in points.enumerated() {
      distances[index] = min(distances[index], squaredDistance(point, centres.last!))
    }
  }
  return centres
}

/// The nearest centre of each point; centres without any take a point of their own.
private func assigned(_ points: [[Double]], to centres: inout [[Double]]) -> [Int] {
  var distances = points.map { _ in Double.infinity }, clusters = points.map { _ in 0 }
  for (index, point) in points.enumerated() {
    for (cluster, centre) in centres.enumerated() {
      let distance = squaredDistance(point, centre)
      if distance < distances[index] { (distances[index], clusters[index]) = (distance, cluster) }
    }
  }
  var sizes = [Int](repeating: 0, count: centres.count)
  for cluster in clusters { sizes[cluster] += 1 }
  for empty in centres.indices where sizes[empty] == 0 {
    let furthest = points.indices.filter { sizes[clusters[$0]] > 1 }.max { distances[$0] < distances[$1] }!
    sizes[clusters[furthest]] -= 1
    (sizes[empty], clusters[furthest], distances[furthest], centres[empty]) = (1, empty, 0, points[furthest])
  }
  return clusters
}

private func mean(of points: [[Double]]) -> [Double] {
  points[0].indices.map { axis -> Double in points.reduce(0.0) { $0 + $1[axis] } / Double(points.count) }
}

private func squaredDistance(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in a.indices { sum += (a[index] - b[index]) * (a[index] - b[index]) }
  return sum
}
