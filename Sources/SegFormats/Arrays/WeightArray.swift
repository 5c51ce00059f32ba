import SegKernels

/// One array of a weights file. Floats of any width become 32-bit floats, integers of any width 64-bit integers.
public enum WeightArray: Sendable {
  /// 32-bit floats.
  case float(Tensor)
  /// 64-bit integers.
  case integer(IntegerArray)

  /// The extents, outermost first.
  public var shape: Shape {
    switch self {
    case .float(let tensor): return tensor.shape
    case .integer(let array): return array.shape
    }
  }

  /// The values as floats; integers beyond 2²⁴ are rounded.
  public var tensor: Tensor {
    switch self {
    case .float(let tensor): return tensor
    case .integer(let array): return Tensor(array.shape, array.values.map(Float.init))
    }
  }
}
