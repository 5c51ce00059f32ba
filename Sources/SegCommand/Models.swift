#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List every model by its published name.",
      discussion: "The prefix 'segmentation_' may be left out. Multiply-adds are those of the published input size.")

    @Flag(help: "Print one JSON object.") var json = false
    @Argument(help: "Only names that contain this text.") var filter: String?

    func run() throws {
      try reportingErrors {
        let listing = try ModelListing.all(bundled: ModelOptions.bundled).filter {
          filter.map($0.name.contains) ?? true
        }
        if json { return try Console.json(listing) }
        func text(_ shape: [Int]) -> String { shape.dropFirst().map(String.init).joined(separator: "×") }
        Console.table(
          [["model", "parameters", "GMAC", "input", "output", "published weights"]]
            + listing.map {
              [
                $0.name, "\($0.parameters)", String(format: "%.1f", $0.gigaMultiplyAdds), text($0.input),
                text($0.output),
                $0.weights ?? "-",
              ]
            })
        for model in listing {
          for weights in model.bundled {
            // A network that tells depth has one channel and no classes.
            let tells = weights.classes.count > 1 ? "\(weights.classes.count) classes" : "depth"
            print(
              "\(model.name) --weights \(weights.name): comes with the program, \(tells)\(weights.restriction.map { "; " + $0 } ?? "")"
            )
          }
        }
      }
    }
  }
#endif
