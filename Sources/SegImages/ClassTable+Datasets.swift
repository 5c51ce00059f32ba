extension ClassTable {
  /// The 19 evaluated classes of Cityscapes in the order of their trainIds; 255 is ignored.
  public static let cityscapes = ClassTable([
    ("road", 0x804080), ("sidewalk", 0xF423E8), ("building", 0x464646), ("wall", 0x66669C), ("fence", 0xBE9999),
    ("pole", 0x999999), ("traffic light", 0xFAAA1E), ("traffic sign", 0xDCDC00), ("vegetation", 0x6B8E23),
    ("terrain", 0x98FB98), ("sky", 0x4682B4), ("person", 0xDC143C), ("rider", 0xFF0000), ("car", 0x00008E),
    ("truck", 0x000046), ("bus", 0x003C64), ("train", 0x005064), ("motorcycle", 0x0000E6), ("bicycle", 0x770B20),
  ])

  /// The 11 classes of CamVid as SegNet grouped them, in its colours; 11 is ignored.
  public static let camVid = ClassTable(
    [
      ("Sky", 0x808080), ("Building", 0x800000), ("Pole", 0xC0C080), ("Road", 0x804080), ("Pavement", 0x3C28DE),
      ("Tree", 0x808000), ("SignSymbol", 0xC08080), ("Fence", 0x404080), ("Car", 0x400080),
      ("Pedestrian", 0x404000), ("Bicyclist", 0x0080C0),
    ], ignoreIndex: 11)

  /// The 21 classes of Pascal VOC 2012, background first, in its colours; 255 is ignored.
  public static let voc = ClassTable(
    names: [
      "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
      "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ],
    palette: .voc(count: 21))

  /// The 59 classes of Pascal Context in the order of the alphabet, numbered from 0; 255 is ignored.
  ///
  /// The data set has no colours of its own; customary are ADE20K's from its second on (checked against public copies).
  public static let pascalContext = ClassTable(
    names: [
      "aeroplane", "bag", "bed", "bedclothes", "bench", "bicycle", "bird", "boat", "book", "bottle", "building", "bus",
      "cabinet", "car", "cat", "ceiling", "chair", "cloth", "computer", "cow", "cup", "curtain", "dog", "door", "fence",
      "floor", "flower", "food", "grass", "ground", "horse", "keyboard", "light", "motorbike", "mountain", "mouse",
      "person", "plate", "platform", "pottedplant", "road", "rock", "sheep", "shelves", "sidewalk", "sign", "sky",
      "snow",
      "sofa", "table", "track", "train", "tree", "truck", "tvmonitor", "wall", "water", "window", "wood",
    ],
    palette: Palette(Array(ClassTable.ade20K.palette.colors[1..<60])))

  /// The 40 classes of NYU Depth v2 as Gupta et al. grouped them, numbered from 0; 255 is ignored.
  ///
  /// The data set has no colours of its own: these are VOC's rule, for the files' numbers 1 to 40.
  public static let nyuDepth40 = ClassTable(
    names: [
      "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter",
      "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling", "books",
      "refrigerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard", "person", "night stand",
      "toilet", "sink", "lamp", "bathtub", "bag", "otherstructure", "otherfurniture", "otherprop",
    ],
    palette: Palette(Array(Palette.voc(count: 41).colors.dropFirst())))

  init(_ rows: [(name: String, color: UInt32)], ignoreIndex: Int32 = 255) {
    self.init(names: rows.map(\.name), palette: Palette(rows.map { RGB(hex: $0.color) }), ignoreIndex: ignoreIndex)
  }
}
