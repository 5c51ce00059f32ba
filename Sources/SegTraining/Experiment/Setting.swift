import Foundation

/// The value of one key of a recipe, as JSON writes it.
public enum Setting: Sendable, Hashable, Codable {
  /// `true` or `false`.
  case flag(Bool)
  /// A number, whole or not.
  case number(Double)
  /// A word: the name of a kind, for instance.
  case text(String)
  /// Several values in order: depths, sizes.
  case list([Setting])

  /// Reads a JSON value.
  ///
  /// - Throws: `DecodingError` for null and for objects.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else {
      self = .list(try container.decode([Setting].self))
    }
  }

  /// Writes the value as JSON has it.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag(let flag): try container.encode(flag)
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .list(let list): try container.encode(list)
    }
  }

  /// The text; nil for other values.
  public var text: String? { if case .text(let text) = self { text } else { nil } }
  /// The number; nil for other values.
  public var number: Double? { if case .number(let number) = self { number } else { nil } }
  /// The flag; nil for other values.
  public var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }

  /// The value as `JSONSerialization` has it.
  fileprivate var json: Any {
    switch self {
    case .flag(let flag): flag
    case .number(let number): number
    case .text(let text): text
    case .list(let list): list.map(\.json)
    }
  }
}

extension Setting: ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, CustomStringConvertible
{
  /// `true` and `false` in a list of settings.
  public init(booleanLiteral value: Bool) { self = .flag(value) }
  /// `0.5` in a list of settings.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// `3` in a list of settings: a number like any other.
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  /// `"basic"` in a list of settings.
  public init(stringLiteral value: String) { self = .text(value) }
  /// `[3, 4, 6, 3]` in a list of settings.
  public init(arrayLiteral elements: Setting...) { self = .list(elements) }

  /// The value as tables show it: `[3, 4, 6, 3]`, `basic`, `0.5`.
  public var description: String {
    switch self {
    case .flag(let flag): "\(flag)"
    case .number(let number): String(format: "%g", number)
    case .text(let text): text
    case .list(let list): "[" + list.map(\.description).joined(separator: ", ") + "]"
    }
  }
}

extension Experiment.Arm {
  /// The arm's recipe: another one with the arm's settings.
  ///
  /// - Parameters:
  ///   - base: the experiment's recipe.
  ///   - ownKeys: keys that are no recipe's but the paper's own, and left to it. Traps at any other key that a recipe
  ///     does not have, and at values of the wrong kind: arms are written by programmers.
  public func recipe(over base: Recipe, ownKeys: Set<String> = []) -> Recipe {
    var tree = (try? JSONSerialization.jsonObject(with: Data(base.json.utf8))) as? [String: Any] ?? [:]
    for (key, value) in settings where !ownKeys.contains(key) {
      precondition(
        Self.set(value.json, in: &tree, at: key.split(separator: ".").map(String.init)),
        "Experiment: arm \(name): a recipe has no key '\(key)', nor has the paper")
    }
    do {
      return try JSONDecoder().decode(Recipe.self, from: JSONSerialization.data(withJSONObject: tree))
    } catch {
      preconditionFailure("Experiment: arm \(name): settings \(settings) do not fit a recipe: \(error)")
    }
  }

  private static func set(_ value: Any, in tree: inout [String: Any], at path: [String]) -> Bool {
    guard let old = tree[path[0]] else { return false }
    guard path.count > 1 else {
      tree[path[0]] = value
      return true
    }
    guard var inner = old as? [String: Any], set(value, in: &inner, at: Array(path.dropFirst())) else { return false }
    tree[path[0]] = inner
    return true
  }
}
