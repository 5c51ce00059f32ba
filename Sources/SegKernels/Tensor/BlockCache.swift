import Glibc
import Synchronization

/// Large blocks that tensors gave up, kept for the next tensor of the same size.
///
/// The steps of a training run, and the images of a sequence, need the same sizes again and again. Memory that goes back
/// to the system in between comes back as pages that must be cleared: 8 % of a training step was spent on that.
enum BlockCache {
  /// Smaller blocks are left to the allocator, which keeps them itself.
  private static let smallest = 1 << 18
  /// Idle bytes that may be kept.
  private static let limit = 1 << 30

  private struct Idle: ~Copyable {
    var blocks: [Int: [UInt]] = [:]
    var bytes = 0
  }

  private static let idle = Mutex(Idle())

  /// A block of `bytes`, uninitialised.
  static func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes >= smallest else { return malloc(bytes) }
    let known = idle.withLock { idle -> UInt? in
      guard let block = idle.blocks[bytes]?.popLast() else { return nil }
      idle.bytes -= bytes
      return block
    }
    return known.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } ?? malloc(bytes)
  }

  /// Takes a block of `bytes` back.
  static func give(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
    let isKept =
      bytes >= smallest
      && idle.withLock { idle -> Bool in
        guard idle.bytes + bytes <= limit else { return false }
        idle.blocks[bytes, default: []].append(UInt(bitPattern: block))
        idle.bytes += bytes
        return true
      }
    if !isKept { free(block) }
  }
}
