import CSegKernels
import Glibc

/// How a heatmap is made of each of the most confident centres.
public struct HeatmapRules: Sendable, Hashable {
  /// K: how many heatmaps there are.
  public var slots: Int
  /// How many of them may be filled, at most ``slots``.
  public var limit: Int
  /// σ, in pixels of the map.
  public var sigma: Float
  /// A score at or below this makes no centre.
  public var threshold: Float
  /// The side of the square in which a centre is the largest; odd.
  public var window: Int

  /// Rules; as many slots are filled as there are by default.
  public init(slots: Int, limit: Int? = nil, sigma: Float, threshold: Float = 0.1, window: Int = 3) {
    self.slots = slots
    self.limit = limit ?? slots
    self.sigma = sigma
    self.threshold = threshold
    self.window = window
  }
}

/// A soft mask of each of the K most confident things: I_k(p) = exp(−|p + o(p) − c_k|² / 2σ²) · P_thing(p) · s_k, s_k the
/// score of the centre c_k cut to 0…1.
///
/// Centres are ordered by confidence; slots without one are 0. Which pixels are centres has no gradient; scores, offsets
/// and P have. PISR (Borse et al. 2022) shows that heatmaps are made of centres, offsets and the suppression of stuff, and
/// not how: the formula is this package's.
///
/// - Parameters:
///   - centers: N×1×H×W scores.
///   - offsets: N×2×H×W, pixels of the map down and right to the centre of a pixel's thing.
///   - things: N×1×H×W, the probability that a pixel belongs to a thing.
///   - rules: K, σ, and which pixels are centres.
/// - Returns: heatmaps N×K×H×W; N×K, 1 where a slot is filled and 0 where it is not, without gradient.
public func instanceHeatmaps(
  centers: Tensor, offsets: Tensor, things: Tensor, rules: HeatmapRules
) -> (heatmaps: Tensor, filled: Tensor) {
  let results = apply(InstanceHeatmapsOperation(rules: rules), to: [centers, offsets, things])
  return (results[0], results[1])
}

struct InstanceHeatmapsOperation: TensorOperation {
  let rules: HeatmapRules

  let name = "instanceHeatmaps"
  var attributes: [(name: String, value: Attribute)] {
    [
      ("slots", .integer(rules.slots)), ("limit", .integer(rules.limit)), ("sigma", .real(rules.sigma)),
      ("threshold", .real(rules.threshold)), ("window", .integer(rules.window)),
    ]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (m, o, p) = (inputs[0], inputs[1], inputs[2])
    check(
      m.rank == 4 && m[1] == 1 && p == m && o == m.replacing(axis: 1, with: 2), name,
      "expected centres and things N×1×H×W and offsets N×2×H×W, found \(m), \(p) and \(o)")
    check(rules.slots > 0 && rules.sigma > 0, name, "expected slots and a positive σ, found \(rules)")
    check(
      (0...rules.slots).contains(rules.limit), name,
      "\(rules.slots) slots cannot take \(rules.limit) instances: what reads them has as many inputs as slots")
    return [m.replacing(axis: 1, with: rules.slots), [m[0], rules.slots]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 12 * rules.slots * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let shape = inputs[0].shape, (height, width) = (shape[2], shape[3]), area = height * width
    var places = [Int32](repeating: -1, count: shape[0] * rules.slots)
    let scores = inputs[0].pointer(for: name)
    for image in 0..<(area > 0 ? shape[0] : 0) {
      let peaks = CentrePeak.found(
        in: scores + image * area, height: height, width: width, threshold: rules.threshold, window: rules.window)
      for (slot, peak) in peaks.best(rules.limit).enumerated() {
        places[image * rules.slots + slot] = Int32(peak.row * width + peak.column)
      }
    }
    let chosen = Labels([shape[0], rules.slots], places)
    if context.isRecording {
      context.saved = inputs
      context.savedIndices = [chosen]
    }
    let maps = Maps(inputs, chosen, rules)
    let heatmaps = Tensor(uninitialized: outputShapes(inputs.map(\.shape))[0]) { y in
      guard let y = y.baseAddress, shape.elementCount > 0 else { return }
      parallelFor(shape[0] * rules.slots) { task in
        let (image, slot) = task.quotientAndRemainder(dividingBy: rules.slots), plane = y + task * area
        guard let centre = maps.centre(image, slot) else { return plane.update(repeating: 0, count: area) }
        for row in 0..<height {
          let target = plane + row * width, things = maps.things + image * area + row * width
          maps.gaussian(image, row, centre, into: target)
          for i in 0..<width { target[i] *= things[i] * centre.weight }
        }
      }
    }
    withExtendedLifetime(inputs) {}
    return [heatmaps, Tensor(chosen.shape, places.map { $0 < 0 ? 0 : 1 })]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    guard let dy = gradients[0]?.rowMajor() else { return [nil, nil, nil] }
    let inputs = context.saved, shape = inputs[0].shape, (height, width) = (shape[2], shape[3]), area = height * width
    let maps = Maps(inputs, context.savedIndices[0], rules), slope = -1 / (rules.sigma * rules.sigma)
    var dCenters = Tensor.zeros(shape), dOffsets = Tensor.zeros(inputs[1].shape), dThings = Tensor.zeros(shape)
    let dm = dCenters.exclusivePointer(), dOffset = dOffsets.exclusivePointer(), dThing = dThings.exclusivePointer()
    let incoming = dy.pointer(for: name)
    // An image a task: the gradient of a score is a sum over all its pixels.
    parallelFor(shape[0]) { image in
      withWorkspace(width) { gaussian in
        for slot in 0..<rules.slots {
          guard let centre = maps.centre(image, slot) else { continue }
          var score = 0.0
          for row in 0..<height {
            maps.gaussian(image, row, centre, into: gaussian)
            let first = image * area + row * width
            let d = incoming + (image * rules.slots + slot) * area + row * width
            let down = maps.offsets + 2 * image * area + row * width, right = down + area
            let dDown = dOffset + 2 * image * area + row * width, dRight = dDown + area
            for i in 0..<width {
              let reach = d[i] * gaussian[i], moved = reach * maps.things[first + i] * centre.weight * slope
              score += Double(reach * maps.things[first + i])
              dThing[first + i] += reach * centre.weight
              dDown[i] += moved * (Float(row) + down[i] - centre.row)
              dRight[i] += moved * (Float(i) + right[i] - centre.column)
            }
          }
          // Cut to 0…1, a score beyond changes nothing.
          if centre.score > 0 && centre.score < 1 { dm[image * area + centre.place] += Float(score) }
        }
      }
    }
    withExtendedLifetime((inputs, dy)) {}
    return [dCenters, dOffsets, dThings]
  }

  /// The inputs of one call, and the centres that were chosen.
  private struct Maps {
    struct Centre {
      let place: Int
      let row: Float, column: Float
      let score: Float
      var weight: Float { min(max(score, 0), 1) }
    }

    let scores: UnsafePointer<Float>, offsets: UnsafePointer<Float>, things: UnsafePointer<Float>
    private let chosen: Labels
    private let rules: HeatmapRules
    private let width: Int, area: Int

    /// The inputs must outlive this.
    init(_ inputs: [Tensor], _ chosen: Labels, _ rules: HeatmapRules) {
      (scores, offsets) = (inputs[0].pointer(for: "instanceHeatmaps"), inputs[1].pointer(for: "instanceHeatmaps"))
      things = inputs[2].pointer(for: "instanceHeatmaps")
      (self.chosen, self.rules) = (chosen, rules)
      (width, area) = (inputs[0].shape[3], inputs[0].shape[2] * inputs[0].shape[3])
    }

    func centre(_ image: Int, _ slot: Int) -> Centre? {
      let place = Int(chosen.values[image * rules.slots + slot])
      guard place >= 0 else { return nil }
      return Centre(
        place: place, row: Float(place / width), column: Float(place % width), score: scores[image * area + place])
    }

    /// exp(−|p + o(p) − c|² / 2σ²) of one row.
    func gaussian(_ image: Int, _ row: Int, _ centre: Centre, into y: UnsafeMutablePointer<Float>) {
      let down = offsets + 2 * image * area + row * width, right = down + area
      let scale = -0.5 / (rules.sigma * rules.sigma)
      for i in 0..<width {
        let a = Float(row) + down[i] - centre.row, b = Float(i) + right[i] - centre.column
        y[i] = (a * a + b * b) * scale
      }
      kernels.exponential(y, y, width)
    }
  }
}
