import SegFiles
import CPNG
import SegKernels

/// Encodes rows of samples as a PNG file in memory; `colors` makes it a palette PNG.
func encodePNG<Sample: FixedWidthInteger>(
  _ samples: [Sample], width: Int, height: Int, channels: Int, colors: [RGB] = [], name: String
) throws -> [UInt8] {
  guard let pngWidth = UInt32(exactly: width), let pngHeight = UInt32(exactly: height),
    (1...0x7FFF_FFFF).contains(pngWidth), (1...0x7FFF_FFFF).contains(pngHeight)
  else {
    throw FileError.unencodable(
      file: name, reason: "PNG holds 1 to 2³¹-1 rows and columns, found \(width)x\(height)")
  }
  let colorType = channels == 3 ? PNG_COLOR_TYPE_RGB : colors.isEmpty ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_PALETTE
  let header = cpng_header(
    width: pngWidth, height: pngHeight, bit_depth: Int32(Sample.bitWidth), color_type: colorType)
  let triples = colors.flatMap { [$0.red, $0.green, $0.blue] }
  var output = cpng_output()
  defer { free(output.bytes) }
  try withUnsafeTemporaryAllocation(of: CChar.self, capacity: cpng_message_capacity) { message in
    message.initialize(repeating: 0)
    let rowBytes = width * channels * Sample.bitWidth / 8
    let done = cpng_encode(header, samples, rowBytes, triples, Int32(colors.count), &output, message.baseAddress!)
    guard done != 0 else {
      throw FileError.unencodable(file: name, reason: String(cString: message.baseAddress!))
    }
  }
  return [UInt8](UnsafeBufferPointer(start: output.bytes, count: output.count))
}
