import SegKernels

/// Breaks one promise, named by the first argument: the package must stop the program and say what was wrong.
@main
struct Misuse {
  static func main() {
    let x = Tensor.zeros([1, 3, 4, 5])
    switch CommandLine.arguments.dropFirst().first {
    case "add": _ = x + Tensor.zeros([2, 4])
    case "conv2d": _ = conv2d(x, weight: .zeros([2, 4, 3, 3]))
    case "matmul": _ = matmul(.zeros([2, 3]), .zeros([4, 5]))
    case "concatenate": _ = concatenate([x, .zeros([1, 3, 4, 6])], axis: 1)
    case "crossEntropy": _ = crossEntropy(x, Labels([1, 4, 4], filledWith: 0))
    case "label": _ = crossEntropy(x, Labels([1, 4, 5], filledWith: 7))
    case "batchNorm": _ = batchNorm(x, weight: .ones([4]), bias: .zeros([3]))
    case "maxPool2d": _ = maxPool2d(x, kernel: 7)
    case "reshape": _ = x.reshaped(7, 9)
    case "slice": _ = x.slice(axis: 2, 2..<9)
    case "capture": _ = Graph.capture(inputs: [x.shape]) { [$0[0] * $0[0].scalars[0]] }
    case "gather": _ = gather(x, axis: 1, indices: Labels([1, 2, 4, 6], filledWith: 0))
    case "index": _ = gather(x, axis: 1, indices: Labels([1, 1, 4, 5], filledWith: 3))
    case "oneHot": _ = oneHot(Labels([1, 2], [0, 4]), classes: 4)
    case "topK": _ = topK(x, k: 4, axis: 1)
    case "sort": _ = sort(x, axis: 4)
    case "capturedTopK": _ = Graph.capture(inputs: [x.shape]) { [topK($0[0], k: 1, axis: 1).values] }
    case "capturedPooling": _ = Graph.capture(inputs: [x.shape]) { [maxPool2dWithIndices($0[0], kernel: 2).values] }
    case "indexAdd": _ = indexAdd(x, axis: 1, indices: Labels([2], [0, 1]), source: .zeros([1, 2, 4, 4]))
    case "emptyWindow": _ = maxPool2dWithIndices(.zeros([1, 1, 3, 3]), kernel: 2, stride: 1, padding: 1, dilation: 4)
    case "inverse3x3": _ = inverse3x3(.zeros([3, 4]))
    case "solveSymmetric": _ = solveSymmetric(.zeros([2, 3, 3]), .zeros([2, 4]))
    case "tooManyThings":
      let map = Tensor.zeros([1, 1, 4, 5])
      _ = instanceHeatmaps(
        centers: map, offsets: .zeros([1, 2, 4, 5]), things: map, rules: HeatmapRules(slots: 5, limit: 6, sigma: 1))
    case "tooManyQueries": _ = querySelection(.zeros([1, 8, 3]), things: [false, true], slots: 5, limit: 6)
    case "scalar": _ = valueAndGradient(at: [x]) { $0[0] + 1 }
    default: print("unknown misuse")
    }
  }
}
