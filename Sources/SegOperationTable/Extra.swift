import SegKernels
extension Reference {
  static func flip(_ x: ReferenceArray, axis: Int) -> ReferenceArray {
    ReferenceArray(x.shape) { index in
      var source = index
      source[axis] = x.shape[axis] - 1 - index[axis]
      return x[at: source]
    }
  }
}
