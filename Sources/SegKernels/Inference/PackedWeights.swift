import CSegKernels
import Synchronization

/// The weights of a network's convolutions in the order in which kernels read them.
///
/// Programs of one network for several image sizes share one: what one of them packed, the next one finds.
///
/// ```swift
/// let weights = PackedWeights()
/// let small = net.compiled(for: [1, 3, 256, 512], sharing: weights)
/// let large = net.compiled(for: [1, 3, 512, 1024], sharing: weights)
/// ```
/// It keeps the tensors that it packed, so that a parameter written later is another one.
public final class PackedWeights: Sendable {
  /// An order of weights.
  enum Form: Hashable {
    /// [panel of outputs][block of channels][tap][channel][output], the outputs padded with zeros to whole panels.
    case direct
    /// [block of channels][tap][channel]
    case depthwise
    /// [panel of outputs][point][channel][output], for tiles of a side.
    case winograd(side: Int)
  }

  private struct Key: Hashable {
    let storage: ObjectIdentifier
    let shape: Shape
    let scale: [Double]?
    let form: Form
    let level: InstructionSet
  }

  private struct Entry {
    // Kept, so that no other tensor gets its memory, and thereby its name.
    let source: Tensor
    let packed: Storage
  }

  private struct Part: Hashable {
    let storage: ObjectIdentifier
    let rows, columns: Range<Int>
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let parts = Mutex<[Part: (source: Tensor, part: Tensor)]>([:])

  /// Nothing is packed yet.
  public init() {}

  /// The bytes of all that is packed.
  public var bytes: Int {
    entries.withLock { $0.values.reduce(0) { $0 + $1.packed.count } } * MemoryLayout<Float>.stride
  }

  /// Some rows and columns of a kernel O×C×kH×kW: for each program the same tensor, so that it is packed once.
  func part(of weight: Tensor, rows: Range<Int>, columns: Range<Int>) -> Tensor {
    parts.withLock { parts in
      let key = Part(storage: weight.storageIdentity!, rows: rows, columns: columns)
      if let known = parts[key] { return known.part }
      let part = weight.slice(axis: 2, rows).slice(axis: 3, columns).rowMajor()
      parts[key] = (weight, part)
      weight.giveBackPages()
      return part
    }
  }

  /// The weight O×C×kH×kW, its outputs multiplied by `scale`, in an order that kernels read.
  func packed(_ weight: Tensor, scale: [Double]?, as form: Form) -> Storage {
    let key = Key(
      storage: weight.storageIdentity!, shape: weight.shape, scale: scale, form: form, level: .current)
    return entries.withLock { entries in
      if let known = entries[key] { return known.packed }
      let packed = PackedWeights.pack(weight, scale: scale, as: form)
      entries[key] = Entry(source: weight, packed: packed)
      // Read once: the pages of a mapped file need not stay in memory.
      weight.giveBackPages()
      return packed
    }
  }
}
