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
    let ids: [Int32] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    return self == .void ? 4 : ids[Int(rawValue)]
  }
}
