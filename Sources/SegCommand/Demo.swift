#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Render streets, segment them with the weights that come with the program, and show how well it went.",
      discussion: "The streets are of the test split: training has seen neither them nor what they are built of.")

    @Option(help: "The folder for the pictures.") var out = "demo-output"
    @OptionGroup var threads: ThreadOptions

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var line = ProgressLine()
        let demonstration = try Demonstration(in: URL(fileURLWithPath: out)) { line.show($0, of: $1, "streets") }
        Console.table([["class", "IoU %"]] + demonstration.scores.map { [$0.name, Console.percent($0.iou)] })
        print(
          """
          mIoU \(Console.percent(demonstration.meanIoU)) % on \(demonstration.frames) streets that training never saw; \
          a frame took \(String(format: "%.2f s to render, %.2f s to segment", demonstration.secondsToRender, demonstration.secondsToSegment))
          """)
        print("photograph, truth, prediction and errors side by side: \(demonstration.files[0])")
        for file in demonstration.files.dropFirst() { print("  \(file)") }
      }
    }
  }
#endif
