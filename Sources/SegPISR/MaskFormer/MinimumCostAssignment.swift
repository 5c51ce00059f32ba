/// The columns that rows are given so that the sum of their costs is least, each column at most once: the Hungarian
/// method by shortest augmenting paths, rows² · columns steps.
///
/// Jonker and Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems", 1987.
///
/// - Parameter costs: rows of equal length; finite.
/// - Returns: for each row its column; nil for the rows that are left over where there are more than columns.
package func minimumCostAssignment(_ costs: [[Double]]) -> [Int?] {
  guard let columns = costs.first?.count, columns > 0 else { return costs.map { _ in nil } }
  guard costs.count <= columns else {
    let turned = (0..<columns).map { column in costs.map { $0[column] } }
    var result = [Int?](repeating: nil, count: costs.count)
    for (column, row) in minimumCostAssignment(turned).enumerated() { if let row { result[row] = column } }
    return result
  }
  // Potentials of rows and columns; `owner` is a column's row. Index 0 is nobody's: rows and columns count from 1.
  var rowPotential = [Double](repeating: 0, count: costs.count + 1)
  var columnPotential = [Double](repeating: 0, count: columns + 1)
  var owner = [Int](repeating: 0, count: columns + 1)
  for row in 1...costs.count {
    var least = [Double](repeating: .infinity, count: columns + 1), before = [Int](repeating: 0, count: columns + 1)
    var isReached = [Bool](repeating: false, count: columns + 1)
    var column = 0
    owner[0] = row
    repeat {
      isReached[column] = true
      let current = owner[column]
      var step = Double.infinity, next = 0
      for other in 1...columns where !isReached[other] {
        let reduced = costs[current - 1][other - 1] - rowPotential[current] - columnPotential[other]
        if reduced < least[other] { (least[other], before[other]) = (reduced, column) }
        if least[other] < step { (step, next) = (least[other], other) }
      }
      for other in 0...columns {
        if isReached[other] {
          rowPotential[owner[other]] += step
          columnPotential[other] -= step
        } else {
          least[other] -= step
        }
      }
      column = next
    } while owner[column] != 0
    // Along the path every column takes the row of the one before.
    while column != 0 {
      owner[column] = owner[before[column]]
      column = before[column]
    }
  }
  var result = [Int?](repeating: nil, count: costs.count)
  for column in 1...columns where owner[column] > 0 { result[owner[column] - 1] = column - 1 }
  return result
}
