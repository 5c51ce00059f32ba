#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines
  import SegTraining

  struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Train a small network on seeded scenes, and show what it sees.",
      discussion: "Weights that an earlier demonstration left in the folder are used again.")

    @Option(help: "The folder for the run and the pictures.") var out = "demo-output"

    func run() throws {
      try reportingErrors {
        var line = ProgressLine()
        let demonstration = try Demonstration(in: URL(fileURLWithPath: out)) { progress in
          line.show(
            progress.step, of: progress.steps,
            String(format: "loss %.3f  ", progress.loss) + "\(Console.time(progress.secondsLeft)) left")
        }
        Console.table([["class", "IoU %"]] + demonstration.scores.map { [$0.name, Console.percent($0.iou)] })
        print("mIoU \(Console.percent(demonstration.meanIoU)) % on scenes that training never saw")
        for file in demonstration.files { print(file) }
      }
    }
  }
#endif
