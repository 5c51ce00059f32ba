import Foundation
import SegFiles
import SegImages
import SegKernels

extension FlowField {
  /// Reads a flow file, told apart by content: Middlebury's `.flo`, or KITTI's 16-bit RGB PNG.
  ///
  /// - Throws: `FileError`; sizes are checked before memory for the field is allocated.
  public init(contentsOf url: URL, maximumPixels: Int = Image.defaultMaximumPixels) throws {
    try self.init(data: try readFile(at: url), name: url.relativePath, maximumPixels: maximumPixels)
  }

  /// Reads a flow file in memory; `name` is what errors call it.
  public init(data: [UInt8], name: String = "flow", maximumPixels: Int = Image.defaultMaximumPixels) throws {
    if data.starts(with: FlowField.middleburyTag) {
      try self.init(middlebury: data, name: name, maximumPixels: maximumPixels)
    } else if data.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      self.init(kitti: try RGB16(data: data, name: name, maximumPixels: maximumPixels))
    } else {
      throw FileError(path: name, problem: "expected optical flow as .flo or KITTI's PNG, found other content")
    }
  }

  // ---- Middlebury's .flo: the tag, columns, rows, then pairs of floats row by row; all little-endian.
  // Baker et al., "A Database and Evaluation Methodology for Optical Flow", 2011.

  /// The float 202021.25, which reads "PIEH".
  private static let middleburyTag = Array("PIEH".utf8)
  /// Components beyond it mean that the flow is not known.
  private static let unknown: Float = 1e9

  private init(middlebury data: [UInt8], name: String, maximumPixels: Int) throws {
    func number(_ offset: Int) -> UInt32 {
      data.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }
    guard data.count >= 12 else {
      throw FileError(path: name, problem: "damaged .flo: expected a header of 12 bytes, found \(data.count)")
    }
    let (width, height) = (Int(number(4)), Int(number(8)))
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, area > 0, area <= maximumPixels else {
      throw FileError(path: name, problem: "expected 1 to \(maximumPixels) pixels, found \(width)x\(height)")
    }
    guard data.count == 12 + 8 * area else {
      throw FileError(
        path: name,
        problem: "damaged .flo: expected \(12 + 8 * area) bytes for \(width)x\(height) pixels, found \(data.count)")
    }
    self.init(
      Tensor(uninitialized: [2, height, width]) { vectors in
        for place in 0..<area {
          let u = Float(bitPattern: number(12 + 8 * place)), v = Float(bitPattern: number(16 + 8 * place))
          let isKnown = abs(u) <= FlowField.unknown && abs(v) <= FlowField.unknown
          vectors[place] = isKnown ? u : .nan
          vectors[area + place] = isKnown ? v : .nan
        }
      })
  }

  /// Writes Middlebury's `.flo`. The file appears complete or not at all.
  public func writeMiddlebury(to url: URL, overwrite: Bool = false) throws {
    let area = height * width
    var words = [UInt32](repeating: 0, count: 2 + 2 * area)
    (words[0], words[1]) = (UInt32(width).littleEndian, UInt32(height).littleEndian)
    vectors.withUnsafeBufferPointer { vectors in
      for place in 0..<area {
        for axis in 0..<2 {
          let value = vectors[axis * area + place]
          words[2 + 2 * place + axis] = (value.isNaN ? 10 * FlowField.unknown : value).bitPattern.littleEndian
        }
      }
    }
    try writeAtomically(to: url.relativePath, overwrite: overwrite) { file in
      try file.write(FlowField.middleburyTag)
      try words.withUnsafeBytes { try file.write($0) }
    }
  }

  // ---- KITTI's PNG: red and green hold 64 · flow + 2¹⁵, blue is 0 where the flow is not known.
  // Menze and Geiger, "Object Scene Flow for Autonomous Vehicles", 2015 (the benchmark's development kit).

  private init(kitti picture: RGB16) {
    let area = picture.width * picture.height
    self.init(
      Tensor(uninitialized: [2, picture.height, picture.width]) { vectors in
        picture.samples.withUnsafeBufferPointer { samples in
          for place in 0..<area {
            let isKnown = samples[3 * place + 2] != 0
            for axis in 0..<2 {
              vectors[axis * area + place] = isKnown ? (Float(samples[3 * place + axis]) - 32768) / 64 : .nan
            }
          }
        }
      })
  }

  /// Writes KITTI's PNG: flow rounded to 1/64 pixel; beyond ±512 pixels it is not known. The file appears complete or
  /// not at all.
  public func writeKITTI(to url: URL, overwrite: Bool = false) throws {
    let area = height * width
    var samples = [UInt16](repeating: 0, count: 3 * area)
    vectors.withUnsafeBufferPointer { vectors in
      for place in 0..<area {
        let codes = (0..<2).map { (64 * vectors[$0 * area + place] + 32768).rounded() }
        guard codes.allSatisfy({ $0 >= 0 && $0 <= 65535 }) else { continue }
        for axis in 0..<2 { samples[3 * place + axis] = UInt16(codes[axis]) }
        samples[3 * place + 2] = 1
      }
    }
    try RGB16(width: width, height: height, samples: samples).writePNG(to: url, overwrite: overwrite)
  }
}
