/// Spearman's rank correlation: Pearson's correlation of the ranks, equal values sharing their mean rank; nil of fewer
/// than two pairs, or where one side is constant.
///
/// Traps if the lists differ in length. NaN ranks above everything.
public func spearman(_ a: [Double], _ b: [Double]) -> Double? {
  precondition(a.count == b.count, "spearman: \(a.count) and \(b.count) values do not pair")
  let (x, y) = (ranks(a), ranks(b)), mean = Double(a.count + 1) / 2
  var (xx, xy, yy) = (0.0, 0.0, 0.0)
  for (p, q) in zip(x, y) {
    xx += (p - mean) * (p - mean)
    xy += (p - mean) * (q - mean)
    yy += (q - mean) * (q - mean)
  }
  return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : nil
}

/// Ranks from 1 up.
private func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$1].isNaN ? !values[$0].isNaN : values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count), first = 0
  while first < order.count {
    var last = first
    while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
    for place in first...last { ranks[order[place]] = Double(first + last) / 2 + 1 }
    first = last + 1
  }
  return ranks
}
