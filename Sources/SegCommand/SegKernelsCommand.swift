#if Tools
  import ArgumentParser
  import Foundation
  import SegPipelines

  /// `segkernels`: parsing and printing; what the verbs do lives in SegPipelines.
  @main
  struct SegKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "segkernels",
      abstract: "Segmentation networks on the CPU: predict, train, evaluate, convert.",
      discussion: """
        Results go to stdout, progress and notes to stderr. Exit codes: 0 done, 64 wrong usage, 65 bad data, \
        66 missing input, 70 anything else. Files are never overwritten without --force.
        """,
      version: packageVersion,
      subcommands: [
        Predict.self, Train.self, Pretrain.self, Evaluate.self, Score.self, Models.self, Run.self, Convert.self,
        ExportCommand.self, Bench.self, Inspect.self, Render.self, Video.self, ReproduceCommand.self,
        ResultsCommand.self, DoctorCommand.self, Demo.self,
      ])
  }

  /// Runs a verb; an error becomes one line on stderr and the exit code that it asks for.
  func reportingErrors(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      Console.note("segkernels: \(error)")
      throw ExitCode(ExitStatus(error).rawValue)
    }
  }
#else
  @main
  struct SegKernelsCommand {
    static func main() { print("segkernels: the command line needs the package's trait 'Tools'") }
  }
#endif
