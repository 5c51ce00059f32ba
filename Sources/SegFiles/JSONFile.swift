import Foundation

/// Reads a value from a JSON file.
///
/// - Parameters:
///   - kind: what the file should be, for the message where there is none: "a file of clusters".
///   - contents: what it should say, and what is wrong otherwise.
/// - Throws: `FileError` if it is missing or says something else.
package func readJSON<Value: Decodable>(
  _ type: Value.Type = Value.self, at file: URL, expecting kind: String, contents: String
) throws -> Value {
  guard let data = try? Data(contentsOf: file) else {
    throw FileError(path: file.relativePath, kind: .missing, problem: "expected \(kind), found none")
  }
  do {
    return try JSONDecoder().decode(type, from: data)
  } catch {
    throw FileError(path: file.relativePath, problem: contents)
  }
}

/// Writes a value as JSON, whole or not at all.
package func writeJSON(_ value: some Encodable, to file: URL, pretty: Bool = true) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting =
    pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
  let bytes = [UInt8](try encoder.encode(value))
  try writeAtomically(to: file.relativePath, overwrite: true) { try $0.write(bytes) }
}
