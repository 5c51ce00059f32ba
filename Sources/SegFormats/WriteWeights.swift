import Foundation
import SegFiles

/// Writes weights in the format that the file's extension names: safetensors, npy (exactly one array) or npz.
///
/// Floats are written with 32 bits, integers with 64, in the archive's order. Only safetensors has room for metadata;
/// the others lose them, and only safetensors can hold halves. The file appears when it is complete; if anything fails, an older one is untouched and nothing
/// is left behind.
///
/// - Parameters:
///   - archive: what is written.
///   - url: the file.
///   - halves: write floats of two axes and more with 16 bits, rounded to nearest: half the size, and three decimals of
///     each weight. Biases and statistics keep 32.
///   - overwrite: without it, a file that exists already is an error.
/// - Throws: `FileError`.
public func writeWeights(_ archive: WeightArchive, to url: URL, halves: Bool = false, overwrite: Bool = false)
  throws(FileError)
{
  do {
    guard !halves || url.pathExtension.lowercased() == "safetensors" else {
      throw Malformed("halves are written as .safetensors only, found \(url.pathExtension.quoted)")
    }
    switch url.pathExtension.lowercased() {
    case "safetensors":
      try writeAtomically(to: url.relativePath, overwrite: overwrite) {
        try Safetensors.write(archive, halves: halves, to: $0)
      }
    case "npz":
      try writeAtomically(to: url.relativePath, overwrite: overwrite) { try Numpy.write(archive, to: $0) }
    case "npy":
      guard archive.entries.count == 1 else {
        throw Malformed("a npy file holds one array, found \(archive.entries.count); write .npz or .safetensors")
      }
      try writeAtomically(to: url.relativePath, overwrite: overwrite) {
        try Numpy.write(archive.entries[0].array, to: $0)
      }
    default:
      throw Malformed("expected the extension .safetensors, .npz or .npy, found \(url.pathExtension.quoted)")
    }
  } catch let error as FileError {
    throw error
  } catch let error as Malformed {
    throw FileError(path: url.relativePath, kind: .unwritable, problem: error.problem)
  } catch {
    throw FileError(path: url.relativePath, kind: .unwritable, problem: "\(error)")
  }
}
