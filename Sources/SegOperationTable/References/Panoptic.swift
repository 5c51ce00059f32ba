import Glibc
import SegKernels

extension Reference {
  /// The pixels above a threshold that none of their window exceeds, by falling score, of equals the first.
  private static func peaks(
    _ map: (Int, Int) -> Double, _ height: Int, _ width: Int, threshold: Float, window: Int
  ) -> [(row: Int, column: Int)] {
    var found: [(row: Int, column: Int)] = []
    let reach = window / 2
    for y in 0..<height {
      for x in 0..<width where map(y, x) > Double(threshold) {
        let isPeak = (max(y - reach, 0)...min(y + reach, height - 1)).allSatisfy { row in
          (max(x - reach, 0)...min(x + reach, width - 1)).allSatisfy { map(row, $0) <= map(y, x) }
        }
        if isPeak { found.append((y, x)) }
      }
    }
    let order = found.indices.sorted {
      let (a, b) = (map(found[$0].row, found[$0].column), map(found[$1].row, found[$1].column))
      return a != b ? a > b : $0 < $1
    }
    return order.map { found[$0] }
  }

  /// I_k(p) = exp(−|p + o(p) − c_k|² / 2σ²) · P(p) · min(max(s_k, 0), 1) for the best centres.
  public static func instanceHeatmaps(
    _ centers: ReferenceArray, _ offsets: ReferenceArray, _ things: ReferenceArray, _ rules: HeatmapRules
  ) -> ReferenceArray {
    let shape = centers.shape
    var y = ReferenceArray(zeros: [shape[0], rules.slots, shape[2], shape[3]])
    for n in 0..<shape[0] {
      let chosen = peaks(
        { centers[n, 0, $0, $1] }, shape[2], shape[3], threshold: rules.threshold, window: rules.window
      ).prefix(rules.limit)
      for (slot, centre) in chosen.enumerated() {
        let score = min(max(centers[n, 0, centre.row, centre.column], 0), 1)
        for row in 0..<shape[2] {
          for column in 0..<shape[3] {
            let a = Double(row - centre.row) + offsets[n, 0, row, column]
            let b = Double(column - centre.column) + offsets[n, 1, row, column]
            let sigma = Double(rules.sigma), distance: Double = a * a + b * b
            let gaussian: Double = Glibc.exp(-distance / (2 * sigma * sigma)), thing: Double = things[n, 0, row, column]
            y[n, slot, row, column] = gaussian * thing * score
          }
        }
      }
    }
    return y
  }

  /// 1 where query q is the k-th of those whose largest output is a thing's, by that output falling, of equals the
  /// first.
  public static func querySelection(
    _ probabilities: ReferenceArray, things: [Bool], slots: Int, limit: Int
  ) -> ReferenceArray {
    let p = probabilities, shape = p.shape
    var y = ReferenceArray(zeros: [shape[0], slots, shape[1]])
    for n in 0..<shape[0] {
      func score(_ query: Int) -> Double { (0..<shape[2]).map { p[n, query, $0] }.max()! }
      func isThing(_ query: Int) -> Bool {
        let label = (0..<shape[2]).first { p[n, query, $0] == score(query) }!
        return label < things.count && things[label]
      }
      let queries = (0..<shape[1]).filter(isThing)
      for query in queries {
        // Its slot is the number of things before it.
        let slot = queries.count {
          score($0) > score(query) || (score($0) == score(query) && $0 < query)
        }
        if slot < limit { y[n, slot, query] = 1 }
      }
    }
    return y
  }

  /// 1000 · class + thing of every pixel.
  public static func groupInstances(
    _ semantic: Labels, _ centers: ReferenceArray, _ offsets: ReferenceArray, _ rules: GroupingRules
  ) -> ReferenceArray {
    let (height, width) = (semantic.shape[0], semantic.shape[1])
    let centres = peaks(
      { centers[$0, $1] }, height, width, threshold: rules.threshold, window: rules.window
    ).prefix(rules.maximumCentres).sorted { ($0.row, $0.column) < ($1.row, $1.column) }
    func isClass(_ label: Int32) -> Bool { rules.things.indices.contains(Int(label)) }
    var owners = [Int](repeating: 0, count: semantic.count)
    for (pixel, label) in semantic.values.enumerated() where isClass(label) && rules.things[Int(label)] {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      func distance(_ centre: (row: Int, column: Int)) -> Double {
        let a = Double(row) + offsets[0, row, column] - Double(centre.row)
        let b = Double(column) + offsets[1, row, column] - Double(centre.column)
        return a * a + b * b
      }
      let nearest = centres.indices.min { distance(centres[$0]) < distance(centres[$1]) }
      owners[pixel] = nearest.map { $0 + 1 } ?? 0
    }
    var y = ReferenceArray(zeros: semantic.shape)
    for (pixel, label) in semantic.values.enumerated() {
      let owner = owners[pixel]
      let alike = semantic.values.indices.filter { owners[$0] == owner && isClass(semantic.values[$0]) }
      var result = rules.void
      if owner > 0 {
        let counts = rules.things.indices.map { c in alike.count { semantic.values[$0] == c } }
        result = Int32(counts.firstIndex(of: counts.max()!)!)
      } else if isClass(label), !rules.things[Int(label)],
        alike.count(where: { semantic.values[$0] == label }) >= rules.stuffArea
      {
        result = label
      }
      y.values[pixel] = Double(result) * 1000 + Double(owner)
    }
    return y
  }
}
