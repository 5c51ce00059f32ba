import ArgumentParser
import SegKernels
import SegOperationTable

/// `benchmarks operations`: the rows of the operation table.
struct Operations: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time the operations, by the rows of the operation table.",
    discussion: """
      Of every row the forward, and forward and backward together where there is a gradient. Bytes: every input and \
      result moved once, with a gradient twice.
      """)

  @OptionGroup var options: RunOptions
  @Flag(help: "The tests' rows instead, whose small sizes show what a call costs.") var small = false

  func run() throws {
    try options.run { (small ? OperationTable.cases : OperationTable.timedCases).flatMap(workloads) }
  }

  private func workloads(_ row: OperationCase) -> [Workload] {
    let shapes = row.inputs.map(\.shape)
    let isCaptured = !OperationTable.notCapturable.contains(row.operation)
    // What cannot be captured has no counted operations, and its output is not known before it ran.
    let graph = isCaptured ? Graph.capture(inputs: shapes) { [row.run($0)] } : nil
    let outputs = graph.map { graph in graph.outputs.map { graph.values[$0].shape } } ?? []
    let bytes = 4 * (shapes + outputs).reduce(0) { $0 + $1.elementCount }
    let forward = Workload(
      name: row.title, floatingPointOperations: graph?.floatingPointOperations, bytes: bytes
    ) {
      let inputs = row.makeInputs()
      return { ContinuousClock().measure { row.timed(inputs) } }
    }
    guard !OperationTable.notDifferentiable.contains(row.operation), !shapes.isEmpty else { return [forward] }
    let backward = Workload(name: row.title + " and gradient", bytes: 2 * bytes) {
      let inputs = row.makeInputs()
      // A loss is differentiated as training does it, with 1.
      let shape = row.run(inputs).shape
      let cotangent = shape.elementCount == 1 ? Tensor(shape, filledWith: 1) : row.makeCotangent(shape)
      return { ContinuousClock().measure { _ = valueAndGradient(at: inputs, cotangent: cotangent, row.run) } }
    }
    return [forward, backward]
  }
}
