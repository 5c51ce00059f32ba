/// What happened when values were loaded into a module, by name.
public struct LoadReport: Sendable, Hashable {
  /// A value whose shape was not the parameter's.
  public struct Mismatch: Sendable, Hashable {
    /// The parameter.
    public let name: String
    /// The parameter's shape.
    public let expected: Shape
    /// The value's shape.
    public let found: Shape
  }

  /// Parameters that took a value from the file.
  public internal(set) var loaded: [String] = []
  /// Parameters that the file lacks; they kept what they had.
  public internal(set) var missing: [String] = []
  /// Values of the file that the module has no place for.
  public internal(set) var unexpected: [String] = []
  /// Values that were not loaded because their shape differs.
  public internal(set) var mismatched: [Mismatch] = []

  /// A report of nothing.
  public init() {}

  /// Whether every parameter was loaded and nothing was left over.
  public var isExact: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

  /// The differences, one line each; empty when exact.
  public var differences: [String] {
    missing.map { "\($0): not in the file, kept as it was" } + unexpected.map { "\($0): in the file only, left out" }
      + mismatched.map { "\($0.name): expected shape \($0.expected), found \($0.found), kept as it was" }
  }
}

/// Values do not fit the module that they were to be loaded into.
public struct LoadError: Error, CustomStringConvertible {
  /// All differences.
  public let report: LoadReport
  /// The differences that were not allowed.
  public let refused: [String]

  public var description: String {
    let rest = refused.count > 3 ? " and \(refused.count - 3) more" : ""
    return "weights do not fit the model: " + refused.prefix(3).joined(separator: "; ") + rest
  }
}

/// Which differences between a file and a module are accepted.
public struct LoadRules: Sendable {
  /// Only names that begin with one of these are taken; `nil` takes all.
  public var prefixes: [String]?
  /// Parameters that may keep what they have.
  public var mayMiss: @Sendable (String) -> Bool
  /// Values that may be left out.
  public var mayDrop: @Sendable (String) -> Bool
  /// Parameters whose shape may differ; they keep what they have.
  public var mayDiffer: @Sendable (String) -> Bool

  /// Rules of given exceptions; without any, everything must agree.
  public init(
    prefixes: [String]? = nil, mayMiss: @escaping @Sendable (String) -> Bool = { _ in false },
    mayDrop: @escaping @Sendable (String) -> Bool = { _ in false },
    mayDiffer: @escaping @Sendable (String) -> Bool = { _ in false }
  ) {
    self.prefixes = prefixes
    self.mayMiss = mayMiss
    self.mayDrop = mayDrop
    self.mayDiffer = mayDiffer
  }

  /// Every name and every shape must agree. A file without batch counters is accepted: old PyTorch wrote none.
  public static let strict = LoadRules(mayMiss: { $0.hasSuffix("num_batches_tracked") })
}

extension Module {
  /// Loads values by name. Nothing is changed if a difference is not allowed by the rules.
  ///
  /// Values share memory with the source, a mapped file for instance, until training writes them.
  ///
  /// - Throws: ``LoadError``, which names the differences.
  @discardableResult
  public func load(_ values: [String: Tensor], rules: LoadRules = .strict) throws -> LoadReport {
    func isTaken(_ name: String) -> Bool { rules.prefixes?.contains { name.hasPrefix($0) } ?? true }
    var report = LoadReport()
    var assignments: [(Parameter, Tensor)] = []
    var known: Set<String> = []
    for (name, parameter) in state {
      known.insert(name)
      guard isTaken(name), let value = values[name] else {
        report.missing.append(name)
        continue
      }
      if value.shape == parameter.shape {
        report.loaded.append(name)
        assignments.append((parameter, value))
      } else {
        report.mismatched.append(.init(name: name, expected: parameter.shape, found: value.shape))
      }
    }
    report.unexpected = values.keys.filter { !known.contains($0) }.sorted()
    let refused =
      report.missing.filter { isTaken($0) && !rules.mayMiss($0) }.map { "\($0) is missing" }
      + report.unexpected.filter { isTaken($0) && !rules.mayDrop($0) }.map { "\($0) is not part of the model" }
      + report.mismatched.filter { !rules.mayDiffer($0.name) }.map {
        "\($0.name) should have shape \($0.expected), found \($0.found)"
      }
    guard refused.isEmpty else { throw LoadError(report: report, refused: refused) }
    for (parameter, value) in assignments { parameter.value = value.detached() }
    return report
  }
}

extension [String: Tensor] {
  /// The values whose names begin with a prefix, another one in its place: `""` takes all, and adds or removes one.
  package func renamed(_ prefix: String, to other: String) -> [String: Tensor] {
    [String: Tensor](
      uniqueKeysWithValues: filter { $0.key.hasPrefix(prefix) }.map {
        (other + $0.key.dropFirst(prefix.count), $0.value)
      })
  }
}
