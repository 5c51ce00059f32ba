import Foundation
import SegFormats
import SegImages
import SegKernels

/// What weights say about themselves, in the notes of their safetensors file: enough to use them without being told
/// anything else.
public struct ModelCard: Sendable, Hashable {
  /// The model's registered name.
  public var model: String
  /// Names, colours and ignore index of the classes.
  public var classes: ClassTable
  /// What images are normalised by.
  public var normalization: ImageNormalization
  /// Rows and columns that the weights were trained at.
  public var size: Pair
  /// A hash of the recipe that made them.
  public var recipe: String
  /// The terms of the data that they were trained on.
  public var terms: String
  /// Where a network that answers at any position was asked in training; nil for other networks.
  public var queries: Recipe.Queries.Kind?

  /// A card of given notes.
  public init(
    model: String, classes: ClassTable, normalization: ImageNormalization, size: Pair, recipe: String, terms: String,
    queries: Recipe.Queries.Kind? = nil
  ) {
    self.model = model
    self.classes = classes
    self.normalization = normalization
    self.size = size
    self.recipe = recipe
    self.terms = terms
    self.queries = queries
  }

  /// The notes as safetensors keeps them.
  public var metadata: [String: String] {
    func json(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      return String(decoding: (try? encoder.encode(value)) ?? Data(), as: UTF8.self)
    }
    var notes = [
      "format": "segkernels 1", "model": model, "classes": json(classes.names),
      "palette": json(classes.palette.colors.map { [$0.red, $0.green, $0.blue] }),
      "ignore": classes.ignoreIndex.map { "\($0)" } ?? "",
      "mean": json(normalization.mean), "std": json(normalization.deviation), "size": json([size.height, size.width]),
      "recipe": recipe, "terms": terms,
    ]
    notes["queries"] = queries?.rawValue
    return notes
  }

  /// Reads the notes; nil where they are not ours or not whole.
  public init?(metadata: [String: String]) {
    func value<Value: Decodable>(_ key: String, as type: Value.Type) -> Value? {
      metadata[key].flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }
    guard let model = metadata["model"], let names = value("classes", as: [String].self), !names.isEmpty,
      let colors = value("palette", as: [[UInt8]].self), colors.count == names.count,
      colors.allSatisfy({ $0.count == 3 }), let mean = value("mean", as: [Float].self), mean.count == 3,
      let deviation = value("std", as: [Float].self),
      deviation.count == 3, deviation.allSatisfy({ $0 > 0 }), let size = value("size", as: [Int].self), size.count == 2
    else { return nil }
    self.model = model
    classes = ClassTable(
      names: names, palette: Palette(colors.map { RGB($0[0], $0[1], $0[2]) }),
      ignoreIndex: value("ignore", as: Int32.self))
    normalization = ImageNormalization(mean: mean, deviation: deviation)
    self.size = Pair(height: size[0], width: size[1])
    recipe = metadata["recipe"] ?? ""
    terms = metadata["terms"] ?? ""
    queries = metadata["queries"].flatMap(Recipe.Queries.Kind.init)
  }
}

extension WeightArchive {
  /// The parameters of a network with a model card: counters as integers, everything else as floats.
  public init(_ network: any Module, card: ModelCard) {
    self.init(
      network.state.map { name, parameter in
        let value = parameter.value
        return parameter.role == .counter
          ? (name, .integer(IntegerArray(value.shape, value.scalars.map { Int64($0) }))) : (name, .float(value))
      }, metadata: card.metadata)
  }
}
