import Foundation
import SegFiles

/// `metrics.jsonl`: a line of JSON a step and a score, appended as the run goes.
final class MetricsLog {
  /// What one line says: of a step its loss and rate, or a score after it.
  struct Line: Codable {
    let step: Int
    var loss: Float?
    var learningRate: Float?
    var seconds: Double?
    var scores: [String: Double]?
  }

  /// Where the log of a run is.
  static func file(in folder: URL) -> URL { folder.appendingPathComponent("metrics.jsonl") }

  private let file: GrowingFile

  /// - Parameter step: lines of later steps, left by a run that went on past its last checkpoint, are dropped.
  init(_ url: URL, keepingUpTo step: Int) throws {
    let kept = MetricsLog.lines(of: url).prefix { $0.step <= step }
    file = try GrowingFile(url.relativePath, startingWith: kept.flatMap(MetricsLog.text))
  }

  /// The lines of a log up to the first that is damaged; none where there is no log.
  static func lines(of url: URL) -> [Line] {
    let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    var lines: [Line] = []
    for line in text.split(separator: "\n") {
      guard let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { break }
      lines.append(line)
    }
    return lines
  }

  func add(_ line: Line) throws { try file.append(MetricsLog.text(line)) }

  private static func text(_ line: Line) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return [UInt8]((try? encoder.encode(line)) ?? Data()) + [UInt8(ascii: "\n")]
  }
}
