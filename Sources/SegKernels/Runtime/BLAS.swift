import COpenBLAS

/// OpenBLAS behind one function, and what it says of itself.
///
/// OpenBLAS is set to one thread at first use, process-wide: the package's own pool shares the work out, and threaded
/// calls from several threads would wait for each other.
public enum BLAS {
  /// The kernels that OpenBLAS picked for this processor, for example "Cooperlake".
  public static var coreName: String { String(cString: openblas_get_corename()) }

  /// Version and build options, in OpenBLAS's own words.
  public static var configuration: String { String(cString: openblas_get_config()) }

  static let oneThread: Void = openblas_set_num_threads(1)

  /// A row-major matrix in memory, or its transpose; the stride is from row to row, in floats.
  struct Matrix {
    let base: UnsafePointer<Float>
    let rowStride: Int
    let isTransposed: Bool

    init(_ base: UnsafePointer<Float>, rowStride: Int, transposed: Bool = false) {
      self.base = base
      self.rowStride = rowStride
      isTransposed = transposed
    }

    fileprivate var order: Int32 { Int32(isTransposed ? SK_TRANSPOSE : SK_NO_TRANSPOSE) }
  }

  /// C = A · B + beta · C on the calling thread, for A of m×k, B of k×n and C of m×n.
  static func multiply(
    m: Int, n: Int, k: Int, _ a: Matrix, _ b: Matrix, into c: UnsafeMutablePointer<Float>, rowStride ldc: Int,
    beta: Float = 0
  ) {
    _ = oneThread
    guard m > 0, n > 0 else { return }
    guard k > 0 else {
      // An empty sum; OpenBLAS leaves C as it is.
      if beta == 0 { for row in 0..<m { (c + row * ldc).update(repeating: 0, count: n) } }
      return
    }
    cblas_sgemm(
      Int32(SK_ROW_MAJOR), a.order, b.order, Int32(m), Int32(n), Int32(k), 1, a.base, Int32(a.rowStride), b.base,
      Int32(b.rowStride), beta, c, Int32(ldc))
  }
}
