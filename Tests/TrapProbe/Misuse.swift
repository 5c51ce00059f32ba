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
    case "scalar": _ = valueAndGradient(at: [x]) { $0[0] + 1 }
    default: print("unknown misuse")
    }
  }
}
