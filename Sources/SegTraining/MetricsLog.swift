import Foundation
import SegFiles

/// `metrics.jsonl`: a line of JSON a step, appended as the run goes.
final class MetricsLog {
  private let handle: FileHandle
  private let path: String

  /// - Parameter step: lines of this step and later ones, left by a run that went on past its last checkpoint, are
  ///   dropped.
  init(_ url: URL, keepingBelow step: Int) throws {
    path = url.relativePath
    let old = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    let kept = old.split(separator: "\n").prefix { line in
      (try? JSONDecoder().decode(Line.self, from: Data(line.utf8))).map { $0.step <= step } ?? false
    }
    let text = Array(kept.map { $0 + "\n" }.joined().utf8)
    try writeAtomically(to: path, overwrite: true) { try $0.write(text) }
    guard let handle = FileHandle(forWritingAtPath: path) else {
      throw FileError(path: path, kind: .unwritable, problem: "cannot be opened for writing")
    }
    self.handle = handle
    handle.seekToEndOfFile()
  }

  private struct Line: Codable {
    let step: Int
    let loss: Float
    let learningRate: Float
    let seconds: Double
  }

  func add(_ progress: Trainer.Progress) throws {
    let line = Line(
      step: progress.step, loss: progress.loss, learningRate: progress.learningRate, seconds: progress.seconds)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    do {
      try handle.write(contentsOf: encoder.encode(line) + [0x0A])
    } catch {
      throw FileError(path: path, kind: .unwritable, problem: "cannot be written: \(error.localizedDescription)")
    }
  }
}
