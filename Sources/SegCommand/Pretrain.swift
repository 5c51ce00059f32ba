#if Tools
  import ArgumentParser
  import Foundation
  import SegInverseForm
  import SegKernels
  import SegPipelines
  import SegTraining

  extension BoundaryTransform: ExpressibleByArgument {}

  struct Pretrain: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train the networks that losses need.", subcommands: [InverseNetwork.self, PerceptualFeatures.self])

    struct InverseNetwork: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "inverse-network", abstract: "InverseForm's: the transform between two boundary maps.",
        discussion:
          "Writes the weights, and beside them a report (.json): error against magnitude, distance of equal maps.")

      @Option(help: "The data whose label maps are learned from: KIND[:DIR].") var data = "streets"
      @Option(help: "How many label maps.") var frames = 300
      @Option(help: "What is estimated: \(BoundaryTransform.allCases.map(\.rawValue).joined(separator: ", ")).")
      var transform = BoundaryTransform.shiftScaleRotation
      @Option(help: "Rows and columns of a tile: 112, 224, or another multiple of 16.") var tile = 112
      @Option(help: "Steps.") var steps = 6000
      @Option(help: "Pairs of tiles a step.") var batch = 64
      @Option(help: "What weights and pairs follow from.") var seed: UInt64 = 1
      @Option(help: "The weights' file.") var out = "inverse-network.safetensors"
      @Flag(help: "Overwrite it.") var force = false
      @OptionGroup var threads: ThreadOptions
      @Flag(help: "Print one JSON object at the end.") var json = false

      func run() throws {
        try reportingErrors {
          try threads.apply()
          var pretraining = InversePretraining()
          (pretraining.steps, pretraining.batch, pretraining.seed) = (steps, batch, seed)
          var line = ProgressLine()
          let outcome = try InverseNetworkPretraining(
            DataSource(data), frames: frames, transform: transform, side: tile, pretraining: pretraining,
            to: URL(fileURLWithPath: out), overwrite: force
          ).run { line.show($0.step, of: $0.steps, String(format: "loss %.4f", $0.loss)) }
          if json { return try Console.json(outcome) }
          let report = outcome.report
          print(
            String(
              format: "equal maps %.4f, degraded alone %.3f", report.distanceOfEqualMaps, report.distanceOfDegradedMaps)
          )
          print("component      amount  estimate   error  distance  degraded")
          for row in report.rows {
            print(
              row.component.padding(toLength: 11, withPad: " ", startingAt: 0)
                + String(
                  format: "%10.2f  %8.2f  %6.3f  %8.3f  %8.3f", row.amount, row.estimate, row.error, row.distance,
                  row.degradedDistance))
          }
          print(outcome.weights)
        }
      }
    }

    struct PerceptualFeatures: ParsableCommand {
      static let configuration = CommandConfiguration(
        commandName: "perceptual-features",
        abstract: "Perceptual consistency's: ResNet-18 up to layer2, taught to segment.",
        discussion: "The folder gets checkpoints, logs and weights.safetensors; a run that was stopped goes on.")

      @Option(help: "The data to learn from: KIND[:DIR].") var data = "streets:3"
      @Option(help: "Its split.") var split = "train"
      @Option(help: "Steps.") var steps = 1500
      @Option(help: "What weights and order follow from.") var seed: UInt64 = 1
      @Option(help: "The run's folder.") var out = "runs/perceptual-features"
      @OptionGroup var threads: ThreadOptions

      func run() throws {
        try reportingErrors {
          try threads.apply()
          var line = ProgressLine()
          let weights = try FeaturePretraining(
            DataSource(data), split: split, steps: steps, seed: seed, folder: URL(fileURLWithPath: out)
          ).run { line.show($0.step, of: $0.steps, String(format: "loss %.4f", $0.loss)) }
          print(weights.relativePath)
        }
      }
    }
  }
#endif
