#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what a data set holds.")

    @Option(help: "KIND or KIND:FOLDER; kinds: \(DataSource.kinds.joined(separator: ", ")).") var data: String
    @Option(help: "The part of the data.") var split = "train"
    @Option(help: "Look at this many images, spread over the split; all by default.") var limit: Int?
    @Option(help: "Write a contact sheet of images and labels to this PNG file.") var sheet: String?
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var line = ProgressLine()
        let result = try Inspection(
          DataSource(data), split: split, limit: limit, sheet: sheet.map { URL(fileURLWithPath: $0) }
        ) { line.show($0, of: $1, "images") }
        if json { return try Console.json(result) }
        Console.table(
          [["class", "share %", "images"]]
            + result.classes.map { [$0.name, String(format: "%.3f", $0.share * 100), "\($0.images)"] })
        let sizes = result.sizes.sorted { $0.value > $1.value }.map { "\($0.key): \($0.value)" }
        print(
          "\(result.inspected) of \(result.images) images of \(result.data) \(result.split) (\(sizes.joined(separator: ", "))), \(Console.percent(result.ignored)) % ignored"
        )
      }
    }
  }
#endif
