#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Write a network as an ONNX file.",
      discussion: "Opset 17; input 'image' N×C×H×W, normalised, output 'logits'.")

    @OptionGroup var options: ModelOptions
    @Option(help: "Rows and columns of the image, HxW.") var size: Size
    @Option(help: "Images at once.") var batch = 1
    @Option(help: "Fresh weights drawn from this seed, for trying things out.") var fresh: UInt64?
    @Flag(help: "Leave batch, rows and columns open; sides are then multiples of the model's divisor.")
    var dynamic = false
    @Flag(help: "Overwrite the output if it exists.") var force = false
    @Argument(help: "The file to write.") var output: String

    func run() throws {
      try reportingErrors {
        guard batch >= 1 else { throw UsageError("--batch: expected at least 1, found \(batch)") }
        try ONNXWriting.write(
          loaded(), batch: batch, size: size.pair, isDynamic: dynamic, to: URL(fileURLWithPath: output),
          overwrite: force)
        print(output)
      }
    }

    private func loaded() throws -> LoadedModel {
      guard let fresh else { return try options.load() }
      guard options.weights == nil else { throw UsageError("--fresh: expected no --weights beside it") }
      return try LoadedModel(options.model.map { ModelName($0) }, weights: .fresh(seed: fresh))
    }
  }
#endif
