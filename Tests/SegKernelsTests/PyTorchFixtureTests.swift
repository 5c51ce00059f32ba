import Foundation
import SegFormats
import SegKernels
import SegTestSupport
import XCTest

/// Every operation against what PyTorch computed, with gradients: `Tests/Fixtures/operations`.
final class PyTorchFixtureTests: XCTestCase {
  private struct Case: Decodable {
    let name: String
    let operation: String
    let attributes: [String: Value]
    let inputs: [String]
    let labels: [String]?
    let outputs: [String]
    let cotangent: String?
    let gradients: [String?]
  }

  /// A number, a list or a word of the fixture's attributes.
  private enum Value: Decodable {
    case number(Double), flag(Bool), text(String), list([Value]), none

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .none
      } else if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .list(try container.decode([Value].self))
      }
    }

    var int: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    var float: Float? { if case .number(let number) = self { Float(number) } else { nil } }
    var bool: Bool { if case .flag(true) = self { true } else { false } }
    var string: String? { if case .text(let text) = self { text } else { nil } }
    var list: [Value] { if case .list(let list) = self { list } else { [] } }
    var ints: [Int] { int.map { [$0] } ?? list.compactMap(\.int) }
    var pair: Pair { ints.count == 1 ? Pair(ints[0]) : Pair(height: ints[0], width: ints[1]) }
  }

  func testOperationsAgreeWithPyTorch() throws {
    let arrays = try Fixtures.archive("operations/operations.safetensors")
    let cases = try Fixtures.json("operations/operations.json", as: [Case].self)
    XCTAssertGreaterThan(cases.count, 500)
    for entry in cases {
      let inputs = entry.inputs.map { arrays[$0]!.tensor }
      let labels = entry.labels?.first.map { name -> Labels in
        let array = arrays[name]!
        return Labels(array.shape, array.tensor.scalars.map { Int32($0) })
      }
      let expected = arrays[entry.outputs[0]]!.tensor
      if entry.operation == "argmax" {
        let found = argmax(inputs[0], axis: entry.attributes["axis"]!.int!)
        XCTAssertEqual(found.values.map(Float.init), expected.scalars, entry.name)
        continue
      }
      if let choice = choice(entry) {
        let found = choice(inputs[0]).indices
        XCTAssertEqual(found.values.map(Float.init), arrays[entry.outputs[1]]!.tensor.scalars, entry.name)
      }
      guard let function = function(entry, labels) else {
        XCTFail("\(entry.name): no operation '\(entry.operation)'")
        continue
      }
      let found = function(inputs)
      XCTAssertEqual(found.shape, expected.shape, entry.name)
      // Fixtures are rounded to floats once; ours round at every step.
      assertClose(found, expected, tolerance: 4e-6, entry.name)
      guard let cotangent = entry.cotangent, entry.gradients.contains(where: { $0 != nil }) else { continue }
      let gradients = valueAndGradient(at: inputs, cotangent: arrays[cotangent]!.tensor, function).gradients
      for (index, name) in entry.gradients.enumerated() {
        // Running statistics have no gradient here: nothing trains them.
        guard let name, !(entry.operation == "batchNormEvaluation" && (1...2).contains(index)) else { continue }
        // Where a function is flat, y · (1 − y) for instance, its gradient is exact to a rounding of the cotangent
        // only.
        let reach = Double(arrays[cotangent]!.tensor.scalars.map(abs).max() ?? 0)
        assertClose(
          gradients[index], arrays[name]!.tensor, tolerance: 2e-5, floor: max(0.01 * reach, 1e-6),
          "\(entry.name), gradient \(index)")
      }
    }
  }

  /// The operation of a case that says which elements it chose.
  private func choice(_ entry: Case) -> ((Tensor) -> (values: Tensor, indices: Labels))? {
    let attributes = entry.attributes
    switch entry.operation {
    case "sort": return { sort($0, axis: attributes["axis"]!.int!, descending: attributes["descending"]!.bool) }
    case "topK": return { topK($0, k: attributes["k"]!.int!, axis: attributes["axis"]!.int!) }
    case "maxPool2dWithIndices":
      return {
        maxPool2dWithIndices(
          $0, kernel: attributes["kernel"]!.pair, stride: attributes["stride"]!.pair,
          padding: attributes["padding"]!.pair, dilation: attributes["dilation"]!.pair,
          ceilMode: attributes["ceilMode"]!.bool)
      }
    default: return nil
    }
  }

  /// The operation of a case as a function of its inputs.
  private func function(_ entry: Case, _ labels: Labels?) -> (([Tensor]) -> Tensor)? {
    let attributes = entry.attributes
    func pair(_ name: String) -> Pair { attributes[name]!.pair }
    func places() -> [SamplePlaces] {
      zip(attributes["rows"]!.list, attributes["columns"]!.list).map {
        .grid(rows: $0.ints.map { Int32($0) }, columns: $1.ints.map { Int32($0) })
      }
    }
    func losses() -> LossReduction { LossReduction(rawValue: attributes["reduction"]!.string!)! }
    func axis() -> Int { attributes["axis"]!.int! }
    func reduction(_ reduce: @escaping (Tensor, [Int], Bool) -> Tensor) -> ([Tensor]) -> Tensor {
      { reduce($0[0], attributes["axes"]!.ints, attributes["keepDimensions"]!.bool) }
    }
    func padded(_ x: Tensor, _ padding: Padding) -> Tensor {
      attributes["padding"]!.list.enumerated().reduce(x) { x, amount in
        x.padded(axis: amount.offset, before: amount.element.ints[0], after: amount.element.ints[1], with: padding)
      }
    }
    if let choice = choice(entry) { return { choice($0[0]).values } }
    switch entry.operation {
    case "add": return { $0[0] + $0[1] }
    case "subtract": return { $0[0] - $0[1] }
    case "multiply": return { $0[0] * $0[1] }
    case "divide": return { $0[0] / $0[1] }
    case "relu": return { relu($0[0]) }
    case "negate": return { -$0[0] }
    case "abs": return { $0[0].abs() }
    case "exp": return { $0[0].exp() }
    case "log": return { $0[0].log() }
    case "sqrt": return { $0[0].sqrt() }
    case "square": return { $0[0].square() }
    case "reciprocal": return { $0[0].reciprocal() }
    case "sigmoid": return { sigmoid($0[0]) }
    case "tanh": return { $0[0].tanh() }
    case "matmul": return { matmul($0[0], $0[1]) }
    case "softplus": return { softplus($0[0]) }
    case "gelu": return { gelu($0[0]) }
    case "erf": return { erf($0[0]) }
    case "sin": return { $0[0].sin() }
    case "cos": return { $0[0].cos() }
    case "acos": return { $0[0].acos() }
    case "clamp": return { $0[0].clamped(to: attributes["low"]!.float!...attributes["high"]!.float!) }
    case "minimum" where entry.inputs.count == 2: return { minimum($0[0], $0[1]) }
    case "maximum" where entry.inputs.count == 2: return { maximum($0[0], $0[1]) }
    case "atan2": return { atan2($0[0], $0[1]) }
    case "select": return { select(Tensor(labels!.shape, labels!.values.map(Float.init)), $0[0], else: $0[1]) }
    case "gridSample":
      return {
        gridSample(
          $0[0], grid: $0[1], Interpolation(rawValue: attributes["interpolation"]!.string!)!,
          edge: SampleEdge(rawValue: attributes["edge"]!.string!)!, alignCorners: attributes["alignCorners"]!.bool)
      }
    case "photometricError": return { photometricError($0[0], $0[1]) }
    case "structuralDissimilarity": return { structuralDissimilarity($0[0], $0[1]) }
    case "viewPlaces":
      return {
        viewPlaces($0[0], intrinsics: $0[1], motion: RigidMotion(rotation: $0[2], translation: $0[3]))
      }
    case "unfold":
      return {
        unfold(
          $0[0], kernel: pair("kernel"), stride: pair("stride"), padding: pair("padding"), dilation: pair("dilation"))
      }
    case "cumulativeSum": return { $0[0].cumulativeSum(axis: axis()) }
    case "padReplicate": return { padded($0[0], .replicate) }
    case "transposedConv2d":
      return {
        transposedConv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: pair("stride"), padding: pair("padding"),
          outputPadding: pair("outputPadding"), dilation: pair("dilation"), groups: attributes["groups"]!.int!)
      }
    case "groupNorm": return { groupNorm($0[0], groups: attributes["groups"]!.int!, weight: $0[1], bias: $0[2]) }
    case "layerNorm": return { layerNorm($0[0], weight: $0[1], bias: $0[2]) }
    case "l1Loss": return { l1Loss($0[0], $0[1], reduction: losses()) }
    case "l2Loss": return { l2Loss($0[0], $0[1], reduction: losses()) }
    case "smoothL1Loss":
      return { smoothL1Loss($0[0], $0[1], beta: attributes["beta"]!.float!, reduction: losses()) }
    case "binaryCrossEntropy":
      return {
        binaryCrossEntropy(
          logits: $0[0], targets: $0[1], weight: $0.count > 2 ? $0[2] : nil,
          positiveWeight: $0.count > 3 ? $0[3] : nil, reduction: losses())
      }
    case "dropout", "dropout2d":
      // Ours draws its own mask; the fixture's shows what becomes of kept and dropped elements.
      let scale = 1 / (1 - attributes["rate"]!.float!)
      return { $0[0] * Tensor(labels!.shape, labels!.values.map { Float($0) * scale }) }
    case "sum": return reduction { $0.sum(axes: $1, keepDimensions: $2) }
    case "mean": return reduction { $0.mean(axes: $1, keepDimensions: $2) }
    case "maximum": return reduction { $0.maximum(axes: $1, keepDimensions: $2) }
    case "minimum": return reduction { $0.minimum(axes: $1, keepDimensions: $2) }
    case "permute": return { $0[0].permuted(attributes["axes"]!.ints) }
    case "reshape": return { $0[0].reshaped(Shape(attributes["shape"]!.ints)) }
    case "concatenate": return { concatenate($0, axis: axis()) }
    case "slice":
      return {
        $0[0].slice(axis: axis(), attributes["start"]!.int!..<attributes["end"]!.int!, step: attributes["step"]!.int!)
      }
    case "pad": return { padded($0[0], .constant(attributes["value"]!.float!)) }
    case "padReflect": return { padded($0[0], .reflect) }
    case "conv2d":
      return {
        conv2d(
          $0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil, stride: pair("stride"), padding: pair("padding"),
          dilation: pair("dilation"), groups: attributes["groups"]!.int!)
      }
    case "sampledSum": return { sampledSum($0, at: places()) }
    case "implicitNetwork":
      return { x in
        implicitNetwork(
          Array(x[..<2]), at: places(), bias: x[2],
          layers: [(weight: x[3], bias: x[4]), (weight: x[5], bias: x[6])])
      }
    case "instanceHeatmaps":
      let rules = HeatmapRules(
        slots: attributes["slots"]!.int!, limit: attributes["limit"]!.int!, sigma: attributes["sigma"]!.float!,
        threshold: attributes["threshold"]!.float!, window: attributes["window"]!.int!)
      return { instanceHeatmaps(centers: $0[0], offsets: $0[1], things: $0[2], rules: rules).heatmaps }
    case "querySelection":
      let things = attributes["things"]!.ints
      return { x in
        querySelection(
          x[0], things: (0..<(x[0].shape[2] - 1)).map(things.contains), slots: attributes["slots"]!.int!,
          limit: attributes["limit"]!.int!)
      }
    case "multiHeadAttention":
      return { x in
        let attention = MultiHeadAttention(features: x[0].shape[2], heads: attributes["heads"]!.int!)
        for (parameter, value) in zip(attention.parameters, x[3...]) { parameter.value = value }
        return attention(x[0], x[1], x[2])
      }
    case "groupInstances":
      let things = attributes["things"]!.ints
      let rules = GroupingRules(
        things: (0..<6).map(things.contains), threshold: attributes["threshold"]!.float!,
        window: attributes["window"]!.int!, maximumCentres: attributes["most"]!.int!,
        stuffArea: attributes["stuff_area"]!.int!)
      return {
        let found = groupInstances(semantic: labels!, centers: $0[0], offsets: $0[1], rules: rules)
        return Tensor(
          found.labels.shape, zip(found.labels.values, found.instances.values).map { Float($0) * 1000 + Float($1) })
      }
    case "gather": return { gather($0[0], axis: axis(), indices: labels!) }
    case "indexSelect": return { indexSelect($0[0], axis: axis(), indices: labels!) }
    case "indexAdd": return { indexAdd($0[0], axis: axis(), indices: labels!, source: $0[1]) }
    case "oneHot":
      return { _ in
        oneHot(
          labels!, classes: attributes["classes"]!.int!, axis: axis(), ignoreIndex: attributes["ignoreIndex"]!.int!)
      }
    case "axisAngle": return { rotation(axisAngle: $0[0]) }
    case "solveSymmetric": return { solveSymmetric($0[0], $0[1]) }
    case "balancedBoundaryEntropy": return { balancedBoundaryEntropy($0[0], $0[1], counted: $0[2]) }
    case "boundaryDice": return { boundaryDice($0[0], $0[1], counted: $0[2]) }
    case "logDepthLoss": return { logDepthLoss($0[0], $0[1]) }
    case "transformDistance":
      let transform = BoundaryTransform(rawValue: attributes["transform"]!.string!)!
      let distance = attributes["isGeodesic"]!.bool ? TransformDistance.geodesic() : .euclidean
      return { distance($0[0], transform) }
    case "inverse3x3": return { inverse3x3($0[0]) }
    case "polarFactor3x3": return { polarFactor3x3($0[0], isRotation: attributes["isRotation"]!.bool) }
    case "svd3x3":
      // The signs of the columns are free, their squares are not.
      return {
        let (u, s, v) = svd3x3($0[0])
        return concatenate([u.square(), v.square(), s.reshaped(Shape(s.shape.dropLast() + [1, 3]))], axis: -2)
      }
    case "flip": return { $0[0].flipped(axis: axis()) }
    case "broadcast": return { $0[0].broadcast(to: Shape(attributes["shape"]!.ints)) }
    case "linear": return { linear($0[0], weight: $0[1], bias: $0.count > 2 ? $0[2] : nil) }
    case "maxPool2d":
      return {
        maxPool2d(
          $0[0], kernel: pair("kernel"), stride: pair("stride"), padding: pair("padding"),
          dilation: attributes["dilation"]?.pair ?? 1, ceilMode: attributes["ceilMode"]?.bool ?? false)
      }
    case "averagePool2d":
      return {
        averagePool2d(
          $0[0], kernel: pair("kernel"), stride: pair("stride"), padding: pair("padding"),
          countIncludesPadding: attributes["countIncludePad"]!.bool)
      }
    case "adaptiveAveragePool2d": return { adaptiveAveragePool2d($0[0], outputSize: pair("outputSize")) }
    case "batchNormTraining":
      return {
        let channels: Shape = [$0[0].shape[1]]
        return batchNorm(
          $0[0], weight: $0.count > 1 ? $0[1] : .ones(channels), bias: $0.count > 2 ? $0[2] : .zeros(channels),
          epsilon: attributes["epsilon"]!.float!
        ).result
      }
    case "batchNormEvaluation":
      return {
        let channels: Shape = [$0[0].shape[1]]
        return batchNorm(
          $0[0], weight: $0.count > 3 ? $0[3] : .ones(channels), bias: $0.count > 4 ? $0[4] : .zeros(channels),
          mean: $0[1], variance: $0[2], epsilon: attributes["epsilon"]!.float!)
      }
    case "softmax": return { softmax($0[0], axis: axis()) }
    case "logSoftmax": return { logSoftmax($0[0], axis: axis()) }
    case "crossEntropy":
      return {
        crossEntropy(
          $0[0], labels!, ignoreIndex: attributes["ignoreIndex"]!.int!, classWeights: $0.count > 1 ? $0[1] : nil,
          labelSmoothing: attributes["labelSmoothing"]!.float!,
          hardExamples: attributes["threshold"]?.float.map {
            HardExamples(threshold: $0, minimum: .count(attributes["minimum"]!.int!))
          },
          reduction: losses())
      }
    case "focalLoss":
      return {
        focalLoss(
          $0[0], labels!, focusing: attributes["focusing"]!.float!, ignoreIndex: attributes["ignoreIndex"]!.int!,
          classWeights: $0.count > 1 ? $0[1] : nil, reduction: losses())
      }
    case "diceLoss":
      return {
        diceLoss(
          $0[0], labels!, ignoreIndex: attributes["ignoreIndex"]!.int!, smoothing: attributes["smoothing"]!.float!,
          reduction: losses())
      }
    case "lovaszLoss":
      return { lovaszLoss($0[0], labels!, ignoreIndex: attributes["ignoreIndex"]!.int!, reduction: losses()) }
    case "regionMutualInformationLoss":
      return {
        regionMutualInformationLoss(
          $0[0], labels!, ignoreIndex: attributes["ignoreIndex"]!.int!, region: attributes["region"]!.int!,
          stride: attributes["stride"]!.int!, regularization: Double(attributes["regularization"]!.float!),
          reduction: losses())
      }
    case "resizeNearest": return { resize($0[0], to: pair("size"), .nearest) }
    case "resizeBilinear": return { resize($0[0], to: pair("size"), alignCorners: attributes["alignCorners"]!.bool) }
    default: return nil
    }
  }
}
