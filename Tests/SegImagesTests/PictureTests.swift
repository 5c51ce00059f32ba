import Foundation
import SegImages
import SegKernels
import XCTest

final class PictureTests: XCTestCase {
  func testTensorsMatchNumPy() throws {
    let fixtures = try Fixtures.load()
    let image = try Image(contentsOf: Fixtures.url("rgb8.png"))
    let batch = Tensor([image, image])
    XCTAssertEqual(batch.shape, [2, 3, 7, 13])
    for (index, value) in batch.scalars.enumerated() {
      XCTAssertEqual(value, fixtures.normalized[index % fixtures.normalized.count], accuracy: 1e-6)
    }
    XCTAssertEqual(Image(Tensor(image)), image)
    XCTAssertEqual(Tensor(image, normalization: .unit)[0, 2, 0, 0], Float(image[0, 0].blue) / 255)
  }

  func testResizingMatchesPyTorchAndPillow() throws {
    let image = try Image(contentsOf: Fixtures.url("rgb8.png"))
    let red = Labels([7, 13], stride(from: 0, to: image.pixels.count, by: 3).map { Int32(image.pixels[$0]) })
    for size in try Fixtures.load().resize {
      let resized = image.resized(width: size.width, height: size.height)
      let worst = zip(resized.pixels, size.bytes).map { abs(Int($0) - Int($1)) }.max()!
      XCTAssertLessThanOrEqual(worst, 1, "\(size.width)x\(size.height)")  // one where the sum lies near a half
      XCTAssertLessThanOrEqual(zip(resized.pixels, size.bytes).count { $0 != $1 }, size.bytes.count / 100)
      let labels = red.resizedNearest(width: size.width, height: size.height)
      XCTAssertEqual(labels, Labels([size.height, size.width], size.nearest), "\(size.width)x\(size.height)")
    }
  }

  func testTranslationOfClasses() {
    let street = ClassTable.cityscapes, camVid = ClassTable.camVid
    XCTAssertEqual(street.translation(to: street), (0..<19).map(Int32.init))
    XCTAssertNil(camVid.translation(to: street))
    XCTAssertNil(street.translation(to: ClassTable(count: 19)))
    let pairs = zip(street.names, street.translation(to: camVid)!.map { camVid.names[Int($0)] })
    XCTAssertEqual(
      pairs.map { "\($0) \($1)" },
      [
        "road Road", "sidewalk Pavement", "building Building", "wall Building", "fence Fence", "pole Pole",
        "traffic light SignSymbol", "traffic sign SignSymbol", "vegetation Tree", "terrain Tree", "sky Sky",
        "person Pedestrian", "rider Bicyclist", "car Car", "truck Car", "bus Car", "train Car",
        "motorcycle Bicyclist", "bicycle Bicyclist",
      ])
  }

  func testPalettes() throws {
    // From the VOC devkit's table.
    let voc = Palette.voc()
    XCTAssertEqual(voc.count, 256)
    XCTAssertEqual(ClassTable.voc.palette.colors, Array(voc.colors[..<21]))
    XCTAssertEqual(voc.colors[8], RGB(64, 0, 0))
    XCTAssertEqual(voc.colors[15], RGB(192, 128, 128))
    XCTAssertEqual(voc.colors[255], RGB(224, 224, 192))

    XCTAssertEqual([ClassTable.cityscapes, .camVid, .voc, .ade20K].map(\.count), [19, 11, 21, 150])
    XCTAssertEqual([ClassTable.pascalContext, .nyuDepth40, .cocoPanoptic].map(\.count), [59, 40, 133])
    XCTAssertEqual(ClassTable.cityscapes.palette.colors[13], RGB(0, 0, 142))
    XCTAssertEqual(ClassTable.camVid.palette.colors[4], RGB(60, 40, 222))
    XCTAssertEqual(ClassTable.camVid.palette.colors[10], RGB(0, 128, 192))
    XCTAssertEqual(ClassTable.ade20K.names[149], "flag")
    XCTAssertTrue(ClassTable.camVid.contains(11))
    XCTAssertFalse(ClassTable.camVid.contains(12))
    XCTAssertFalse(ClassTable.camVid.contains(-1))
    XCTAssertEqual(Set(Palette.distinct(count: 60).colors).count, 60)

    let json = try JSONEncoder().encode(ClassTable.camVid)
    XCTAssertEqual(try JSONDecoder().decode(ClassTable.self, from: json), .camVid)
    let short = #"{"mean":[0,0],"deviation":[1,1]}"#
    XCTAssertThrowsError(try JSONDecoder().decode(ImageNormalization.self, from: Data(short.utf8)))
    let uneven = #"{"names":["a"],"palette":{"colors":[]},"ignoreIndex":255}"#
    XCTAssertThrowsError(try JSONDecoder().decode(ClassTable.self, from: Data(uneven.utf8)))
  }

  func testOverlayBlends() {
    let image = Image(width: 2, height: 2, filledWith: RGB(100, 100, 100))
    let labels = Labels([2, 2], [0, 0, 1, 255])
    let palette = Palette([RGB(200, 0, 100), RGB(0, 0, 0)])
    let half = overlay(image: image, labels: labels, palette: palette)
    XCTAssertEqual(half.pixels, [150, 50, 100, 150, 50, 100, 50, 50, 50, 100, 100, 100])
    let outlined = overlay(image: image, labels: labels, palette: palette, boundaries: true)
    XCTAssertEqual([outlined[0, 0], outlined[0, 1]], [half[0, 0], half[0, 1]])
    XCTAssertEqual([outlined[1, 0], outlined[1, 1]], [.white, .white])
    XCTAssertEqual(Image(labels, palette: palette)[0, 1], RGB(200, 0, 100))
  }

  func testErrorMap() {
    let map = errorMap(
      prediction: Labels([1, 3], [1, 2, 3]), truth: Labels([1, 1, 3], [1, 1, 255]), ignoreIndex: 255)
    XCTAssertEqual([map[0, 0], map[0, 1], map[0, 2]], [RGB(128, 128, 128), RGB(220, 20, 20), .black])
  }

  func testContactSheet() {
    let red = Image(width: 2, height: 1, filledWith: RGB(255, 0, 0))
    let sheet = contactSheet([red, Image(width: 1, height: 2), red], columns: 2, margin: 1)
    XCTAssertEqual([sheet.width, sheet.height], [7, 7])
    XCTAssertEqual([sheet[0, 0], sheet[1, 1], sheet[1, 2], sheet[2, 1]], [.white, red[0, 0], red[0, 0], .white])
    XCTAssertEqual([sheet[1, 4], sheet[2, 4], sheet[1, 5]], [.black, .black, .white])
    XCTAssertEqual(sheet[4, 2], red[0, 0])
  }
}
