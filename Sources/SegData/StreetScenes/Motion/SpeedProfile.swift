/// How fast something drives: one speed up to a moment, another from a later moment on, a smooth change between.
///
/// v(t) = v₀ + (v₁ − v₀)(3u² − 2u³) with u = (t − t₀)/(t₁ − t₀) held within 0…1; metres and seconds.
struct SpeedProfile: Sendable {
  let first: Float, last: Float
  /// When the change begins and ends.
  let change: ClosedRange<Float>

  /// A change of speed from `first` to `last`.
  init(from first: Float, to last: Float, during change: ClosedRange<Float>) {
    self.first = first
    self.last = last
    self.change = change
  }

  /// One speed all the time.
  init(steady speed: Float) { self.init(from: speed, to: speed, during: 0...1) }

  private var duration: Float { change.upperBound - change.lowerBound }
  private func part(_ time: Float) -> Float { min(max((time - change.lowerBound) / duration, 0), 1) }

  /// Metres a second.
  func speed(at time: Float) -> Float {
    let u = part(time)
    return first + (last - first) * u * u * (3 - 2 * u)
  }

  /// Metres a second, each second.
  func acceleration(at time: Float) -> Float {
    let u = part(time)
    return (last - first) * 6 * u * (1 - u) / duration
  }

  /// Metres since time 0: ∫v = v₀ t + (v₁ − v₀)(u³ − u⁴/2)(t₁ − t₀), and v₁ − v₀ more for each second after t₁.
  func distance(at time: Float) -> Float {
    let u = part(time)
    let changing = (u * u * u - u * u * u * u / 2) * duration + max(time - change.upperBound, 0)
    return first * time + (last - first) * changing
  }

  /// The same in another measure of speed.
  func scaled(by factor: Float) -> SpeedProfile {
    SpeedProfile(from: first * factor, to: last * factor, during: change)
  }
}
