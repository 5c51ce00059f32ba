extension Tensor {
  /// A tensor whose elements all have one value.
  public init(_ shape: Shape, filledWith value: Float) {
    self.init(uninitialized: shape) { $0.initialize(repeating: value) }
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor {
    Tensor(shape: shape, storage: Storage(count: shape.elementCount, zeroed: true))
  }

  /// A tensor of ones.
  public static func ones(_ shape: Shape) -> Tensor { Tensor(shape, filledWith: 1) }

  /// A tensor of given elements, in row-major order. Traps if their number is not the shape's.
  public init(_ shape: Shape, _ scalars: some Collection<Float>) {
    check(scalars.count == shape.elementCount, "Tensor", "\(scalars.count) elements given for shape \(shape)")
    self.init(uninitialized: shape) { _ = $0.initialize(from: scalars) }
  }

  /// A scalar: a tensor of the empty shape.
  public init(_ scalar: Float) { self.init([], filledWith: scalar) }

  /// Elements drawn uniformly from `range`.
  public static func uniform(_ shape: Shape, in range: Range<Float> = 0..<1, using random: inout RandomSource) -> Tensor
  {
    Tensor(uninitialized: shape) { buffer in
      for index in buffer.indices {
        buffer[index] = range.lowerBound + (range.upperBound - range.lowerBound) * random.nextUniform()
      }
    }
  }

  /// Elements drawn from the normal distribution.
  public static func normal(
    _ shape: Shape, mean: Float = 0, deviation: Float = 1, using random: inout RandomSource
  ) -> Tensor {
    Tensor(uninitialized: shape) { buffer in
      for index in buffer.indices { buffer[index] = mean + deviation * random.nextNormal() }
    }
  }
}
