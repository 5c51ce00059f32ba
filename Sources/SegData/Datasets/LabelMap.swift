import Foundation
import SegFiles
import SegKernels

/// What the numbers in annotation files mean: the class of each.
public struct LabelMap: Sendable, Hashable {
  private let classes: [Int32: Int32]
  /// The class of numbers that are not listed; nil where such a number is an error.
  private let others: Int32?

  /// A mapping of given numbers.
  ///
  /// - Parameters:
  ///   - classes: the class of each number.
  ///   - others: what all other numbers become; by default there must be none.
  public init(_ classes: [Int32: Int32], others: Int32? = nil) {
    self.classes = classes
    self.others = others
  }

  /// Numbers from 1 are the classes from 0; 0, and what else is named, becomes the ignored 255.
  static func fromOne(count: Int, alsoIgnoring ignored: Int32...) -> LabelMap {
    let classes = (0..<Int32(count)).map { ($0 + 1, $0) } + ([0] + ignored).map { ($0, 255) }
    return LabelMap(Dictionary(uniqueKeysWithValues: classes))
  }

  /// Reads a mapping file: a line `FROM TO` for each number of the annotation files, `* TO` for all that are not
  /// listed, and `#` before a comment.
  ///
  /// - Throws: `FileError` if it is missing, a line says something else, or a number has two lines.
  public init(contentsOf url: URL) throws {
    var classes: [Int32: Int32] = [:], others: Int32?
    for (number, text) in try url.lines(expecting: "a mapping of labels, a line FROM TO for each") {
      func failure(_ problem: String) -> FileError {
        FileError(path: url.relativePath, problem: "line \(number): \(problem)")
      }
      let fields = text.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      if fields.isEmpty { continue }
      guard fields.count == 2, let target = Int32(fields[1]) else {
        throw failure("expected two numbers FROM TO, found \(fields.joined(separator: " ").quoted)")
      }
      let isNew: Bool
      if fields[0] == "*" {
        isNew = others == nil
        others = target
      } else if let source = Int32(fields[0]) {
        isNew = classes.updateValue(target, forKey: source) == nil
      } else {
        throw failure("expected a number or *, found \(String(fields[0]).quoted)")
      }
      guard isNew else { throw failure("expected every label once, found \(fields[0]) again") }
    }
    self.init(classes, others: others)
  }

  /// Everything that labels may become.
  var targets: Set<Int32> { Set(classes.values).union(others.map { [$0] } ?? []) }

  /// The classes of an annotation.
  ///
  /// - Throws: `FileError` for a number that is not known.
  func apply(to labels: Labels, path: String) throws -> Labels {
    // Labels come in runs: one look into the table a run.
    var last: (label: Int32, class: Int32)?
    return Labels(
      labels.shape,
      try labels.values.map { label in
        if let last, last.label == label { return last.class }
        guard let found = classes[label] ?? others else {
          throw FileError(
            path: path, problem: "expected labels that are known (\(classes.count) are), found \(label)")
        }
        last = (label, found)
        return found
      })
  }
}
