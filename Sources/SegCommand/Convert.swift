#if Tools
  import ArgumentParser
  import Foundation
  import SegFormats
  import SegPipelines

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Convert weights between file formats and spellings.",
      discussion: """
        Reads safetensors, PyTorch checkpoints, .npy and .npz; writes safetensors or .npz, by the extension of OUT. \
        With --model names are mapped to that model's: prefixes such as 'module.' go, and a ResNet of torchvision or \
        timm becomes the backbone of an FFNet.
        """)

    @Argument(help: "The file to read.") var input: String
    @Argument(help: "The file to write.") var output: String
    @Option(help: "Map the names to this model's.") var model: String?
    @Option(help: "Take only names that begin with this, and remove it.") var prefix = ""
    @Option(help: "Channels of the images that the weights are for; the first kernel is adapted.") var inputChannels:
      Int?
    @Flag(help: "Write kernels with 16 bits: half the size (safetensors only).") var half = false
    @Flag(help: "Overwrite the output if it exists.") var force = false

    func run() throws {
      try reportingErrors {
        if let inputChannels, inputChannels < 1 {
          throw UsageError("--input-channels: expected at least 1, found \(inputChannels)")
        }
        if inputChannels != nil, model == nil { throw UsageError("--input-channels needs --model") }
        let conversion = try Conversion(
          URL(fileURLWithPath: input), model: model.map { ModelName($0) }, prefix: prefix, inputChannels: inputChannels)
        try conversion.write(to: URL(fileURLWithPath: output), halves: half, overwrite: force)
        for (old, new) in conversion.renamed { print("\(old) -> \(new)") }
        for note in conversion.notes { Console.note("note: \(note)") }
        print("\(output): \(conversion.archive.entries.count) arrays")
      }
    }
  }
#endif
