import SegKernels

/// What the labels of a data set or a model mean: names, colours and the label that means nothing.
///
/// It travels with data and weights, so that tables have names and pictures have colours without being told.
public struct ClassTable: Sendable, Hashable, Codable {
  /// A name a class.
  public let names: [String]
  /// A colour a class.
  public let palette: [Color]
  /// The label of pixels that do not count.
  public let ignoreIndex: Int

  /// - Parameter palette: ``ClassTable/distinctColors(_:)`` by default.
  public init(names: [String], palette: [Color]? = nil, ignoreIndex: Int = 255) {
    check(palette == nil || palette!.count == names.count, "ClassTable", "\(names.count) names, \(palette!.count) colours")
    self.names = names
    self.palette = palette ?? ClassTable.distinctColors(names.count)
    self.ignoreIndex = ignoreIndex
  }

  /// Classes without names: "class 0", "class 1", …
  public init(count: Int) { self.init(names: (0..<count).map { "class \($0)" }) }

  /// The number of classes.
  public var count: Int { names.count }

  /// Colours that differ from each other by the bits of their index: PASCAL VOC's rule, which numbers 256 of them.
  public static func distinctColors(_ count: Int) -> [Color] {
    (0..<count).map { index in
      var (red, green, blue) = (0, 0, 0)
      for bit in 0..<8 {
        let three = index >> (3 * bit)
        red |= (three & 1) << (7 - bit)
        green |= (three >> 1 & 1) << (7 - bit)
        blue |= (three >> 2 & 1) << (7 - bit)
      }
      return Color(UInt8(red), UInt8(green), UInt8(blue))
    }
  }
}

extension ClassTable {
  /// The 19 training classes of Cityscapes.
  public static let cityscapes = table(
    """
    road 128 64 128, sidewalk 244 35 232, building 70 70 70, wall 102 102 156, fence 190 153 153, pole 153 153 153, \
    traffic light 250 170 30, traffic sign 220 220 0, vegetation 107 142 35, terrain 152 251 152, sky 70 130 180, \
    person 220 20 60, rider 255 0 0, car 0 0 142, truck 0 0 70, bus 0 60 100, train 0 80 100, motorcycle 0 0 230, \
    bicycle 119 11 32
    """)

  /// The eleven classes of CamVid as the SegNet authors grouped them; 11 is "unlabelled".
  public static let camVid = table(
    """
    Sky 128 128 128, Building 128 0 0, Pole 192 192 128, Road 128 64 128, Pavement 60 40 222, Tree 128 128 0, \
    SignSymbol 192 128 128, Fence 64 64 128, Car 64 0 128, Pedestrian 64 64 0, Bicyclist 0 128 192
    """, ignoreIndex: 11)

  /// The 21 classes of PASCAL VOC, background first.
  public static let voc = ClassTable(
    names: [
      "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
      "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ])

  /// The 150 classes of the ADE20K scene parsing benchmark, numbered as its files are less one. Their colours are
  /// ours, by VOC's rule.
  public static let ade20k = ClassTable(
    names: """
      wall,building,sky,floor,tree,ceiling,road,bed,windowpane,grass,cabinet,sidewalk,person,earth,door,table,mountain,\
      plant,curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,field,armchair,seat,fence,desk,rock,\
      wardrobe,lamp,bathtub,railing,cushion,base,box,column,signboard,chest of drawers,counter,sand,sink,skyscraper,\
      fireplace,refrigerator,grandstand,path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,\
      bookcase,blind,coffee table,toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,\
      swivel chair,boat,bar,arcade machine,hovel,bus,towel,light,truck,tower,chandelier,awning,streetlight,booth,\
      television receiver,airplane,dirt track,apparel,pole,land,bannister,escalator,ottoman,bottle,buffet,poster,stage,\
      van,ship,fountain,conveyer belt,canopy,washer,plaything,swimming pool,stool,barrel,basket,waterfall,tent,bag,\
      minibike,cradle,oven,ball,food,step,tank,trade name,microwave,pot,animal,bicycle,lake,dishwasher,screen,blanket,\
      sculpture,hood,sconce,vase,traffic light,tray,ashcan,fan,pier,crt screen,plate,monitor,bulletin board,shower,\
      radiator,glass,clock,flag
      """.split(separator: ",").map(String.init),
    palette: Array(distinctColors(151).dropFirst()))

  /// "name r g b, name r g b, …"
  private static func table(_ text: String, ignoreIndex: Int = 255) -> ClassTable {
    let rows = text.split(separator: ", ").map { $0.split(separator: " ") }
    return ClassTable(
      names: rows.map { $0.dropLast(3).joined(separator: " ") },
      palette: rows.map { row in
        let rgb = row.suffix(3).map { UInt8($0)! }
        return Color(rgb[0], rgb[1], rgb[2])
      }, ignoreIndex: ignoreIndex)
  }
}
