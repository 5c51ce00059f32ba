import SegImages
import SegKernels

/// The classes of StreetScenes: those of Cityscapes by their trainIds, and what belongs to none.
enum StreetClass: UInt8, CaseIterable {
  case road, sidewalk, building, wall, fence, pole, trafficLight, trafficSign, vegetation, terrain, sky, person, rider,
    car, truck, bus, train, motorcycle, bicycle
  case void = 255

  /// Things are counted one by one; everything else is stuff.
  var isThing: Bool { self != .void && rawValue >= StreetClass.person.rawValue }

  /// The number that Cityscapes' files use.
  var labelID: Int32 {
    self == .void ? 4 : Cityscapes.labelIDs[Int(rawValue)]
  }
}
