import Glibc

/// The mean of |log depth − log truth| over the pixels whose depth is known; 0 where none is.
///
/// - Parameters:
///   - logDepth: of any shape, natural logarithms of metres.
///   - depth: of the same shape, metres; 0 where it is not known.
///   - group: the processes that hold the batch together; the result is then this one's term of a sum over them.
public func logDepthLoss(_ logDepth: Tensor, _ depth: Tensor, over group: (any BatchGroup)? = nil) -> Tensor {
  check(
    logDepth.shape == depth.shape, "logDepthLoss",
    "log depth \(logDepth.shape) and depth \(depth.shape) differ in shape")
  let truths = depth.scalars
  let known = Tensor(depth.shape, truths.map { $0 > 0 ? 1 : 0 })
  let target = Tensor(depth.shape, truths.map { $0 > 0 ? log($0) : 0 })
  let own = Double(known.sum().scalar), count = group?.sum([own])[0] ?? own
  return l1Loss(logDepth * known, target, reduction: .sum) / Float(max(count, 1))
}
