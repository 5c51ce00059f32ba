import SegFiles

/// What `torch.save` wrote before PyTorch 1.6: pickles one after the other (a magic number, the version 1001, a
/// description of the machine, the object, the list of storage keys), then for each key the number of elements
/// (64 bits) and the elements, both little-endian.
enum TorchStream {
  /// 0x1950a86a20f9469cfc6c as a pickled integer, up to the end of its pickle.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  private static let version = 1001

  /// Whether the bytes begin with any pickle: an old checkpoint, or something that `read` turns down with the reason.
  static func isRecognised(_ file: ByteRegion) -> Bool {
    [2, 3, 4, 5].contains { file.starts(with: [0x80, $0]) }
  }

  static func read(_ file: ByteRegion, loneName: String) throws -> WeightArchive {
    var cursor = ByteCursor(file)
    guard let (number, _) = try? PickleMachine.load(&cursor), case .bigInteger(magic) = number else {
      throw Malformed("a Python pickle, but not one of torch.save, whose magic number is missing")
    }
    guard case .integer(version) = try PickleMachine.load(&cursor).root else {
      throw Malformed("torch stream: expected version \(version)")
    }
    guard case .dictionary = try PickleMachine.load(&cursor).root else {
      throw Malformed("torch stream: expected a dictionary that describes the machine")
    }
    let (root, heap) = try PickleMachine.load(&cursor)
    let storages = try readStorages(&cursor, heap)
    guard cursor.remaining == 0 else {
      throw Malformed("torch stream: \(cursor.remaining) bytes follow the last storage")
    }
    var checkpoint = TorchCheckpoint(heap: heap, loneName: loneName, fileSize: file.count, isBigEndian: false) {
      guard let bytes = storages[$0.key] else { throw Malformed("storage \($0.key.quoted) is missing in the stream") }
      return bytes
    }
    return try checkpoint.archive(of: root)
  }

  private static func readStorages(_ cursor: inout ByteCursor, _ heap: PickleHeap) throws -> [String: ByteRegion] {
    let (list, listHeap) = try PickleMachine.load(&cursor)
    guard case .sequence(let index) = list else {
      throw Malformed("torch stream: expected a list of storage keys, found \(list.kind)")
    }
    var storages: [String: ByteRegion] = [:]
    for key in listHeap.sequences[index] {
      guard case .text(let key) = key, let position = heap.storageIndex(key), storages[key] == nil else {
        throw Malformed("torch stream: the list of storage keys does not match the storages of the tensors")
      }
      let storage = heap.storages[position]
      let count = try cursor.size(UInt64.self, "storage \(key.quoted)")
      guard count == storage.count else {
        throw Malformed("storage \(key.quoted): expected \(storage.count) elements, found \(count)")
      }
      let size = try StoredElements.byteCount(storage.type, [count])
      storages[key] = try cursor.bytes(size, "storage \(key.quoted)")
    }
    return storages
  }
}
