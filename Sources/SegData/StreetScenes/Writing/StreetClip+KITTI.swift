import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

extension StreetClip {
  /// Writes the clip as a sequence of KITTI's odometry task, which `KITTIOdometry` reads:
  ///
  ///     sequences/<NN>/image_2, image_3       the left and the right camera's pictures
  ///     sequences/<NN>/depth_2                16-bit PNGs, 256 a metre; 0 for the sky and beyond 255.99 m
  ///     sequences/<NN>/calib.txt, times.txt
  ///     poses/<NN>.txt
  ///
  /// Depth is not part of the task's archives. Cameras 0 and 1 of `calib.txt` are 2 and 3 again. Traps if the clip has
  /// cuts, since poses do not lead across them.
  /// - Throws: `FileError` if a file exists and `overwrite` is not set, or cannot be written.
  public func writeKITTI(
    to root: URL, sequence: String, overwrite: Bool = false, _ report: (_ done: Int) -> Void = { _ in }
  ) throws {
    check(
      !(0..<count).contains(where: isCut(before:)), "StreetClip.writeKITTI", "expected a clip without cuts")
    let folder = root.below("sequences/\(sequence)"), poses = root.below("poses")
    for place in [poses] + ["image_2", "image_3", "depth_2"].map(folder.below) { try place.makeFolder() }
    func write(_ lines: [String], to url: URL) throws {
      try writeAtomically(to: url.relativePath, overwrite: overwrite) {
        try $0.write(Array((lines.joined(separator: "\n") + "\n").utf8))
      }
    }
    func text(_ matrix: Matrix3x4) -> String {
      matrix.rows.flatMap { [$0.x, $0.y, $0.z, $0.w] }.map { "\($0)" }.joined(separator: " ")
    }
    let pinhole = camera(at: 0).intrinsics(size: size), shift = -pinhole.fx * Double(StreetClip.baseline)
    let projections = [0, shift, 0, shift].map {
      Matrix3x4([pinhole.fx, 0, pinhole.cx, $0, 0, pinhole.fy, pinhole.cy, 0, 0, 0, 1, 0])
    }
    try write(projections.enumerated().map { "P\($0): \(text($1))" }, to: folder.below("calib.txt"))
    try write((0..<count).map { "\(Double($0) / Double(StreetClip.frameRate))" }, to: folder.below("times.txt"))
    try write(
      (0..<count).map { text(camera(at: $0).motion(to: camera(at: 0))) }, to: poses.below("\(sequence).txt"))
    for index in 0..<count {
      let (left, right) = (frame(at: index), frame(at: index, eye: .right)), name = String(format: "%06d.png", index)
      try left.image.writePNG(to: folder.below("image_2/\(name)"), overwrite: overwrite)
      try right.image.writePNG(to: folder.below("image_3/\(name)"), overwrite: overwrite)
      // What 16 bits cannot hold is as far as the sky.
      let depth = Tensor(left.depth.shape, left.depth.scalars.map { ($0 * 256).rounded() <= 65535 ? $0 : 0 })
      try DepthFile.write(depth, to: folder.below("depth_2/\(name)"), overwrite: overwrite)
      report(index + 1)
    }
  }
}
