import Foundation
import SegFiles
import SegImages
import SegKernels
import SegMetrics

// Streets as files in Cityscapes' layout, which `Cityscapes` and most programs of the field read.
extension StreetScenes {
  /// Writes one frame, to the split's folders below `root`:
  ///
  ///     leftImg8bit/<split>/streets/streets_<index>_000000_leftImg8bit.png
  ///     gtFine/…_gtFine_labelIds.png, _labelTrainIds.png, _instanceIds.png (16 bits), _color.png
  ///     disparity/…_disparity.png (16 bits: 256 · disparity + 1; 0 for the sky)
  ///     camera/…_camera.json
  ///
  /// - Throws: `FileError` if a file exists and `overwrite` is not set, or cannot be written.
  public func writeCityscapes(at index: Int, to root: URL, overwrite: Bool = false) throws {
    let files = CityscapesFiles(root: root, split: split, city: "streets", sequence: index, overwrite: overwrite)
    try files.write(frame(at: index), 0)
  }
}

extension StreetClip {
  /// Writes the clip, every picture to `leftImg8bit_sequence` and, of each frame but the first, the flow to the frame
  /// before (`flow/….flo`) and what cannot be seen there (`occlusion/….png`).
  ///
  /// Every `interval`-th frame, from the first on, has the files of a single frame as well and the right camera's picture
  /// (`rightImg8bit`). A clip is a city of its own: `segkernels score temporal` takes a folder for a video.
  /// - Throws: `FileError` if a file exists and `overwrite` is not set, or cannot be written.
  public func writeCityscapes(
    to root: URL, split: String, number: Int, annotatingEvery interval: Int = 1, overwrite: Bool = false,
    _ report: (_ done: Int) -> Void = { _ in }
  ) throws {
    check(interval > 0, "StreetClip.writeCityscapes", "expected a positive interval, found \(interval)")
    let files = CityscapesFiles(
      root: root, split: split, city: "streets\(number)", sequence: 0, overwrite: overwrite)
    for index in 0..<count {
      let frame = frame(at: index)
      try frame.image.writePNG(
        to: files.url("leftImg8bit_sequence", index, "_leftImg8bit.png"), overwrite: overwrite)
      if index > 0 {
        let flow = flow(from: index, to: index - 1)
        try flow.field.writeMiddlebury(to: files.url("flow", index, ".flo"), overwrite: overwrite)
        try flow.occluded.writeGray8PNG(to: files.url("occlusion", index, ".png"), overwrite: overwrite)
      }
      if index % interval == 0 {
        try files.write(frame, index)
        try self.frame(at: index, eye: .right).image.writePNG(
          to: files.url("rightImg8bit", index, "_rightImg8bit.png"), overwrite: overwrite)
      }
      report(index + 1)
    }
  }
}

/// The names of a sequence's files, and what a frame's files hold.
private struct CityscapesFiles {
  let root: URL
  let split: String, city: String
  let sequence: Int
  let overwrite: Bool

  /// The place of a file; its folder is made.
  func url(_ kind: String, _ frame: Int, _ ending: String) throws -> URL {
    let folder = root.below("\(kind)/\(split)/\(city)")
    try folder.makeFolder()
    return folder.below(city + String(format: "_%06d_%06d", sequence, frame) + ending)
  }

  func write(_ frame: StreetFrame, _ index: Int) throws {
    func truth(_ ending: String) throws -> URL { try url("gtFine", index, "_gtFine_" + ending + ".png") }
    let ids = Labels(frame.labels.shape, frame.labels.values.map { StreetClass(rawValue: UInt8($0))!.labelID })
    let palette = ClassTable.cityscapes.palette, scaled = frame.disparity().scalars.map { $0 * 256 }
    // Zero is left for what has no distance.
    let codes = scaled.map { $0 > 0 ? Int32(min($0.rounded() + 1, 65535)) : 0 }
    try frame.image.writePNG(to: url("leftImg8bit", index, "_leftImg8bit.png"), overwrite: overwrite)
    try ids.writeGray8PNG(to: truth("labelIds"), overwrite: overwrite)
    try frame.labels.writeGray8PNG(to: truth("labelTrainIds"), overwrite: overwrite)
    try frame.instances.writeGray16PNG(to: truth("instanceIds"), overwrite: overwrite)
    try Image(frame.labels, palette: palette).writePNG(to: truth("color"), overwrite: overwrite)
    try Labels(frame.depth.shape, codes).writeGray16PNG(
      to: url("disparity", index, "_disparity.png"), overwrite: overwrite)
    try write(frame.camera, size: frame.image, to: url("camera", index, "_camera.json"))
  }

  /// Cityscapes' keys, without those that say how the camera sits in its car; `pose` is ours: world to camera, 3×4.
  private func write(_ camera: StreetCamera, size image: Image, to url: URL) throws {
    struct File: Encodable {
      let extrinsic: [String: Double], intrinsic: [String: Double]
      let pose: [Double]
    }
    let pinhole = camera.intrinsics(size: [image.height, image.width])
    let file = File(
      extrinsic: ["baseline": Double(StreetClip.baseline)],
      intrinsic: ["fx": pinhole.fx, "fy": pinhole.fy, "u0": pinhole.cx, "v0": pinhole.cy],
      pose: camera.worldToCamera.rows.flatMap { [$0.x, $0.y, $0.z, $0.w] })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let bytes = try encoder.encode(file)
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { try $0.write([UInt8](bytes)) }
  }
}
