#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Score a model on a labelled data set.")

    @OptionGroup var options: ModelOptions
    @OptionGroup var threads: ThreadOptions
    @Option(help: "KIND or KIND:FOLDER; kinds: \(DataSource.kinds.joined(separator: ", ")).") var data: String
    @Option(help: "The part of the data.") var split = "val"
    @OptionGroup var view: ViewOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        let views = try view.views(), source = try DataSource(data)
        let segmenter = try Segmenter(options.load())
        var line = ProgressLine()
        let result = try Evaluation(segmenter, on: source, split: split, views: views) {
          line.show($0, of: $1, "images")
        }
        if json { try Console.json(result) } else { printScores(result) }
      }
    }
  }

  /// The table of classes and the line of means.
  func printScores(_ result: Evaluation) {
    Console.table(
      [["class", "IoU %", "accuracy %"]]
        + result.classes.map { [$0.name, Console.percent($0.iou), Console.percent($0.accuracy)] })
    print(
      """
      mIoU \(Console.percent(result.meanIoU)) % (\(Console.percent(result.meanIoUVoidCounted)) % with ignored pixels counted), \
      pixels \(Console.percent(result.pixelAccuracy)) %, class mean \(Console.percent(result.meanClassAccuracy)) %; \
      \(result.images) images of \(result.data) \(result.split), \(String(format: "%.3f", result.secondsPerImage)) s each
      """)
  }
#endif
