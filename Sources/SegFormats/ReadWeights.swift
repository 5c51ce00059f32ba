import Foundation
import SegFiles

/// Reads a weights file: safetensors, a torch checkpoint (zip or legacy stream), npy or npz.
///
/// The contents decide on the format, not the name. The file is mapped into memory: 32-bit floats that lie contiguous
/// and aligned are not copied but borrowed, and the mapping lives as long as a tensor that borrows it. Nothing in a
/// file is ever executed: of a torch checkpoint's pickle only tensors and plain containers are accepted.
///
/// An npy file, or a checkpoint that is one bare tensor, gives one array named after the file, without its extension.
/// In other checkpoints names of nested dictionaries and lists are joined by dots (`model.conv.weight`). But where
/// exactly one dictionary under a usual key (`state_dict`, `model`, …) holds the tensors, its own names are given: the
/// archive's `wrapper` says which it was, `metadata` holds the scalars beside it, `leftOut` names what else there was.
///
/// - Throws: `FileError` if the file is missing, no regular file, in none of these formats, or malformed.
public func readWeights(at url: URL) throws(FileError) -> WeightArchive {
  let file = try MappedFile(path: url.relativePath)
  return try readWeights(ByteRegion(file), path: url.relativePath)
}

/// Reads weights from memory that holds the contents of a weights file.
///
/// - Parameters:
///   - bytes: the file's contents.
///   - name: stands for the file's path in errors and in the name of a lone array.
public func readWeights(from bytes: [UInt8], named name: String) throws(FileError) -> WeightArchive {
  try readWeights(ByteRegion(HeapBytes(bytes)), path: name)
}

private func readWeights(_ file: ByteRegion, path: String) throws(FileError) -> WeightArchive {
  do {
    let loneName = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    var (format, archive) = try parse(file, loneName: loneName)
    archive.format = format
    return archive
  } catch let error as Malformed {
    throw FileError(path: path, problem: error.problem)
  } catch {
    throw FileError(path: path, problem: "\(error)")
  }
}

private func parse(_ file: ByteRegion, loneName: String) throws -> (WeightFormat, WeightArchive) {
  if file.starts(with: NumpyHeader.magic) {
    var archive = WeightArchive()
    try archive.add(loneName, Numpy.readArray(file))
    return (.npy, archive)
  }
  if file.starts(with: Array("PK".utf8)) {
    let zip = try ZipArchive(file)
    if let torch = try TorchZip(zip) {
      return (.torchZip, try torch.checkpoint(loneName: loneName, fileSize: file.count))
    }
    guard zip.members.allSatisfy({ $0.name.hasSuffix(".npy") }) else {
      throw Malformed("a zip archive, but neither a torch checkpoint (no data.pkl) nor npz (not all members are .npy)")
    }
    return (.npz, try Numpy.readArchive(zip))
  }
  if TorchStream.isRecognised(file) { return (.torchStream, try TorchStream.read(file, loneName: loneName)) }
  // Nothing marks safetensors but the brace that opens its header, after the eight bytes of the header's length.
  let start = file.slice(from: 0, count: min(file.count, 9)).array
  if start.last == UInt8(ascii: "{"), start.count == 9 { return (.safetensors, try Safetensors.read(file)) }
  let found = start.isEmpty ? "an empty file" : "bytes " + start.map { String($0, radix: 16) }.joined(separator: " ")
  throw Malformed("expected safetensors, a torch checkpoint, npy or npz, found \(found)")
}
