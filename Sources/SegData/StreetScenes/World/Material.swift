/// What a surface is made of: a pattern, its colours and how it takes light.
///
/// Materials belong to no class: asphalt lies on roads and sidewalks, brick stands in buildings, walls and plinths,
/// sheet metal covers cars, trucks, trains and signs. So colour alone does not tell what a pixel is.
struct Material {
  /// The patterns.
  enum Finish: UInt8 {
    /// Even colour with faint stains: painted metal, plastic, skin.
    case plain
    /// Fine grain, cracks and patches; wet in places where `wetness` says so.
    case asphalt
    /// Slabs or cobbles with joints.
    case paving
    /// Smooth with stains and streaks: concrete, plaster.
    case plaster
    /// Courses of bricks or blocks.
    case masonry
    /// Boards side by side.
    case boards
    /// Floors of windows in a wall of plaster or masonry; the ground floor has shop windows or doors.
    case facade
    /// Clumps of leaves, light above and dark within.
    case foliage
    /// Blades and bare patches.
    case grass
    /// Folds and woven patterns.
    case cloth
    /// A row of panes.
    case panes
    /// A picture: blotches in the colours of other classes, printed or painted on.
    case picture
    /// Symbols on a sign's face.
    case sign
    /// Gives light of its own.
    case lamp
  }

  var finish: Finish
  /// The main colour, and that of joints, frames, patches or folds; linear light, 0…1.
  var color: Vector
  var second: Vector
  /// The size of the pattern, metres.
  var scale: Float = 1
  /// Tells surfaces of one kind apart.
  var seed: UInt32 = 0
  /// How much of the sky a surface mirrors at a right angle, 0…1.
  var gloss: Float = 0
  /// For facades: floor height, bay width, and the shares of both that a window takes.
  var bays = SIMD4<Float>(3.2, 2.4, 0.5, 0.55)
  /// The share of the surface that is wet, 0…1.
  var wetness: Float = 0

  init(_ finish: Finish, _ color: Vector, _ second: Vector? = nil, scale: Float = 1, seed: UInt32 = 0, gloss: Float = 0)
  {
    self.finish = finish
    self.color = color
    self.second = second ?? color * 0.7
    self.scale = scale
    self.seed = seed
    self.gloss = gloss
  }
}

/// How one point of a material takes light.
struct Reflectance {
  /// The share of each colour that is sent back.
  var albedo: Vector
  /// How much of the sky is mirrored at a right angle.
  var gloss: Float = 0
  /// Light of its own.
  var glow = Vector(0, 0, 0)
  /// Light from within that is seen when it is dark outside.
  var indoors = Vector(0, 0, 0)
}
