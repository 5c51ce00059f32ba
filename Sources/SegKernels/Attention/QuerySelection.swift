/// Which queries are the most confident things, as a matrix: y[n, k, q] = 1 where query q takes slot k, else 0.
///
/// A query is a thing if its most probable output is a thing's class; queries are ordered by that probability, of
/// equals the first. y · masks are then the masks of the K most confident things. The choice has no gradient. Which
/// query is a thing's depends on the data, so this is one operation. PISR (Borse et al. 2022) takes the top K
/// instances; what they are where queries find things is this package's choice.
///
/// - Parameters:
///   - probabilities: N×Q×(C + 1), the last for none.
///   - things: which of the C classes are things.
///   - slots: K.
///   - limit: how many slots may be filled; all by default.
/// - Returns: N×K×Q.
public func querySelection(_ probabilities: Tensor, things: [Bool], slots: Int, limit: Int? = nil) -> Tensor {
  apply(QuerySelectionOperation(things: things, slots: slots, limit: limit ?? slots), to: probabilities)
}

struct QuerySelectionOperation: TensorOperation {
  let things: [Bool]
  let slots: Int
  let limit: Int

  let name = "querySelection"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("things", .integers(things.map { $0 ? 1 : 0 })), ("slots", .integer(slots)), ("limit", .integer(limit)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(
      x.rank == 3 && x[2] == things.count + 1, name, "expected probabilities N×Q×\(things.count + 1), found \(x)")
    check(
      (0...slots).contains(limit), name,
      "\(slots) slots cannot take \(limit) instances: what reads them has as many inputs as slots")
    return [[x[0], slots, x[1]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let shape = inputs[0].shape, (queries, outputs) = (shape[1], shape[2]), p = inputs[0].scalars
    var y = [Float](repeating: 0, count: shape[0] * slots * queries)
    for image in 0..<shape[0] {
      let found = (0..<queries).compactMap { query -> (query: Int, score: Float)? in
        let first = (image * queries + query) * outputs
        let best = (first..<(first + outputs)).max { p[$0] < p[$1] }! - first
        return best < things.count && things[best] ? (query, p[first + best]) : nil
      }.sorted { ($1.score, $0.query) < ($0.score, $1.query) }
      for (slot, thing) in found.prefix(limit).enumerated() { y[(image * slots + slot) * queries + thing.query] = 1 }
    }
    return [Tensor([shape[0], slots, queries], y)]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] { [nil] }
}
