import CSegKernels

/// Batch normalisation by the statistics of the batch itself, and what follows it in one pass: the form of training.
///
/// y = weight · (x − mean) / √(variance + ε) + bias, each channel by its own mean and (biased) variance over N, H, W;
/// then y + addend, if there is one; then max(0, y), if `rectified`.
///
/// - Parameters:
///   - x: N×C×….
///   - weight: one factor a channel.
///   - bias: one number a channel.
///   - epsilon: ε, added to the variance.
///   - addend: of x's shape: the shortcut of a residual block.
///   - rectified: end with the rectifier. Its gradient is worked out anew from what else is kept; nothing is stored for
///     it.
///   - group: the processes that hold the batch together: mean, variance and gradient are then those of the whole batch
///     (synchronised batch norm). The gradients of weight and bias are this process's terms of their sums.
/// - Returns: the result, and the statistics, which carry no gradient: the layer's running ones follow them.
public func batchNorm(
  _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5, adding addend: Tensor? = nil,
  rectified: Bool = false, over group: (any BatchGroup)? = nil
) -> (result: Tensor, mean: Tensor, variance: Tensor) {
  let operation = BatchNormTrainingOperation(epsilon: epsilon, rectifies: rectified, group: group)
  let outputs = apply(operation, to: [x, weight, bias] + (addend.map { [$0] } ?? []))
  return (outputs[0], outputs[1].detached(), outputs[2].detached())
}

/// Works in channel blocks: a task is one block of channels of all images. Sums are in double precision.
///
/// dx = w/σ · (d − mean(d) − (x − mean)/σ² · mean(d · (x − mean))), with d the gradient that passes the rectifier; of
/// frozen statistics dx = w/σ · d.
struct BatchNormTrainingOperation: BlockedOperation {
  let epsilon: Float
  let rectifies: Bool
  /// Whether mean and variance are inputs behind weight and bias, which get no gradient; else they are the batch's, and
  /// results.
  var isFrozen = false
  /// Who holds the rest of the batch; nil where this process holds all of it.
  var group: (any BatchGroup)?

  var name: String { "batchNorm" }
  var attributes: [(name: String, value: Attribute)] {
    [("epsilon", .real(epsilon)), ("usesBatch", .flag(!isFrozen)), ("relu", .flag(rectifies))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    checkBatchNormShapes(x, inputs[1..<parameterEnd], for: name)
    check(
      inputs.count == parameterEnd || inputs.last! == x, name,
      "expected an addend of the images' shape \(x), found \(inputs.last!)")
    if isFrozen { return [x] }
    let samples = x.elementCount / max(x[1], 1) * (group?.size ?? 1)
    check(samples > 1 || x.elementCount == 0, name, "training needs more than one value a channel, found shape \(x)")
    return [x, [x[1]], [x[1]]]
  }

  /// The addend's place among the inputs.
  private var parameterEnd: Int { isFrozen ? 5 : 3 }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { (isFrozen ? 2 : 7) * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let (weight, bias) = (inputs[1].rowMajor(), inputs[2].rowMajor())
    let addend = inputs.count > parameterEnd ? inBlocks(inputs[parameterEnd]) : nil
    let x = inBlocks(inputs[0]), runs = Runs(x)
    let (mean, variance) = isFrozen ? (inputs[3].rowMajor(), inputs[4].rowMajor()) : statistics(x, runs)
    let numbers = numbers(weight, bias, mean, variance)
    let kernels = kernels
    var y = Tensor(uninitialized: x.shape, layout: x.layout)
    let (p, a, target) = (x.pointer(for: name), addend?.pointer(for: name), y.exclusivePointer())
    parallelFor(runs.batch * runs.blocks) { run in
      let start = run * runs.length
      withNorm(numbers, run % runs.blocks) {
        kernels.normalizeBlock($0, p + start, a.map { $0 + start }, target + start, runs.area)
      }
    }
    withExtendedLifetime((x, addend)) {}
    if context.isRecording {
      context.saved = [x, weight, bias, mean, variance]
      // The rectifier's gradient is worked out from x; where something was added, from the result, which is most often
      // kept anyway as the input of what follows.
      if rectifies, addend != nil { context.saved.append(y) }
    }
    return [x.shape == inputs[0].shape ? y : y.viewed(as: inputs[0].shape)] + (isFrozen ? [] : [mean, variance])
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let hasAddend = context.inputShapes.count > parameterEnd
    guard let dy = gradients[0].map(inBlocks) else { return context.inputShapes.map { _ in nil } }
    let x = context.saved[0], weight = context.saved[1], mean = context.saved[3], variance = context.saved[4]
    let result = context.saved.count > 5 ? context.saved[5] : nil
    let numbers = numbers(weight, context.saved[2], mean, variance)
    let runs = Runs(x), kernels = kernels
    var (sums, dots) = (Tensor.zeros(mean.shape), Tensor.zeros(mean.shape))
    var dx = Tensor(uninitialized: x.shape, layout: x.layout)
    // A sum that nothing rectifies passes its gradient on as it is.
    var dAddend = hasAddend && rectifies ? Tensor(uninitialized: x.shape, layout: x.layout) : nil
    let (p, y, d) = (x.pointer(for: name), result?.pointer(for: name), dy.pointer(for: name))
    let (target, addendTarget) = (dx.exclusivePointer(), dAddend?.exclusivePointer())
    let (w, v) = (weight.pointer(for: name), variance.pointer(for: name))
    let (sum, dot) = (sums.exclusivePointer(), dots.exclusivePointer())
    let samples = Double(runs.batch * runs.area * (group?.size ?? 1))
    // Of each channel Σ d and Σ d · (x − mean), block by block as the kernel has them.
    var totals = [Double](repeating: 0, count: 2 * runs.blocks * runs.block)
    totals.withUnsafeMutableBufferPointer { totals in
      func sumUp(_ block: Int) {
        let total = totals.baseAddress! + 2 * block * runs.block
        withNorm(numbers, block) { norm in
          runs.forEach(block) { start in
            kernels.blockGradientSums(norm, p + start, y.map { $0 + start }, d + start, runs.area, total)
          }
        }
        for lane in 0..<runs.lanes(of: block) {
          let c = block * runs.block + lane
          sum[c] = Float(total[lane])
          dot[c] = Float(total[runs.block + lane] / (Double(v[c]) + Double(epsilon)).squareRoot())
        }
      }
      func passOn(_ block: Int) {
        let total = totals.baseAddress! + 2 * block * runs.block
        var factors = [Float](repeating: 0, count: 3 * runs.block)
        for lane in 0..<runs.lanes(of: block) {
          let c = block * runs.block + lane
          let inverse = 1 / (Double(v[c]) + Double(epsilon)).squareRoot(), scale = Double(w[c]) * inverse
          factors[lane] = Float(scale)
          if isFrozen { continue }
          factors[runs.block + lane] = Float(-scale * inverse * inverse * total[runs.block + lane] / samples)
          factors[2 * runs.block + lane] = Float(-scale * total[lane] / samples)
        }
        withNorm(numbers, block) { norm in
          runs.forEach(block) { start in
            kernels.blockGradient(
              norm, factors, p + start, y.map { $0 + start }, d + start, target + start,
              addendTarget.map { $0 + start }, runs.area)
          }
        }
      }
      guard let group else {
        // At once, while the block is in the cache.
        return parallelFor(runs.blocks) { block in
          sumUp(block)
          passOn(block)
        }
      }
      parallelFor(runs.blocks, sumUp)
      group.sum(totals)
      parallelFor(runs.blocks, passOn)
    }
    withExtendedLifetime((x, result, dy, weight, variance)) {}
    func shaped(_ tensor: Tensor) -> Tensor {
      tensor.shape == context.inputShapes[0] ? tensor : tensor.viewed(as: context.inputShapes[0])
    }
    return [shaped(dx), dots, sums] + (isFrozen ? [nil, nil] : []) + (hasAddend ? [shaped(dAddend ?? dy)] : [])
  }

  /// N×C×… as an image in channel blocks.
  private func inBlocks(_ x: Tensor) -> Tensor {
    let image = x.rank == 4 ? x : x.viewed(as: [x.shape[0], x.shape[1], x.shape[2...].reduce(1, *), 1])
    return image.channelBlocked(Int(kernels.channelBlock()))
  }

  /// Mean and variance of each channel. Deviations are taken from the first pixel, so that the squares do not drown in
  /// the square of a large mean.
  private func statistics(_ x: Tensor, _ runs: Runs) -> (mean: Tensor, variance: Tensor) {
    let kernels = kernels, channels = x.shape[1], p = x.pointer(for: name)
    let samples = Double(runs.batch * runs.area)
    guard samples > 0 else { return (Tensor.zeros([channels]), Tensor.zeros([channels])) }
    // The means, then the variances.
    var moments = [Double](repeating: 0, count: 2 * channels)
    moments.withUnsafeMutableBufferPointer { moments in
      parallelFor(runs.blocks) { block in
        let origin = p + block * runs.length
        runs.withSums { sums in
          runs.forEach(block) { kernels.momentsOfBlock(p + $0, origin, runs.area, sums) }
          for lane in 0..<runs.lanes(of: block) {
            let c = block * runs.block + lane, average = sums[lane] / samples
            moments[c] = Double(origin[lane]) + average
            moments[channels + c] = max(0, sums[runs.block + lane] / samples - average * average)
          }
        }
      }
      if let group { combine(moments, over: group) }
    }
    withExtendedLifetime(x) {}
    func tensor(_ values: ArraySlice<Double>) -> Tensor { Tensor([channels], values.map { Float($0) }) }
    return (tensor(moments[..<channels]), tensor(moments[channels...]))
  }

  /// The means and variances of all processes' parts, which are equally large, become those of the whole batch:
  /// m = Σ mᵣ / n and v = Σ (vᵣ + mᵣ²) / n − m².
  private func combine(_ moments: UnsafeMutableBufferPointer<Double>, over group: any BatchGroup) {
    let channels = moments.count / 2, count = Double(group.size)
    for c in 0..<channels { moments[channels + c] += moments[c] * moments[c] }
    group.sum(moments)
    for c in 0..<channels {
      moments[c] /= count
      moments[channels + c] = max(0, moments[channels + c] / count - moments[c] * moments[c])
    }
  }

  /// What the kernels want to know of each channel, padded to whole blocks.
  private func numbers(
    _ weight: Tensor, _ bias: Tensor, _ mean: Tensor, _ variance: Tensor
  ) -> (mean: Storage, scale: Storage, shift: Storage) {
    let block = Int(kernels.channelBlock())
    func padded(_ tensor: Tensor) -> Storage { PackedWeights.pack(bias: tensor, block: block) }
    return (padded(mean), padded(weight / (variance + epsilon).sqrt()), padded(bias))
  }

  private func withNorm<R>(
    _ numbers: (mean: Storage, scale: Storage, shift: Storage), _ block: Int, _ body: (UnsafePointer<SKBlockNorm>) -> R
  ) -> R {
    let first = block * Int(kernels.channelBlock())
    let norm = SKBlockNorm(
      mean: numbers.mean.base + first, scale: numbers.scale.base + first, shift: numbers.shift.base + first,
      rectifies: rectifies ? 1 : 0)
    return withExtendedLifetime(numbers) { withUnsafePointer(to: norm, body) }
  }

  /// Where the pixels of each block of channels lie: a run an image.
  private struct Runs {
    let batch: Int, channels: Int, block: Int, blocks: Int, area: Int
    /// Floats of a run.
    var length: Int { area * block }

    init(_ x: Tensor) {
      guard case .channelBlocked(let block) = x.layout else { misuse("batchNorm", "expected channel blocks") }
      self.block = block
      (batch, channels, area) = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
      blocks = ceilingDivide(channels, block)
    }

    /// Channels of a block that count.
    func lanes(of block: Int) -> Int { min(self.block, channels - block * self.block) }

    func forEach(_ block: Int, _ body: (_ start: Int) -> Void) {
      for n in 0..<batch { body((n * blocks + block) * length) }
    }

    /// Two sums a channel, zero at first.
    func withSums(_ body: (UnsafeMutablePointer<Double>) -> Void) {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * block) {
        $0.initialize(repeating: 0)
        body($0.baseAddress!)
      }
    }
  }
}
