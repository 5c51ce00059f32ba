import ArgumentParser
import Foundation
import SegKernels
import SegPipelines

/// What every benchmark takes.
struct MachineOptions: ParsableArguments {
  @Option(help: "Threads to use; all processors by default.") var threads: Int?
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Time a debug build all the same.") var allowDebug = false

  /// Sets the threads and looks at the machine.
  func prepare() throws -> Machine {
    if let threads {
      guard (1...256).contains(threads) else { throw UsageError("--threads: expected 1 to 256, found \(threads)") }
      Threads.count = threads
    }
    return try Machine(allowDebug: allowDebug)
  }
}

/// A share as a user writes it: `10%`.
struct Percentage: ExpressibleByArgument, CustomStringConvertible {
  let share: Double

  init(share: Double) { self.share = share }

  init?(argument: String) {
    guard argument.hasSuffix("%"), let value = Double(argument.dropLast()), value >= 0, value.isFinite else {
      return nil
    }
    share = value / 100
  }

  var description: String { String(format: "%g%%", share * 100) }
  var defaultValueDescription: String { description }
}

/// An error of one line and the exit code that it asks for.
struct Failure: Error, CustomStringConvertible {
  let status: ExitStatus
  let description: String

  init(_ status: ExitStatus, _ description: String) { (self.status, self.description) = (status, description) }
}

/// Runs a benchmark; an error becomes one line on stderr and the exit code that it asks for.
func reportingErrors(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let exit as ExitCode {
    throw exit
  } catch {
    note("benchmarks: \(error)")
    throw ExitCode(((error as? Failure)?.status ?? ExitStatus(error)).rawValue)
  }
}

/// A line on stderr.
func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// One JSON object on stdout.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  FileHandle.standardOutput.write(try encoder.encode(value) + [0x0A])
}
