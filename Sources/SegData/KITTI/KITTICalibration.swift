import Foundation
import SegFiles
import SegKernels

/// How KITTI's cameras and its laser stand to each other, after rectification.
///
/// Cameras 0 and 1 are grey, left and right; 2 and 3 are colour, left and right. The rectified frame is camera 0's: x
/// to the right, y down, z forward, in metres.
///
/// Geiger et al., "Vision meets Robotics: The KITTI Dataset", 2013.
public struct KITTICalibration: Sendable, Hashable {
  /// The projection of the rectified frame into each camera's picture, by camera.
  public let projections: [Int: Matrix3x4]
  /// From the laser's frame (x forward, y left, z up) to the rectified one; nil where the file does not say.
  public let rectifiedFromVelodyne: Matrix3x4?

  /// Reads a sequence's `calib.txt` (odometry: `P0`…`P3`, `Tr`) or a frame's file (object task: `R0_rect` and
  /// `Tr_velo_to_cam` too). Lines without names are `P0`, `P1`, …
  ///
  /// - Throws: `FileError` if it is missing or holds no projection, or a matrix has another size.
  public init(contentsOf url: URL) throws {
    let file = try KITTIEntries(url)
    let motion = try file.matrix("Tr") ?? file.matrix("Tr_velo_to_cam")
    let rotation = try file.numbers("R0_rect", count: 9)
    try self.init(
      file, name: { "P\($0)" },
      rectifiedFromVelodyne: motion.map { motion in rotation.map { Matrix3x4(rotation: $0) * motion } ?? motion })
  }

  /// Reads the two files of a day of raw data, `calib_cam_to_cam.txt` and `calib_velo_to_cam.txt`.
  ///
  /// - Throws: `FileError` if one is missing, or lacks an entry.
  public init(rawDay folder: URL) throws {
    let cameras = try KITTIEntries(folder.appendingPathComponent("calib_cam_to_cam.txt"))
    let laser = try KITTIEntries(folder.appendingPathComponent("calib_velo_to_cam.txt"))
    let motion = Matrix3x4(
      rotation: try laser.required("R", count: 9), translation: try laser.required("T", count: 3))
    try self.init(
      cameras, name: { "P_rect_0\($0)" },
      rectifiedFromVelodyne: Matrix3x4(rotation: try cameras.required("R_rect_00", count: 9)) * motion)
  }

  private init(_ file: KITTIEntries, name: (Int) -> String, rectifiedFromVelodyne: Matrix3x4?) throws {
    projections = try (0..<4).reduce(into: [:]) { $0[$1] = try file.matrix(name($1)) }
    guard !projections.isEmpty else { throw file.failure("expected a projection \(name(0)) of 12 numbers, found none") }
    self.rectifiedFromVelodyne = rectifiedFromVelodyne
  }

  /// The intrinsics of a camera; nil if the file does not tell.
  public func intrinsics(camera: Int) -> PinholeCamera? {
    projections[camera].map { p in
      PinholeCamera(fx: p.rows[0].x, fy: p.rows[1].y, cx: p.rows[0].z, cy: p.rows[1].z)
    }
  }

  /// How far to the right of camera 0 a camera stands, in metres; nil if the file does not tell.
  public func offset(camera: Int) -> Double? { projections[camera].map { -$0.rows[0].w / $0.rows[0].x } }
}

/// The entries of one of KITTI's text files, `name: numbers` a line; what are no numbers (dates) is left out.
struct KITTIEntries {
  private let url: URL
  private var entries: [String: [Double]] = [:]

  init(_ url: URL) throws {
    self.url = url
    var unnamed = 0
    for (_, text) in try url.lines(expecting: "KITTI's calibration, a matrix a line") {
      let parts = text.split(separator: ":", maxSplits: 1)
      let numbers = parts[parts.count - 1].split(whereSeparator: \.isWhitespace).map { Double($0) }
      guard !numbers.contains(nil) else { continue }
      let name = parts.count == 2 ? String(parts[0]) : "P\(unnamed)"
      unnamed += parts.count == 2 ? 0 : 1
      entries[name] = numbers.compactMap { $0 }
    }
  }

  func numbers(_ name: String, count: Int) throws -> [Double]? {
    guard let numbers = entries[name] else { return nil }
    guard numbers.count == count, numbers.allSatisfy(\.isFinite) else {
      throw failure("expected \(count) numbers after \(name):, found \(numbers.filter(\.isFinite).count)")
    }
    return numbers
  }

  func required(_ name: String, count: Int) throws -> [Double] {
    guard let numbers = try numbers(name, count: count) else {
      throw failure("expected \(count) numbers after \(name):, found no such line")
    }
    return numbers
  }

  func matrix(_ name: String) throws -> Matrix3x4? { try numbers(name, count: 12).map { Matrix3x4($0) } }

  func failure(_ problem: String) -> FileError { FileError(path: url.relativePath, problem: problem) }
}
