import SegFiles

/// What `torch.save` writes since PyTorch 1.6: a zip archive with one folder that holds `data.pkl` (the pickle),
/// `data/<key>` (a storage each, stored as it is in memory) and perhaps `byteorder`.
struct TorchZip {
  private let zip: ZipArchive
  private let folder: String
  private let pickle: ZipArchive.Member

  /// `nil` if the archive holds no `<folder>/data.pkl`.
  init?(_ zip: ZipArchive) throws {
    let pickles = zip.members.filter { member in
      let parts = member.name.split(separator: "/", omittingEmptySubsequences: false)
      return parts.count == 2 && parts[1] == "data.pkl"
    }
    guard let pickle = pickles.first else { return nil }
    guard pickles.count == 1 else { throw Malformed("expected one data.pkl, found \(pickles.count)") }
    self.zip = zip
    self.pickle = pickle
    folder = String(pickle.name.dropLast("data.pkl".count))
    if zip[folder + "constants.pkl"] != nil {
      throw Malformed("a TorchScript archive (a compiled program), expected weights; save its state_dict")
    }
  }

  func checkpoint(loneName: String, fileSize: Int) throws -> WeightArchive {
    var cursor = ByteCursor(try contents(of: pickle))
    let (root, heap) = try PickleMachine.load(&cursor)
    guard cursor.remaining == 0 else { throw Malformed("\(cursor.remaining) bytes follow the pickle in data.pkl") }
    let isBigEndian = try readByteOrder()
    var checkpoint = TorchCheckpoint(heap: heap, loneName: loneName, fileSize: fileSize, isBigEndian: isBigEndian) {
      storage in
      guard let member = zip[folder + "data/" + storage.key] else {
        throw Malformed("storage \(storage.key.quoted) is missing in the archive")
      }
      return try contents(of: member)
    }
    return try checkpoint.archive(of: root)
  }

  private func readByteOrder() throws -> Bool {
    guard let member = zip[folder + "byteorder"] else { return false }
    switch String(decoding: try contents(of: member).array, as: UTF8.self) {
    case "little": return false
    case "big": return true
    case let other: throw Malformed("byteorder \(other.quoted), expected little or big")
    }
  }

  private func contents(of member: ZipArchive.Member) throws -> ByteRegion {
    guard member.isStored else { throw Malformed("member \(member.name.quoted) is compressed; torch.save only stores") }
    return try member.contents()
  }
}
