import SegImages
import SegKernels

/// Tells where a video goes on with something else: a frame differs far more from the one before than frames did lately.
///
/// The difference is the mean |Δ| of the colours of 16×32 blocks, of 1. A cut: above 0.05 and above three times its running
/// mean (of the last frames, each counting 10 % less than the next). The first frame is none.
public struct CutDetector: Sendable {
  private var last: [Float]?
  private var usual: Float?

  /// A detector that has seen nothing.
  public init() {}

  /// Takes the next frame; whether it begins something else.
  public mutating func isCut(_ image: Image) -> Bool {
    let blocks = CutDetector.blocks(of: image)
    defer { last = blocks }
    guard let last else { return false }
    let difference = zip(blocks, last).reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(blocks.count)
    if let usual, difference > 0.05, difference > 3 * usual {
      self.usual = nil
      return true
    }
    usual = usual.map { 0.9 * $0 + 0.1 * difference } ?? difference
    return false
  }

  /// Mean colours of 16×32 blocks, 0…1.
  private static func blocks(of image: Image) -> [Float] {
    let rows = min(16, image.height), columns = min(32, image.width)
    var sums = [Int](repeating: 0, count: rows * columns * 3), counts = [Int](repeating: 0, count: rows * columns)
    image.pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<image.height {
        for column in 0..<image.width {
          let block = row * rows / image.height * columns + column * columns / image.width
          let place = 3 * (row * image.width + column)
          counts[block] += 1
          for channel in 0..<3 { sums[3 * block + channel] += Int(pixels[place + channel]) }
        }
      }
    }
    return sums.enumerated().map { Float($1) / Float(255 * counts[$0 / 3]) }
  }
}
