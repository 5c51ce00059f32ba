/// The light and weather of a street, and the camera: what changes between the domains is how things look, never what
/// they are.
public enum StreetDomain: String, Sendable, Hashable, Codable, CaseIterable {
  /// Sun and shadows.
  case clear
  /// A closed sky; no shadows but below things.
  case overcast
  /// The sun is low or gone; lamps are lit.
  case dusk
  /// Street lamps, headlights and lit windows; a sensor at its limits.
  case night
  /// A dark sky, wet ground that mirrors, streaks in the air.
  case rain
  /// Air that hides what is farther than some tens of metres.
  case fog
  /// The light of clear or overcast days, taken by a camera of another make: its colours run into each other, its curve
  /// is steep, it sharpens, and its files are small.
  case foreignSensor = "foreign-sensor"

  /// The domains that streets have unless others are asked for; the bundled weights were trained on them.
  public static let usual: [StreetDomain] = [.clear, .overcast, .dusk]

  /// How bright lamps are, 0 by day.
  var lampsLit: Float { self == .dusk || self == .night ? 1 : 0 }

  /// What a camera makes of the domain's light: how long it exposes, and how much its noise is amplified.
  var exposure: (time: Float, gain: Float) {
    switch self {
    case .clear, .overcast, .fog: (1, 1)
    case .dusk: (2, 2.4)
    case .rain: (1.25, 1.5)
    case .night: (4, 3.5)
    case .foreignSensor: (1, 1.8)
    }
  }
}
