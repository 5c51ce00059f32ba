import COpenBLAS

/// The eigenvalues and eigenvectors of a symmetric matrix, by LAPACK's `dsyev`: A v_i = λ_i v_i.
///
/// - Parameter matrix: n rows of n numbers; the lower triangle is read.
/// - Returns: the eigenvalues, rising, and their vectors of length 1, each of a sign that means nothing.
package func symmetricEigenvectors(of matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
  let n = matrix.count
  check(
    matrix.allSatisfy { $0.count == n }, "symmetricEigenvectors",
    "expected \(n) rows of as many numbers, found rows of \(matrix.map(\.count))")
  guard n > 0 else { return ([], []) }
  _ = BLAS.oneThread
  // Column by column, as Fortran has it: to a symmetric matrix that is no difference.
  var elements = matrix.flatMap { $0 }, values = [Double](repeating: 0, count: n)
  let order = [Int32(n)]
  var info: Int32 = 0, count = Int32(max(3 * n - 1, 1) + 64 * n)
  var work = [Double](repeating: 0, count: Int(count))
  dsyev_("V", "U", order, &elements, order, &values, &work, &count, &info, 1, 1)
  check(info == 0, "symmetricEigenvectors", "dsyev gave up with \(info) on a matrix of \(n) rows; is it finite?")
  return (values, (0..<n).map { Array(elements[($0 * n)..<(($0 + 1) * n)]) })
}
