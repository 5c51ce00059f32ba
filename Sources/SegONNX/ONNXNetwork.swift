import Foundation
import SegFiles
import SegKernels

/// A network out of an ONNX file: a module like the package's own, which applies the file's nodes one after the other.
///
/// Captured, it becomes a `Graph`; what depends on shapes and weights alone is computed then and is no node. The
/// first output is the network's; where that is an ArgMax over the classes, the scores before it are.
public final class ONNXNetwork: UnaryModule {
  /// The file.
  public let path: String
  /// Images, channels, rows and columns of the input; nil where the file leaves them open.
  public let inputExtents: [Int?]
  private let file: ONNXFile

  public var parts: [Part] { [] }

  /// Reads a file and applies its nodes to a shape that it allows, so that nothing unknown is left.
  ///
  /// - Throws: `FileError` if it is missing or malformed, or holds an operator that the package does not have; the
  ///   operator is named with its node.
  public init(contentsOf url: URL) throws {
    path = url.relativePath
    guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
      throw FileError(path: path, kind: .missing, problem: "cannot be read")
    }
    do {
      file = try ONNXFile([UInt8](data), in: url.deletingLastPathComponent())
      guard file.inputs.count == 1, file.inputs[0].extents.count == 4, !file.outputs.isEmpty else {
        throw ONNXProblem(
          "expected one input N×C×H×W, found \(file.inputs.map { "'\($0.name)' of \($0.extents.count) axes" })")
      }
      inputExtents = file.inputs[0].extents
    } catch let problem as ONNXProblem {
      throw FileError(path: url.relativePath, problem: problem.text)
    }
  }

  /// The shape of the output for an input of some shape.
  ///
  /// - Throws: `FileError` if the network does not take that shape, naming the node that refuses.
  public func outputShape(for shape: Shape) throws -> Shape {
    for (extent, expected) in zip(shape, inputExtents) where expected != nil && expected != extent {
      throw FileError(
        path: path,
        problem:
          "takes inputs (\(inputExtents.map { $0.map { "\($0)" } ?? "any" }.joined(separator: ", "))), found \(shape)")
    }
    do {
      let graph = try Graph.capture(inputs: [shape]) { [try answer($0[0], isUntrusted: true)] }
      return graph.values[graph.outputs[0]].shape
    } catch let problem as ONNXProblem {
      throw FileError(path: path, problem: problem.text)
    }
  }

  /// Traps where ``outputShape(for:)`` would throw.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    do { return try answer(x) } catch { fatalError("\(path): \((error as? ONNXProblem)?.text ?? "\(error)")") }
  }

  /// Applies the nodes; of a file not seen before, with a bound on what its weights alone are made into.
  private func answer(_ x: Tensor, isUntrusted: Bool = false) throws -> Tensor {
    var values = file.constants, folded = 0
    values[file.inputs[0].name] = .tensor(x)
    for node in file.nodes {
      // Files list nodes in order; what is not there yet is missing, or part of a circle.
      let inputs = try node.inputs.map { name -> ONNXValue? in
        if name.isEmpty { return nil }
        guard let value = values[name] else {
          throw ONNXProblem("\(node.label) takes '\(name)', which nothing before it makes (missing, or in a circle)")
        }
        return value
      }
      let results: [ONNXValue]
      do {
        let call = ONNXCall(node: node, inputs: inputs, opset: file.opset)
        if isUntrusted {
          folded += try call.elementsMadeAtOnce()
          guard folded <= 1 << 26 else { throw ONNXProblem("weights alone make more than \(1 << 26) numbers") }
        }
        results = try call.results()
        if isUntrusted { folded += results.reduce(0) { $0 + $1.wholeNumberCount } }
      } catch let problem as ONNXProblem {
        throw ONNXProblem("\(node.label): \(problem.text)")
      }
      for (name, result) in zip(node.outputs, results) { values[name] = result }
    }
    guard case .tensor(let y)? = values[file.outputs[0]] else {
      throw ONNXProblem("output '\(file.outputs[0])' is made by no node, or is not of floats")
    }
    return y
  }
}

extension ONNXCall {
  /// How many elements the node makes while the network is captured, found without making them: none where an input is
  /// an image's. A few bytes of a file could otherwise ask for all the memory there is.
  fileprivate func elementsMadeAtOnce() throws -> Int {
    var first: (index: Int, tensor: Tensor)?
    for (index, input) in inputs.enumerated() {
      guard case .tensor(let tensor)? = input else { continue }
      guard tensor.hasData else { return 0 }
      if first == nil { first = (index, tensor) }
    }
    if node.kind == "ConstantOfShape" { return try elementCount(integers(0), "result") }
    // A cast reads its input, and makes no more than that.
    guard let first, node.kind != "Cast" else { return 0 }
    let graph = try Graph.capture(inputs: [first.tensor.shape]) { symbolic in
      var inputs = self.inputs
      inputs[first.index] = .tensor(symbolic[0])
      return try ONNXCall(node: node, inputs: inputs, opset: opset).results().compactMap { result in
        if case .tensor(let tensor) = result { tensor } else { nil }
      }
    }
    return graph.outputs.reduce(0) { $0 + graph.values[$1].shape.elementCount }
  }
}
