import SegDistributed
import SegFiles
import SegKernels
import SegTraining

/// How a program that uses the package should end, after BSD's sysexits.
public enum ExitStatus: Int32, Sendable {
  /// Wrong usage: an unknown name, a combination of choices that makes no sense.
  case usage = 64
  /// A file's contents are not what was expected.
  case data = 65
  /// A file is missing or cannot be read.
  case noInput = 66
  /// Anything else, a file that cannot be written among it.
  case `internal` = 70

  /// The status that an error asks for.
  public init(_ error: any Error) {
    switch error {
    case is UsageError, is ReproductionError, is ProcessLaunch.NoMPI: self = .usage
    case let error as FileError:
      switch error.kind {
      case .missing: self = .noInput
      case .malformed: self = .data
      case .unwritable: self = .internal
      }
    case is LoadError, is TrainingError: self = .data
    default: self = .internal
    }
  }
}
