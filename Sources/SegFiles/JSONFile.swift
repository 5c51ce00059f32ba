import Foundation

/// Writes a value as JSON, whole or not at all.
package func writeJSON(_ value: some Encodable, to file: URL, pretty: Bool = true) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting =
    pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
  let bytes = [UInt8](try encoder.encode(value))
  try writeAtomically(to: file.relativePath, overwrite: true) { try $0.write(bytes) }
}
