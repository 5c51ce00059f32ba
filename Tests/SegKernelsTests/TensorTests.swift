import SegKernels
import XCTest

final class TensorTests: XCTestCase {
  func testCopiesShareUntilWritten() {
    let a = Tensor([2, 2], [1, 2, 3, 4])
    var b = a
    b.withUnsafeMutableBufferPointer { $0[0] = 9 }
    XCTAssertEqual(a.scalars, [1, 2, 3, 4])
    XCTAssertEqual(b.scalars, [9, 2, 3, 4])
  }

  func testChannelBlockedLayoutHoldsTheSameElements() {
    for channels in [1, 7, 8, 16, 17, 33] {
      var random = RandomSource(seed: 1)
      let x = Tensor.normal([2, channels, 3, 5], using: &random)
      // Blocks of 16 are those of AVX-512's kernels.
      for block in InstructionSet.avx512.isSupported ? [8, 16] : [8] {
        let blocked = x.channelBlocked(block)
        XCTAssertEqual(blocked.layout, .channelBlocked(block))
        XCTAssertEqual(blocked.rowMajor().scalars, x.scalars, "\(channels) channels in blocks of \(block)")
      }
    }
  }
}
