import Glibc

/// How the elements of a tensor lie in memory.
///
/// Private to the package: an operation that knows no blocked form is handed row-major tensors.
package enum Layout: Sendable, Hashable {
  /// Row-major, `[N, C, H, W]`.
  case rowMajor
  /// `[N, C / block, H, W, block]`, the last channels padded with zeros: what the blocked kernels read and write.
  case channelBlocked(Int)

  /// The number of stored floats of a tensor of this shape.
  package func storedCount(_ shape: Shape) -> Int {
    switch self {
    case .rowMajor: return shape.elementCount
    case .channelBlocked(let block):
      return shape.replacing(axis: 1, with: (shape[1] + block - 1) / block * block).elementCount
    }
  }
}

/// Who owns memory whose pages can leave it and come again when they are read: a mapped file.
package protocol PageOwner: AnyObject {
  /// Lets the pages of these bytes go.
  func giveBack(_ bytes: UnsafeRawBufferPointer)
}

/// A run of floats that tensors share, written only by whoever holds the sole reference.
package final class Storage: @unchecked Sendable {
  // Sendable although it hands out mutable memory: `Tensor` writes only while it is the sole owner.
  package let base: UnsafeMutablePointer<Float>
  package let count: Int
  /// Who owns the memory when this storage does not: a mapped file, for example. Such memory is read only.
  package let owner: AnyObject?

  /// 64 bytes: a cache line, and the width of an AVX-512 register.
  package static let alignment = 64

  /// What to give back to the allocator; nil for borrowed memory.
  private let block: UnsafeMutableRawPointer?

  /// Allocates memory: uninitialised, or zeros, which cost nothing until they are touched.
  package init(count: Int, zeroed: Bool = false) {
    let bytes = Storage.blockSize(count)
    guard let block = BlockCache.take(bytes, zeroed: zeroed) else {
      misuse("Tensor", "no memory for \(count) floats")
    }
    self.block = block
    base = block.alignedUp(toMultipleOf: Storage.alignment).bindMemory(to: Float.self, capacity: count)
    self.count = count
    owner = nil
  }

  /// Borrows memory that `owner` keeps alive. No alignment beyond a float's is assumed.
  package init(borrowing base: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    self.base = UnsafeMutablePointer(mutating: base)
    self.count = count
    self.owner = owner
    block = nil
  }

  deinit { if let block { BlockCache.give(block, Storage.blockSize(count)) } }

  /// Bytes to allocate so that `count` floats can be aligned.
  private static func blockSize(_ count: Int) -> Int { count * MemoryLayout<Float>.stride + alignment }
}
