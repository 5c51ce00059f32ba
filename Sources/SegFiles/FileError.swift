import Glibc

/// What went wrong with a file, in one line that names it, what was expected and what was found.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is; the command line's exit code follows from it.
  public enum Kind: Sendable, Hashable {
    /// There is no such file or folder, or it cannot be opened.
    case missing
    /// The contents are not what was expected.
    case malformed
    /// It cannot be written.
    case unwritable
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// The file.
  public let path: String
  /// What was expected of it and what was found instead.
  public let problem: String

  /// An error about one file.
  public init(path: String, kind: Kind = .malformed, problem: String) {
    self.kind = kind
    self.path = path
    self.problem = problem.onOneLine(of: 2000)
  }

  /// The error of the system call that failed just now.
  package init(path: String, kind: Kind = .unwritable, doing action: String) {
    self.init(path: path, kind: kind, problem: "cannot \(action): \(String(cString: strerror(errno)))")
  }

  public var description: String { "\(path.printable): \(problem)" }
}

extension String {
  /// A name fit for a message: on one line and of bounded length, since those out of a damaged file may hold anything.
  package var printable: String { onOneLine(of: 200) }

  /// The text on one line of at most so many characters, and an ellipsis where that leaves some out.
  package func onOneLine(of limit: Int) -> String {
    var result = ""
    for scalar in unicodeScalars.prefix(limit) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return unicodeScalars.dropFirst(limit).isEmpty ? result : result + "…"
  }

  /// `printable` between quotes.
  package var quoted: String { "'" + printable + "'" }
}
