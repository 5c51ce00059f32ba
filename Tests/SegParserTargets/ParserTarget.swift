import Foundation
import SegFiles
import SegFormats
import SegImages
import SegKernels
import SegMetrics
import SegONNX
import SegPipelines

/// What fuzzing and the replay of its corpora feed with bytes: one case a format that the package reads from outside.
///
/// The case's name is that of its folder in `Fuzz/Corpora`.
public enum ParserTarget: String, CaseIterable, Sendable {
  case safetensors, torch, numpy, y4m, onnx, png, jpeg, recipe, coco
  /// PNGs whose chunks are given the checksums that they ought to have, so that damage reaches what lies behind.
  case sealedPNG = "sealed-png"

  /// What is opened by path lies here, written anew for every input.
  private static let file = InputFile()
  /// Pictures of more pixels are refused, as they are for users above a larger bound, so that none takes seconds.
  private static let maximumPixels = 1 << 20

  /// Reads the bytes and looks at all that came of them. What is wrong with them has to be thrown, in one line; whatever
  /// else happens is a defect and stops the program.
  ///
  /// - Returns: whether they were read.
  @discardableResult
  public func read(_ bytes: [UInt8]) -> Bool {
    do {
      switch self {
      case .safetensors, .torch, .numpy: Self.look(at: try readWeights(from: bytes, named: "input"))
      case .y4m: try Self.readStream(bytes)
      case .onnx: try Self.readNetwork(bytes)
      case .png, .sealedPNG:
        let bytes = self == .png ? bytes : Self.sealed(bytes)
        // Whatever can be read as labels can be read as a picture.
        let image = try Image(data: bytes, name: "input", maximumPixels: Self.maximumPixels)
        Self.look(at: image.pixels)
        if let labels = try? Labels(data: bytes, name: "input", maximumPixels: Self.maximumPixels) {
          Self.look(at: labels.values)
        }
      case .jpeg:
        Self.look(at: try Image(data: bytes, name: "input", maximumPixels: Self.maximumPixels).pixels)
      case .recipe:
        #if Tools
          _ = try RecipeFile.read(Self.file.holding(bytes).path)
        #endif
      case .coco:
        let file = try COCOPanopticFile(Self.file.holding(bytes))
        for image in file.images { _ = file.picture(of: image) }
      }
      return true
    } catch let error as FileError {
      return Self.refused(error, error.problem)
    } catch let error as UsageError {
      return Self.refused(error, error.description)
    } catch {
      fatalError("an error of an unexpected kind: \(error)")
    }
  }

  private static func refused(_ error: any Error, _ sentence: String) -> Bool {
    guard !sentence.contains(where: \.isNewline) else { fatalError("an error of more than one line: \(error)") }
    return false
  }

  /// Reads every number, so that a tensor over bytes that are not there is noticed.
  private static func look(at archive: WeightArchive) {
    for entry in archive.entries {
      switch entry.array {
      case .float(let tensor): tensor.withUnsafeBufferPointer { look(at: $0) }
      case .integer(let array): look(at: array.values)
      }
    }
  }

  private static func look<Values: Sequence>(at values: Values) where Values.Element: Hashable {
    var hasher = Hasher()
    for value in values { hasher.combine(value) }
    withExtendedLifetime(hasher.finalize()) {}
  }

  /// The PNG with the checksum of each chunk made good, as far as the lengths make sense.
  private static func sealed(_ png: [UInt8]) -> [UInt8] {
    var bytes = png
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<(position + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 12 else { break }
      let end = position + 8 + length
      let crc = bytes.withUnsafeBytes { Zlib.checksum(UnsafeRawBufferPointer(rebasing: $0[(position + 4)..<end])) }
      for index in 0..<4 { bytes[end + index] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * index)) }
      position = end + 4
    }
    return bytes
  }

  private static func readStream(_ bytes: [UInt8]) throws {
    let url = file.holding(bytes)
    let handle = try FileHandle(forReadingFrom: url)
    defer { try? handle.close() }
    let reader = try Y4MReader(descriptor: handle.fileDescriptor, name: "input", maximumPixels: maximumPixels)
    while let frame = try reader.next() { look(at: frame.image.pixels) }
  }

  private static func readNetwork(_ bytes: [UInt8]) throws {
    let network = try ONNXNetwork(contentsOf: file.holding(bytes))
    let open = [1, 4, 6, 8]
    let shape = zip(network.inputExtents, open).map { $0 ?? $1 }
    // An image that alone takes seconds is the caller's wish, not the file's.
    guard shape.reduce(1.0, { $0 * Double($1) }) < 1e5 else { return }
    _ = try network.outputShape(for: Shape(shape))
  }
}

/// A file with another content for every input; deleted when the program ends in order.
private final class InputFile: @unchecked Sendable {
  private static let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("segkernels-parsers-\(getpid())")
  private let url: URL
  private let descriptor: Int32

  init() {
    let folder = Self.folder
    do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
      fatalError("\(error)")
    }
    atexit { try? FileManager.default.removeItem(at: InputFile.folder) }
    // The name that COCO's format asks for.
    url = folder.appendingPathComponent("input.json")
    descriptor = open(url.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0, "cannot write \(url.path)")
  }

  func holding(_ bytes: [UInt8]) -> URL {
    let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    precondition(written == bytes.count && ftruncate(descriptor, off_t(bytes.count)) == 0, "cannot write \(url.path)")
    return url
  }
}
