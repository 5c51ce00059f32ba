import Foundation
import SegFiles
import SegFormats
import SegImages
import SegKernels

/// Depth or disparity maps on disk.
public enum DepthFile {
  /// Reads a map H×W: a `.npy` file of numbers as they are, or a grey PNG whose samples are divided by `divisor`
  /// (KITTI: 16 bits, 256 a metre), 0 where nothing was measured.
  ///
  /// - Throws: `FileError` if it is neither or holds another number of axes.
  public static func read(_ url: URL, divisor: Float = 256) throws -> Tensor {
    if url.pathExtension.lowercased() == "npy" { return try array(url) }
    let samples = try Labels(contentsOf: url)
    return Tensor(uninitialized: samples.shape) { map in
      samples.withUnsafeBufferPointer { for index in map.indices { map[index] = Float($0[index]) / divisor } }
    }
  }

  /// Writes a map H×W of metres as KITTI's servers take it: a 16-bit grey PNG of 256 a metre, 0 where there is no depth.
  ///
  /// Depths that are not positive or no numbers are none; the farthest that 16 bits hold is 255.996 m, and the nearest
  /// 1/256 m.
  ///
  /// - Throws: `FileError`.
  public static func write(_ depth: Tensor, to url: URL, overwrite: Bool = false) throws {
    check(depth.shape.rank == 2, "DepthFile.write", "expected a map H×W, found the shape \(depth.shape)")
    let samples = depth.scalars.map { $0 > 0 ? Int32(min(max(($0 * 256).rounded(), 1), 65535)) : 0 }
    try Labels(depth.shape, samples).writeGray16PNG(to: url, overwrite: overwrite)
  }

  private static func array(_ url: URL) throws -> Tensor {
    let entries = try readWeights(at: url).entries
    let map = entries[0].array.tensor
    // One channel is none.
    let extents = map.shape.dimensions, kept = extents.count > 2 ? extents.drop { $0 == 1 }.map { $0 } : extents
    guard kept.count == 2, map.count > 0 else {
      throw FileError(path: url.relativePath, problem: "expected a map H×W, found the shape \(map.shape)")
    }
    return map.reshaped(Shape(kept))
  }
}
