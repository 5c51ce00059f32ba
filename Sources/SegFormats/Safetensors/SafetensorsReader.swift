import SegFiles
import SegKernels

extension Safetensors {
  /// Reads a file's bytes. Every byte must belong to the header or to one tensor; floats are borrowed.
  static func read(_ file: ByteRegion) throws -> WeightArchive {
    var cursor = ByteCursor(file)
    let headerSize = try cursor.size(UInt64.self, "safetensors header length")
    guard headerSize <= headerLimit else {
      throw Malformed("safetensors header of \(headerSize) bytes, expected at most \(headerLimit)")
    }
    let header = try parseHeader(cursor.bytes(headerSize, "safetensors header").array)
    let data = file.slice(from: cursor.offset, count: cursor.remaining)

    var archive = WeightArchive()
    var records: [Record] = []
    for member in header {
      if member.key == metadataKey {
        archive.metadata = try parseMetadata(member.value)
      } else {
        records.append(try Record(member.key, member.value))
      }
    }
    try checkTiling(records, dataSize: data.count)
    for record in records {
      do {
        let bytes = data.slice(from: record.start, count: record.end - record.start)
        try archive.add(record.name, StoredElements(record.type, bytes, shape: record.shape).array())
      } catch let error as Malformed {
        throw Malformed("tensor \(record.name.quoted): \(error.problem)")
      }
    }
    return archive
  }

  private static func parseHeader(_ bytes: [UInt8]) throws -> [JSON.Member] {
    do {
      let json = try JSON(parsing: bytes)
      guard case .object(let members) = json else { throw Malformed("expected an object, found \(json.kind)") }
      return members
    } catch let error as Malformed {
      throw Malformed("safetensors header: \(error.problem)")
    }
  }

  private static func parseMetadata(_ json: JSON) throws -> [String: String] {
    guard case .object(let members) = json else {
      throw Malformed("safetensors header: expected \(metadataKey) to be an object, found \(json.kind)")
    }
    return try Dictionary(
      uniqueKeysWithValues: members.map { member in
        guard case .string(let text) = member.value else {
          throw Malformed(
            "safetensors header: expected \(metadataKey) \(member.key.quoted) to be a string, "
              + "found \(member.value.kind)")
        }
        return (member.key, text)
      })
  }

  /// The tensors' bytes must follow each other from 0 to the end of the file, whatever their order in the header.
  private static func checkTiling(_ records: [Record], dataSize: Int) throws {
    var end = 0
    for record in records.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard record.start == end else {
        throw Malformed(
          "tensor \(record.name.quoted): expected its data at offset \(end), found \(record.start) "
            + (record.start < end ? "(overlap)" : "(gap)"))
      }
      end = record.end
    }
    guard end == dataSize else { throw Malformed("expected \(end) bytes of data after the header, found \(dataSize)") }
  }
}

/// What the header says of one tensor.
private struct Record {
  let name: String
  private(set) var type = ElementType.float32
  private(set) var shape: [Int] = []
  private(set) var start = 0
  private(set) var end = 0

  init(_ name: String, _ json: JSON) throws {
    self.name = name
    do {
      try read(json)
    } catch let error as Malformed {
      throw Malformed("tensor \(name.quoted): \(error.problem)")
    }
  }

  private mutating func read(_ json: JSON) throws {
    guard case .object(let members) = json else { throw Malformed("expected an object, found \(json.kind)") }
    for member in members {
      let (key, value) = (member.key, member.value)
      switch key {
      case "dtype": type = try Record.type(value)
      case "shape": shape = try Record.sizes(value, key)
      case "data_offsets":
        let offsets = try Record.sizes(value, key)
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
          throw Malformed("expected data_offsets of a start and an end, found \(offsets)")
        }
        (start, end) = (offsets[0], offsets[1])
      default: throw Malformed("unknown field \(key.quoted)")
      }
    }
    guard members.count == 3 else { throw Malformed("expected the fields dtype, shape and data_offsets") }
  }

  private static func type(_ json: JSON) throws -> ElementType {
    guard case .string(let name) = json else { throw Malformed("expected dtype to be a string, found \(json.kind)") }
    guard let type = Safetensors.types[name] else {
      throw Malformed("dtype \(name.quoted) is not supported: expected one of \(Safetensors.types.keys.sorted())")
    }
    return type
  }

  private static func sizes(_ json: JSON, _ key: String) throws -> [Int] {
    guard case .array(let elements) = json else {
      throw Malformed("expected \(key) to be an array, found \(json.kind)")
    }
    return try elements.map { element in
      guard case .integer(let size) = element, size >= 0 else {
        throw Malformed("expected \(key) to hold integers that are not negative and fit 64 bits")
      }
      return size
    }
  }
}
