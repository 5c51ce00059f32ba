import Foundation

/// Weights that a model keeps in other files of its folder, as exporters do with large ones.
///
/// Files are not trusted: whatever they name must be a plain file within the folder, links followed, and long enough.
struct ExternalWeights {
  let folder: URL

  /// The bytes of one tensor.
  ///
  /// - Parameters:
  ///   - place: `location`, `offset` and `length` as the model gives them.
  ///   - count: how many bytes its type and shape ask for.
  func bytes(_ place: [String: String], count: Int, of tensor: String) throws -> [UInt8] {
    let location = place["location"] ?? "", what = "weights of tensor '\(tensor)' in '\(location)'"
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !parts.contains(""), !parts.contains(".."), !location.contains("\0") else {
      throw ONNXProblem("\(what): expected the name of a file within the model's folder")
    }
    let own = folder.resolvingSymlinksInPath().path
    let file = folder.appendingPathComponent(location).resolvingSymlinksInPath()
    guard file.path.hasPrefix(own == "/" ? own : own + "/") else {
      throw ONNXProblem("\(what): expected a file within the model's folder, found a link to another")
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
    guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular,
      let size = (attributes[.size] as? NSNumber)?.intValue, let handle = try? FileHandle(forReadingFrom: file)
    else { throw ONNXProblem("\(what): cannot be read") }
    let offset = place["offset"].map { Int($0) ?? -1 } ?? 0, length = place["length"].map { Int($0) ?? -1 } ?? count
    guard length == count, offset >= 0, offset <= size, count <= size - offset else {
      throw ONNXProblem("\(what): expected \(count) bytes, found \(length) at \(offset) of \(size)")
    }
    defer { try? handle.close() }
    guard (try? handle.seek(toOffset: UInt64(offset))) != nil,
      let data = count == 0 ? Data() : try? handle.read(upToCount: count), data.count == count
    else { throw ONNXProblem("\(what): cannot be read") }
    return [UInt8](data)
  }
}
