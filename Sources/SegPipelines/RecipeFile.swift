#if Tools
  import Foundation
  import SegFiles
  import SegTraining
  import Yams

  /// Recipes as YAML: bundled ones by name, others by path.
  public enum RecipeFile {
    /// The recipes that come with the package.
    private static let bundled: [String: [UInt8]] = [
      "camvid-ffnet22S-half": PackageResources.camvid_ffnet22S_half_yaml,
      "camvid-ffnet40S": PackageResources.camvid_ffnet40S_yaml,
      "streets-consistency": PackageResources.streets_consistency_yaml,
      "streets-ffnet22S-half": PackageResources.streets_ffnet22S_half_yaml,
      "streets-hs3": PackageResources.streets_hs3_yaml,
      "streets-hs3-fuse": PackageResources.streets_hs3_fuse_yaml,
      "streets-ifa": PackageResources.streets_ifa_yaml,
      "streets-inverseform": PackageResources.streets_inverseform_yaml,
      "streets-multitask": PackageResources.streets_multitask_yaml,
      "streets-panoptic-deeplab": PackageResources.streets_panoptic_deeplab_yaml,
      "streets-maskformer": PackageResources.streets_maskformer_yaml,
      "streets-pisr": PackageResources.streets_pisr_yaml,
      "streets-xdistill": PackageResources.streets_xdistill_yaml,
    ]

    /// Their names.
    public static var names: [String] { bundled.keys.sorted() }

    /// Reads a recipe.
    ///
    /// - Parameters:
    ///   - name: a bundled recipe's name, or the path of a YAML file.
    ///   - settings: `key=value` with dots for nested keys, such as `optimization.learningRate=0.02`.
    /// - Throws: `FileError` for files, `UsageError` for unknown keys and values of the wrong kind.
    public static func read(_ name: String, settings: [String] = []) throws -> Recipe {
      let text: String
      if let bytes = bundled[name] {
        text = String(decoding: bytes, as: UTF8.self)
      } else if let content = try? String(contentsOfFile: name, encoding: .utf8) {
        text = content
      } else {
        throw FileError(
          path: name, kind: .missing,
          problem: "expected a YAML file or one of the recipes \(names.joined(separator: ", "))")
      }
      return try settings.reduce(recipe(tree(text, path: name), path: name)) { recipe, setting in
        let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw UsageError("--set \(setting): expected key=value") }
        // "a.b=c" is c under b under a.
        let value = try value(parts[1], path: "--set \(setting)") ?? ""
        let nested = parts[0].split(separator: ".").reversed().reduce(value) { [String($1): $0] }
        return try Self.recipe(nested as? [String: Any] ?? [:], path: "--set \(setting)", over: recipe)
      }
    }

    /// The value that a YAML text stands for.
    private static func value(_ yaml: String, path: String) throws -> Any? {
      let node: Node?
      do { node = try Yams.compose(yaml: yaml) } catch let error as YamlError {
        let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
        throw FileError(path: path, problem: "expected YAML, found: \(reason)")
      }
      // What anchors repeat counts as often as it stands there, so that a short file cannot stand for a long one.
      var remaining = 10_000
      return try node.map { try value(of: $0, path: path, remaining: &remaining) }
    }

    /// What a node stands for. Yams' own conversion traps on keys that are no text.
    private static func value(of node: Node, path: String, remaining: inout Int) throws -> Any {
      remaining -= 1
      guard remaining >= 0 else { throw FileError(path: path, problem: "expected at most 10000 values") }
      switch node {
      case .scalar: return node.any
      case .sequence(let nodes): return try nodes.map { try value(of: $0, path: path, remaining: &remaining) }
      case .mapping(let pairs):
        var tree: [String: Any] = [:]
        for (key, node) in pairs {
          guard let key = key.string else { throw FileError(path: path, problem: "expected keys that are names") }
          tree[key] = try value(of: node, path: path, remaining: &remaining)
        }
        return tree
      case .alias: throw FileError(path: path, problem: "expected values, found a reference to one")
      }
    }

    private static func tree(_ yaml: String, path: String) throws -> [String: Any] {
      guard let tree = try value(yaml, path: path) as? [String: Any] else {
        throw FileError(path: path, problem: "expected YAML with keys and values")
      }
      return tree
    }

    /// A recipe whose keys overwrite those of another; every key must be known.
    private static func recipe(_ tree: [String: Any], path: String, over base: Recipe = Recipe()) throws -> Recipe {
      let known = try Self.tree(YAMLEncoder().encode(base), path: path)
      let merged = try merge(tree, into: known, at: "", path: path)
      do {
        return try YAMLDecoder().decode(Recipe.self, from: Yams.dump(object: merged))
      } catch let error as DecodingError {
        throw UsageError("\(path): \(sentence(error))")
      }
    }

    private static func merge(_ new: [String: Any], into old: [String: Any], at prefix: String, path: String) throws
      -> [String: Any]
    {
      var result = old
      for (key, value) in new {
        guard let current = old[key] else {
          let nearest = old.keys.min { ModelRegistry.editDistance($0, key) < ModelRegistry.editDistance($1, key) } ?? ""
          throw UsageError("\(path): unknown key '\(prefix)\(key)'; the nearest is '\(prefix)\(nearest)'")
        }
        if let inner = current as? [String: Any] {
          guard let value = value as? [String: Any] else {
            throw UsageError("\(path): '\(prefix)\(key)' should have keys of its own")
          }
          result[key] = try merge(value, into: inner, at: "\(prefix)\(key).", path: path)
        } else {
          result[key] = value
        }
      }
      return result
    }

    private static func sentence(_ error: DecodingError) -> String {
      switch error {
      case .typeMismatch(let type, let context): "'\(key(context))' should be of type \(type)"
      case .valueNotFound(let type, let context): "'\(key(context))' should be of type \(type), found nothing"
      case .keyNotFound(let name, _): "'\(name.stringValue)' is missing"
      case .dataCorrupted(let context): "'\(key(context))': \(context.debugDescription)"
      @unknown default: "\(error)"
      }
    }

    private static func key(_ context: DecodingError.Context) -> String {
      context.codingPath.map(\.stringValue).joined(separator: ".")
    }
  }
#endif
