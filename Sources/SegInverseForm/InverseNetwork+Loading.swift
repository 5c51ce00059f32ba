import Foundation
import SegFiles
import SegFormats
import SegKernels
import SegPretrained

extension AntisymmetricInverseNetwork {
  /// The weights with what they are for among the notes.
  public func archive(notes: [String: String] = [:]) -> WeightArchive {
    WeightArchive(
      state.map { name, parameter in (name: name, tensor: parameter.value) },
      metadata: notes.merging(["model": "inverse-network", "transform": transform.rawValue, "tile": "\(side)"]) { $1 })
  }

  /// The network that comes with the package.
  ///
  /// - Throws: `FileError` if the package was built from damaged files.
  public static func bundled() throws -> AntisymmetricInverseNetwork {
    try AntisymmetricInverseNetwork(BundledWeights.inverseNetwork.archive(), named: "bundled weights 'inverse-network'")
  }

  /// A network with the weights of an archive.
  ///
  /// - Throws: `FileError` if they are not those of an inverse network of this kind.
  public convenience init(_ archive: WeightArchive, named path: String) throws {
    guard let transform = archive.metadata["transform"].flatMap(BoundaryTransform.init),
      let side = archive.metadata["tile"].flatMap({ Int($0) }), side > 0, side % 16 == 0
    else {
      throw FileError(
        path: path,
        problem: "expected an inverse network with its kind of transform and its tile (16 · n) among the notes, found "
          + "'\(archive.metadata["transform"] ?? "none")' and '\(archive.metadata["tile"] ?? "none")'")
    }
    self.init(transform, side: side, seed: nil)
    do {
      try load(archive.tensors)
    } catch let error as LoadError {
      throw FileError(path: path, problem: "\(error) (inverse network for \(transform.rawValue))")
    }
  }
}

/// Reads an inverse network: the package's own, or the released `distance_measures_regressor.pth`.
///
/// - Throws: `FileError` if the file cannot be read or holds neither.
public func readInverseNetwork(at url: URL) throws -> any InverseNetwork {
  let archive = try readWeights(at: url), path = url.relativePath
  guard let first = archive["fc.0.weight"]?.shape, archive["conv.0.0.weight"] == nil else {
    return try AntisymmetricInverseNetwork(archive, named: path)
  }
  guard first.rank == 2, [100_352, 25_088].contains(first[1]), archive["fc.4.weight"]?.shape.first == 4 else {
    throw FileError(
      path: path, problem: "expected fc.0 with 100352 or 25088 inputs and fc.4 with 4 outputs, found \(first)")
  }
  let network = ReleasedInverseNetwork(side: first[1] == 100_352 ? 224 : 112)
  do {
    try network.load(archive.tensors)
  } catch let error as LoadError {
    throw FileError(path: path, problem: "\(error) (released inverse network)")
  }
  return network
}
