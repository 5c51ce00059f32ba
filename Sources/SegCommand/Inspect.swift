#if Tools
  import ArgumentParser
  import Foundation
  import SegData
  import SegPipelines

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what a data set holds.")

    @Option(help: "KIND or KIND:FOLDER; kinds: \(DataSource.kinds.joined(separator: ", ")).") var data: String
    @Option(help: "The part of the data; of KITTI, the sequence or drive.") var split = "train"
    @Option(help: "Look at this many images, spread over the split; all by default.") var limit: Int?
    @Option(help: "Write a contact sheet of images and labels to this PNG file.") var sheet: String?
    @Flag(help: "For streets: instead measure how hard they are, against the specification's bounds.") var card = false
    @Flag(help: "Overwrite a sheet that exists.") var force = false
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var line = ProgressLine()
        if card { return try showCard(&line) }
        let result = try Inspection(
          DataSource(data), split: split, limit: limit, sheet: sheet.map { URL(fileURLWithPath: $0) },
          overwrite: force
        ) { line.show($0, of: $1, "images") }
        if json { return try Console.json(result) }
        if !result.classes.isEmpty {
          Console.table(
            [["class", "share %", "images"]]
              + result.classes.map { [$0.name, String(format: "%.3f", $0.share * 100), "\($0.images)"] })
        }
        let ignored = result.classes.isEmpty ? "no labels" : "\(Console.percent(result.ignored)) % ignored"
        let sizes = result.sizes.sorted { $0.value > $1.value }.map { "\($0.key): \($0.value)" }
        print(
          "\(result.inspected) of \(result.images) images of \(result.data) \(result.split) (\(sizes.joined(separator: ", "))), \(ignored)"
        )
      }
    }

    private func showCard(_ line: inout ProgressLine) throws {
      let card = try Inspection.card(DataSource(data), frames: limit ?? 200) { line.show($0, of: $1, "frames") }
      if json { return try Console.json(card) }
      func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "" }
      Console.table(
        [["", "found", "least", "most", ""]]
          + card.map {
            [$0.name, text($0.value), text($0.least), text($0.most), $0.holds ? "holds" : "MISSED"]
          })
    }
  }
#endif
