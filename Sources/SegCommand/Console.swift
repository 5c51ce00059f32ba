import Foundation

/// What the verbs print: results on stdout, everything else on stderr.
enum Console {
  /// Whether progress may redraw its line.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// A line on stderr.
  static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  /// A value as one JSON object on stdout.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    FileHandle.standardOutput.write(try encoder.encode(value) + [0x0A])
  }

  /// Rows with their columns aligned; the first column to the left, the others to the right.
  static func table(_ rows: [[String]]) {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }
      print(cells.joined(separator: "  ").trimmedEnd)
    }
  }

  /// A share as a percentage with one decimal; "-" where there is none.
  static func percent(_ share: Double?) -> String {
    share.map { $0.isFinite ? String(format: "%.1f", $0 * 100) : "-" } ?? "-"
  }

  /// Seconds as 1:05:09 or 5:09.
  static func time(_ seconds: Double) -> String {
    let total = Int(seconds.rounded())
    let (hours, minutes) = (total / 3600, total / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, total % 60) : String(format: "%d:%02d", minutes, total % 60)
  }
}

extension String {
  fileprivate var trimmedEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}

/// Progress on stderr: a bar that redraws itself on a terminal, a line now and then elsewhere.
struct ProgressLine {
  private var lastReport = ContinuousClock.now
  private var isDrawn = false

  /// Shows that `done` of `total` steps are done.
  mutating func show(_ done: Int, of total: Int, _ detail: String) {
    let now = ContinuousClock.now
    let isLast = done == total
    guard isLast || done == 1 || now - lastReport > (Console.isTerminal ? .milliseconds(200) : .seconds(10)) else {
      return
    }
    lastReport = now
    if Console.isTerminal {
      let width = 24, filled = width * done / max(total, 1)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      FileHandle.standardError.write(Data("\r\u{1B}[K\(bar) \(done)/\(total)  \(detail)\(isLast ? "\n" : "")".utf8))
    } else {
      Console.note("\(done)/\(total)  \(detail)")
    }
  }
}
