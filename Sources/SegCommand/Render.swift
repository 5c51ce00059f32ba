#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  extension StreetWriting.Layout: ExpressibleByArgument {}

  struct Render: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write made-up streets to disk, as Cityscapes or KITTI would have them.",
      discussion:
        "Single frames and clips of a split, from the first on; Documentation/StreetScenes.md lists the files.")

    @Option(help: "streets, streets:SEED, streets:DOMAIN or streets:SEED:DOMAIN.") var data = "streets"
    @Option(help: "The part of the data: train, dev or test.") var split = "train"
    @Option(help: "\(StreetWriting.Layout.allCases.map(\.rawValue).joined(separator: " or ")).")
    var layout = StreetWriting.Layout.cityscapes
    @Option(help: "How many single frames (cityscapes).") var stills = 0
    @Option(help: "How many clips.") var clips = 0
    @Option(help: "Frames in each clip, 17 a second.") var frames = 64
    @Option(help: "Annotate every so many frames of a clip (cityscapes).") var every = 1
    @Option(help: "Rows and columns, HxW; 256x512 by default.") var size: Size?
    @Option(help: "The folder to write to, new or empty.") var out: String
    @Flag(help: "Write into a folder that holds something, and overwrite its files.") var force = false
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        try threads.apply()
        var plan = StreetWriting.Plan()
        (plan.stills, plan.clips, plan.frames, plan.interval) = (stills, clips, frames, every)
        if let size { plan.size = size.pair }
        var line = ProgressLine()
        let result = try StreetWriting(
          DataSource(data), split: split, layout: layout, plan, to: URL(fileURLWithPath: out), overwrite: force
        ) { line.show($0, of: $1, "frames") }
        if json { return try Console.json(result) }
        print("\(result.stills) single frames and \(result.clipFrames) frames of clips in \(result.folder)")
      }
    }
  }
#endif
