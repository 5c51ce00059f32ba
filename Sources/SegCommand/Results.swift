#if Tools
  import ArgumentParser
  import SegPipelines
  import SegTraining

  struct ResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "results", abstract: "Make a page of Markdown of what experiments found.",
      discussion: "Prints every contrast of every report with its intervals, then the arms.")

    @Argument(help: "Files report.json of experiments' folders.") var reports: [String]

    func run() throws {
      try reportingErrors { print(try Results.page(of: reports).markdown, terminator: "") }
    }
  }
#endif
