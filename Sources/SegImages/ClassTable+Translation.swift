import SegKernels

extension ClassTable {
  /// For each class of this table the class of another that it counts as; nil where no such correspondence is known.
  ///
  /// Equal names correspond, whatever their colours. Beside that, Cityscapes' classes are known as CamVid's: walls count
  /// as buildings, lights as signs, terrain as trees, all that drives on four wheels or rails as cars, riders and their
  /// machines as bicyclists.
  public func translation(to other: ClassTable) -> [Int32]? {
    if names == other.names { return names.indices.map(Int32.init) }
    guard names == ClassTable.cityscapes.names, other.names == ClassTable.camVid.names else { return nil }
    return ClassTable.camVidOfCityscapes
  }

  /// The same for labels of weights that may not name their classes: those are taken at their numbers, if there are as
  /// many as the other table has.
  public func translationOrNumbers(to other: ClassTable) -> [Int32]? {
    translation(to: other) ?? (count == other.count ? (0..<count).map(Int32.init) : nil)
  }

  /// By trainId: road, sidewalk, building, wall, fence, pole, light, sign, vegetation, terrain, sky, person, rider, car,
  /// truck, bus, train, motorcycle, bicycle.
  private static let camVidOfCityscapes: [Int32] = [3, 4, 1, 1, 7, 2, 6, 6, 5, 5, 0, 9, 10, 8, 8, 8, 8, 10, 10]
}
