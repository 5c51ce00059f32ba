import Glibc
import Synchronization

/// Large blocks that tensors gave up, kept for the next tensors of about that size.
///
/// The steps of a training run, and the images of a sequence, need the same sizes again and again. Memory that goes back
/// to the system in between comes back as pages that must be cleared: 8 % of a training step was spent on that. Sizes are
/// rounded up by an eighth at most, so that images of many sizes share blocks; what lay idle longest goes back first.
enum BlockCache {
  /// Smaller blocks are left to the allocator, which keeps them itself.
  private static let smallest = 1 << 18
  /// Idle bytes that may be kept: a gigabyte, or an eighth of the machine's memory where that is less.
  private static let limit = min(1 << 30, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 8)

  private struct Block {
    let address: UInt
    /// When it was given up.
    let time: Int
  }

  private struct Idle: ~Copyable {
    /// By size, each list in the order of time.
    var blocks: [Int: [Block]] = [:]
    var bytes = 0
    var time = 0

    /// Takes out the block that lay idle longest.
    mutating func removeOldest() -> (address: UInt, bytes: Int)? {
      let oldest = blocks.min { ($0.value.first?.time ?? .max) < ($1.value.first?.time ?? .max) }
      guard let size = oldest?.key, let block = oldest?.value.first else { return nil }
      blocks[size]!.removeFirst()
      bytes -= size
      return (block.address, size)
    }
  }

  private static let idle = Mutex(Idle())

  /// A block of at least `bytes`: uninitialised, or zeros. A block that lay idle is cleared, which takes a fraction of the
  /// time that new pages take; new ones cost nothing until they are touched.
  static func take(_ bytes: Int, zeroed: Bool = false) -> UnsafeMutableRawPointer? {
    guard bytes >= smallest else { return zeroed ? calloc(bytes, 1) : malloc(bytes) }
    let size = rounded(bytes)
    let known = idle.withLock { idle -> UInt? in
      guard let block = idle.blocks[size]?.popLast() else { return nil }
      idle.bytes -= size
      return block.address
    }
    if let known {
      let block = UnsafeMutableRawPointer(bitPattern: known)!
      if zeroed { parallelRuns(size, grain: 1 << 18) { memset(block + $0.lowerBound, 0, $0.count) } }
      return block
    }
    let fresh = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return fresh == MAP_FAILED ? nil : fresh
  }

  /// Gives all idle blocks back to the system.
  static func clear() {
    let blocks = idle.withLock { idle -> [(address: UInt, bytes: Int)] in
      var blocks: [(address: UInt, bytes: Int)] = []
      while let block = idle.removeOldest() { blocks.append(block) }
      return blocks
    }
    for block in blocks { munmap(UnsafeMutableRawPointer(bitPattern: block.address), block.bytes) }
  }

  /// Takes a block of `bytes` back.
  static func give(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
    guard bytes >= smallest else { return free(block) }
    let size = rounded(bytes)
    let surplus = idle.withLock { idle -> [(address: UInt, bytes: Int)] in
      idle.time += 1
      idle.blocks[size, default: []].append(Block(address: UInt(bitPattern: block), time: idle.time))
      idle.bytes += size
      var surplus: [(address: UInt, bytes: Int)] = []
      while idle.bytes > limit, let oldest = idle.removeOldest() { surplus.append(oldest) }
      return surplus
    }
    for block in surplus { munmap(UnsafeMutableRawPointer(bitPattern: block.address), block.bytes) }
  }

  /// Up to the next eighth of the power of two below.
  private static func rounded(_ bytes: Int) -> Int {
    let step = 1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3)
    return (bytes + step - 1) / step * step
  }
}
