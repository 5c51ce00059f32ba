import SegFiles

/// The directory of a zip archive, read strictly: what NumPy and PyTorch write, and nothing that two readers could
/// understand differently.
///
/// Members are stored or deflated, neither encrypted nor overlapping, each name occurs once, the central directory
/// fills the space it claims, and it agrees with the headers in front of the members. ZIP64 is understood.
struct ZipArchive {
  /// A file in the archive.
  struct Member {
    let name: String
    let isStored: Bool
    let packed: ByteRegion
    let size: Int
    let crc: UInt32

    /// The unpacked bytes, checked by their CRC-32; borrowed from the archive if they are stored.
    func contents() throws -> ByteRegion {
      do {
        let contents = isStored ? packed : try Zlib.inflated(packed, count: size)
        // `torch.save` can be told to compute no sums; it then writes zeros.
        guard crc == 0 || contents.withBytes({ Zlib.checksum($0) }) == crc else {
          throw Malformed("its bytes do not have the CRC-32 stated")
        }
        return contents
      } catch let error as Malformed {
        throw Malformed("member \(name.quoted): \(error.problem)")
      }
    }
  }

  let members: [Member]
  private let positions: [String: Int]

  /// The member of a name.
  subscript(name: String) -> Member? { positions[name].map { members[$0] } }

  init(_ file: ByteRegion) throws {
    let directory = try ZipDirectoryLocation(file)
    var cursor = ByteCursor(file.slice(from: directory.offset, count: directory.size))
    var members: [Member] = []
    var positions: [String: Int] = [:]
    var extents: [Range<Int>] = []
    for _ in 0..<directory.count {
      let record = try ZipRecord(&cursor)
      // Local headers and members lie before the directory.
      let extent = try record.extent(in: file.slice(from: 0, count: directory.offset))
      extents.append(extent)
      guard positions.updateValue(members.count, forKey: record.name) == nil else {
        throw Malformed("zip archive: two members are named \(record.name.quoted)")
      }
      let packed = file.slice(from: extent.upperBound - record.packedSize, count: record.packedSize)
      members.append(
        Member(name: record.name, isStored: record.isStored, packed: packed, size: record.size, crc: record.crc))
    }
    guard cursor.remaining == 0 else {
      throw Malformed("zip archive: \(cursor.remaining) bytes follow the \(directory.count) entries of its directory")
    }
    extents.sort { $0.lowerBound < $1.lowerBound }
    for (former, latter) in zip(extents, extents.dropFirst()) where former.upperBound > latter.lowerBound {
      throw Malformed("zip archive: two members overlap at offset \(latter.lowerBound)")
    }
    self.members = members
    self.positions = positions
  }
}
