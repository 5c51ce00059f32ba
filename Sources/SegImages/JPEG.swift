import CTurboJPEG
import SegFiles
import SegKernels

/// Decodes a JPEG file in memory, CMYK and YCCK included, and turns it upright.
func decodeJPEG(_ data: [UInt8], name: String, maximumPixels: Int) throws -> Image {
  guard let handle = tjInitDecompress() else { throw damaged(name, nil) }
  defer { tjDestroy(handle) }
  var (width, height, subsampling, colorspace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
  guard tjDecompressHeader3(handle, data, UInt(data.count), &width, &height, &subsampling, &colorspace) == 0 else {
    throw damaged(name, handle)
  }
  try checkSize(width: Int(width), height: Int(height), limit: maximumPixels, name: name, format: "JPEG")

  func decode(_ format: TJPF, into target: UnsafeMutablePointer<UInt8>) throws {
    func attempt(_ flags: Int32) -> Bool {
      // LIMITSCANS: a small progressive file may ask for scans without end.
      let flags = flags | TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
      return tjDecompress2(
        handle, data, UInt(data.count), target, width, 0, height, Int32(format.rawValue), flags) == 0
    }
    // Warnings stop: that is how libjpeg reports a truncated file. Stray bytes between segments, which some cameras
    // leave, are the one warning that takes nothing from the picture; it must then be the only one.
    func isAboutStrayBytes() -> Bool { String(cString: tjGetErrorStr2(handle)).contains("extraneous bytes") }
    if attempt(TJFLAG_STOPONWARNING) { return }
    guard isAboutStrayBytes(), attempt(0) || isAboutStrayBytes() else { throw damaged(name, handle) }
  }

  let isCMYK = colorspace == Int32(TJCS_CMYK.rawValue) || colorspace == Int32(TJCS_YCCK.rawValue)
  let image = try Image(uninitializedWidth: Int(width), height: Int(height)) { target in
    guard isCMYK else { return try decode(TJPF_RGB, into: target.baseAddress!) }
    let inks = try [UInt8](unsafeUninitializedCapacity: 4 * Int(width) * Int(height)) { buffer, count in
      try decode(TJPF_CMYK, into: buffer.baseAddress!)
      count = 4 * Int(width) * Int(height)
    }
    convertInks(inks, to: target)
  }
  return image.turnedUpright(from: EXIFOrientation(ofJPEG: data))
}

/// Encodes a picture as a JPEG file in memory, without chroma subsampling: thin structures keep their colour.
func encodeJPEG(_ image: Image, quality: Int, name: String) throws -> [UInt8] {
  guard image.width <= 65_535, image.height <= 65_535 else {
    throw FileError.unencodable(
      file: name, reason: "JPEG holds at most 65535 rows and columns, found \(image.width)x\(image.height)")
  }
  guard let handle = tjInitCompress() else { throw FileError.unencodable(file: name, reason: "TurboJPEG failed") }
  defer { tjDestroy(handle) }
  var bytes: UnsafeMutablePointer<UInt8>?
  var count: UInt = 0
  defer { tjFree(bytes) }
  let status = tjCompress2(
    handle, image.pixels, Int32(image.width), 0, Int32(image.height), Int32(TJPF_RGB.rawValue), &bytes, &count,
    Int32(TJSAMP_444.rawValue), Int32(quality), TJFLAG_ACCURATEDCT)
  guard status == 0 else {
    throw FileError.unencodable(file: name, reason: String(cString: tjGetErrorStr2(handle)))
  }
  return [UInt8](UnsafeBufferPointer(start: bytes, count: Int(count)))
}

/// CMYK files store the light that each ink lets through (Adobe's convention, which all common writers follow), so
/// that a channel of RGB is its product with black's.
private func convertInks(_ inks: [UInt8], to target: UnsafeMutableBufferPointer<UInt8>) {
  inks.withUnsafeBufferPointer { inks in
    for pixel in 0..<(inks.count / 4) {
      let black = Int(inks[4 * pixel + 3])
      for channel in 0..<3 {
        target[3 * pixel + channel] = UInt8((Int(inks[4 * pixel + channel]) * black + 127) / 255)
      }
    }
  }
}

private func damaged(_ name: String, _ handle: tjhandle?) -> FileError {
  .damaged(file: name, format: "JPEG", reason: String(cString: tjGetErrorStr2(handle)))
}
