import Foundation
import SegFiles
import SegKernels

/// Reads the named arrays of a file. The format is recognised by its content: safetensors, a torch checkpoint (zip or
/// the older stream), .npz, or .npy, whose single array is called "array".
///
/// Large files open at once: safetensors are mapped, and 32-bit floats of a torch zip too. No code in a file is
/// executed.
/// - Throws: `FileError`, which names the file, what was expected and what was found.
public func readWeights(at url: URL) throws -> WeightArchive {
  let region = ByteRegion(try MappedFile(path: url.relativePath))
  do {
    if Npy.isRecognised(region) { return WeightArchive([("array", try Npy.read(region))]) }
    if Zip.isRecognised(region) {
      let zip = try Zip(region)
      return try TorchCheckpoint.isRecognised(zip) ? TorchCheckpoint.read(zip) : readNpz(zip)
    }
    if TorchCheckpoint.isLegacy(region) { return try TorchCheckpoint.readLegacy(region) }
    if Safetensors.isRecognised(region) { return try Safetensors.read(region) }
    throw Malformed("expected safetensors, a torch checkpoint, .npy or .npz, found none of them (\(region.count) bytes)")
  } catch let error as Malformed {
    throw FileError(path: url.relativePath, problem: error.problem.printable)
  }
}

/// Writes named arrays in the format of the file's extension: safetensors, npz, or npy for a single array.
///
/// The file appears only when it is complete.
/// - Parameter overwrite: without it, an existing file is an error.
/// - Throws: `FileError`.
public func writeWeights(_ archive: WeightArchive, to url: URL, overwrite: Bool = false) throws {
  func refuse(_ problem: String) -> FileError { FileError(path: url.relativePath, kind: .unwritable, problem: problem) }
  switch url.pathExtension.lowercased() {
  case "safetensors": try writeAtomically(to: url.relativePath, overwrite: overwrite) { try Safetensors.write(archive, to: $0) }
  case "npz":
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { sink in
      var zip = ZipWriter(sink)
      do {
        for (name, array) in archive.entries { try zip.add(name + ".npy", Npy.encode(array)) }
        try zip.finish()
      } catch let error as Malformed {
        throw refuse(error.problem)
      }
    }
  case "npy":
    guard archive.entries.count == 1 else {
      throw refuse("an .npy holds one array, found \(archive.entries.count); write .npz or .safetensors")
    }
    let bytes = Npy.encode(archive.entries[0].array)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write(bytes) }
  case let other: throw refuse("expected the extension safetensors, npz or npy, found '\(other)'")
  }
}

private func readNpz(_ zip: Zip) throws -> WeightArchive {
  WeightArchive(
    try zip.members.map { member in
      let contents = try zip.contents(member)
      guard member.name.hasSuffix(".npy"), Npy.isRecognised(contents) else {
        throw Malformed("zip member \(member.name) is no .npy array; expected an .npz or a torch checkpoint")
      }
      return (String(member.name.dropLast(4)), try Npy.read(contents))
    })
}
