import SegKernels

/// How the queries' classes and masks become segments.
public struct MaskGroupingRules: Sendable, Hashable {
  /// Which classes are things.
  public var things: [Bool]
  /// A query whose class is less probable is left out.
  public var score: Float = 0.8
  /// A mask is left out if less than this share of it is won against the others.
  public var overlap: Float = 0.8
  /// The label of pixels that belong to nothing.
  public var void: Int32 = 255

  /// The published rules, but for the things.
  public init(things: [Bool]) { self.things = things }
}

/// Classes and things of one image from queries: MaskFormer's inference.
///
/// Each pixel goes to the query of the largest probability of class times mask, among those of a probable class; a
/// query keeps its pixels if it wins enough of where its mask is above ½. All of stuff of one class is one segment.
/// Cheng et al. 2021, section 3.3 and release.
///
/// - Parameters:
///   - classes: 1×Q×(C + 1) logits, the last for none.
///   - masks: 1×Q×h×w logits.
///   - frame: where the outputs lie over the photograph.
///   - rules: thresholds, and which classes are things.
/// - Returns: things are numbered from 1 in the order of their queries.
public func groupMasks(
  classes: Tensor, masks: Tensor, in frame: PanopticFrame, rules: MaskGroupingRules
) -> PanopticLabels {
  let outputs = rules.things.count + 1, (height, width) = (frame.size.height, frame.size.width)
  check(
    classes.rank == 3 && classes.shape[2] == outputs && masks.rank == 4 && masks.shape[1] == classes.shape[1],
    "groupMasks", "expected logits 1×Q×\(outputs) and masks 1×Q×h×w, found \(classes.shape) and \(masks.shape)")
  let probabilities = softmax(classes, axis: 2).scalars
  let kept = (0..<classes.shape[1]).compactMap { query -> (query: Int, label: Int, score: Float)? in
    let own = probabilities[(query * outputs)..<((query + 1) * outputs)]
    guard let label = own.indices.max(by: { own[$0] < own[$1] }).map({ $0 - own.startIndex }), label < outputs - 1,
      own[own.startIndex + label] > rules.score
    else { return nil }
    return (query, label, own[own.startIndex + label])
  }
  var owners = [Int32](repeating: -1, count: height * width)
  var won = [Int](repeating: 0, count: kept.count), solid = won
  if !kept.isEmpty {
    let chosen = concatenate(kept.map { masks.slice(axis: 1, $0.query..<($0.query + 1)) }, axis: 1)
    // Band by band: all masks at the photograph's size need not be there at once.
    for first in stride(from: 0, to: height, by: 64) {
      let rows = first..<min(first + 64, height), area = rows.count * width
      let band = sigmoid(resize(chosen, to: frame.whole, rows: rows, columns: 0..<width)).scalars
      band.withUnsafeBufferPointer { band in
        for pixel in 0..<area {
          var best: Float = -1, owner = 0
          for (place, query) in kept.enumerated() {
            let value = band[place * area + pixel]
            if value >= 0.5 { solid[place] += 1 }
            if value * query.score > best { (best, owner) = (value * query.score, place) }
          }
          won[owner] += 1
          owners[first * width + pixel] = Int32(owner)
        }
      }
    }
  }
  var labels = [Int32](repeating: rules.void, count: kept.count), instances = [Int32](repeating: 0, count: kept.count)
  var count: Int32 = 0
  for (place, query) in kept.enumerated() where won[place] > 0 && solid[place] > 0 {
    guard Float(won[place]) >= rules.overlap * Float(solid[place]) else { continue }
    labels[place] = Int32(query.label)
    if rules.things[query.label] {
      count += 1
      instances[place] = count
    }
  }
  return PanopticLabels(
    labels: Labels([height, width], owners.map { $0 < 0 ? rules.void : labels[Int($0)] }),
    instances: Labels([height, width], owners.map { $0 < 0 ? 0 : instances[Int($0)] }))
}
