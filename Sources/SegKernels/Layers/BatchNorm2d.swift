/// Batch normalisation with running statistics.
///
/// In training it normalises by the batch and lets its running statistics follow,
/// running ← (1 − momentum) · running + momentum · batch (the variance unbiased); in evaluation it normalises by them.
public final class BatchNorm2d: UnaryModule {
  /// The learned scale, one a channel.
  public let weight: Parameter
  /// The learned shift, one a channel.
  public let bias: Parameter
  /// The mean that evaluation uses.
  public let runningMean: Parameter
  /// The variance that evaluation uses.
  public let runningVariance: Parameter
  /// How many batches the statistics have followed.
  public let batchesTracked: Parameter
  /// What is added to the variance.
  public let epsilon: Float
  /// The share of the newest batch in the running statistics.
  public var momentum: Float
  /// The processes that hold each batch together, whose statistics are then those of the whole batch; nil where this
  /// one holds all of it. See ``Module/divideBatches(over:)``.
  public var group: (any BatchGroup)?
  private var isTraining = false

  /// A layer that changes nothing but the scale 1/√(1 + ε).
  public init(channels: Int, epsilon: Float = 1e-5, momentum: Float = 0.1) {
    weight = Parameter(.ones([channels]))
    bias = Parameter(.zeros([channels]))
    runningMean = Parameter(.zeros([channels]), role: .statistic)
    runningVariance = Parameter(.ones([channels]), role: .statistic)
    batchesTracked = Parameter(Tensor(0), role: .counter)
    self.epsilon = epsilon
    self.momentum = momentum
  }

  public var parts: [Part] {
    [
      Part("weight", weight), Part("bias", bias), Part("running_mean", runningMean),
      Part("running_var", runningVariance), Part("num_batches_tracked", batchesTracked),
    ]
  }

  public func trainingChanged(to isTraining: Bool) { self.isTraining = isTraining }

  public func callAsFunction(_ x: Tensor) -> Tensor { callAsFunction(x, rectified: false) }

  /// The norm and what follows it: a sum with `addend` if there is one, then max(0, y) if `rectified`.
  public func callAsFunction(_ x: Tensor, adding addend: Tensor? = nil, rectified: Bool) -> Tensor {
    guard isTraining else {
      return batchNorm(
        x, weight: weight.value, bias: bias.value, mean: runningMean.value, variance: runningVariance.value,
        epsilon: epsilon, adding: addend, rectified: rectified)
    }
    let (y, mean, variance) = batchNorm(
      x, weight: weight.value, bias: bias.value, epsilon: epsilon, adding: addend, rectified: rectified, over: group)
    let samples = Float(x.count / x.shape[1] * (group?.size ?? 1))
    follow(runningMean, mean, scale: 1)
    follow(runningVariance, variance, scale: samples / (samples - 1))
    batchesTracked.value = Tensor(batchesTracked.value.scalar + 1)
    return y
  }

  private func follow(_ running: Parameter, _ batch: Tensor, scale: Float) {
    running.value = withoutGradients { running.value * (1 - momentum) + batch * (momentum * scale) }
  }
}
