/// The light and weather of a street: what changes between the domains is how things look, never what they are.
public enum StreetDomain: String, Sendable, Hashable, Codable, CaseIterable {
  /// Sun and shadows.
  case clear
  /// A closed sky; no shadows but below things.
  case overcast
  /// The sun is low or gone; lamps are lit.
  case dusk
}
