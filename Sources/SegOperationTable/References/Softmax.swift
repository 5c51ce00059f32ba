import Glibc
import SegKernels

extension Reference {
  /// yᵢ = e^(xᵢ − m) / Σⱼ e^(xⱼ − m) along `axis`, where m is the largest x there (it cancels, and keeps e in range).
  public static func softmax(_ x: ReferenceArray, axis: Int) -> ReferenceArray {
    let powers = exp(subtract(x, maximum(x, axes: [axis], keepDimensions: true)))
    return divide(powers, sum(powers, axes: [axis], keepDimensions: true))
  }

  /// yᵢ = xᵢ − m − log Σⱼ e^(xⱼ − m) along `axis`, where m is the largest x there.
  public static func logSoftmax(_ x: ReferenceArray, axis: Int) -> ReferenceArray {
    let shifted = subtract(x, maximum(x, axes: [axis], keepDimensions: true))
    return subtract(shifted, log(sum(exp(shifted), axes: [axis], keepDimensions: true)))
  }
}
