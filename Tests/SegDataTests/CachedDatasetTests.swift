import Foundation
import SegData
import SegFiles
import SegImages
import SegKernels
import SegTestSupport
import XCTest

final class CachedDatasetTests: XCTestCase {
  func testSamplesComeBackAsTheyWereMade() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let streets = StreetScenes(split: "dev", count: 3, size: [32, 64])
    let cached = try streets.cached(in: folder)
    XCTAssertEqual(cached.count, 3)
    XCTAssertEqual(cached.classes, streets.classes)
    let made = try cached.sample(at: 1), kept = try cached.sample(at: 1), fresh = streets.sample(at: 1)
    for sample in [made, kept] {
      XCTAssertEqual(sample.image, fresh.image)
      XCTAssertEqual(sample.labels, fresh.labels)
      XCTAssertEqual(sample.name, fresh.name)
    }
    // Streets of another size or seed have a folder of their own.
    _ = try StreetScenes(split: "dev", size: [32, 96]).cached(in: folder)
    _ = try StreetScenes(split: "dev", size: [32, 64], seed: 9).cached(in: folder)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 3)
  }

  /// Depth comes back to 1/512 m, the same at first and later; without being asked for it is not there.
  func testDepthIsKeptWhereItIsAskedFor() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let streets = StreetScenes(split: "dev", count: 1, size: [32, 64])
    XCTAssertNil(try streets.cached(in: folder).sample(at: 0).depth)
    let cached = try streets.cached(keepsDepth: true, in: folder)
    let made = try XCTUnwrap(cached.sample(at: 0).depth), kept = try XCTUnwrap(cached.sample(at: 0).depth)
    XCTAssertEqual(made.scalars, kept.scalars)
    for (found, exact) in zip(made.scalars, streets.frame(at: 0).depth.scalars) {
      XCTAssertEqual(found, min(exact, 255.996), accuracy: 1 / 500)
    }
  }

  /// What cannot be read is made again.
  func testDamagedFilesAreMadeAgain() throws {
    let folder = try Fixtures.temporaryFolder(self)
    let streets = StreetScenes(split: "dev", count: 1, size: [32, 64])
    let cached = try streets.cached(in: folder)
    _ = try cached.sample(at: 0)
    let place = folder.appendingPathComponent(try FileManager.default.contentsOfDirectory(atPath: folder.path)[0])
    let files = try FileManager.default.contentsOfDirectory(atPath: place.path)
    XCTAssertEqual(files.count, 2)
    for file in files {
      try Data([1, 2, 3]).write(to: place.appendingPathComponent(file))
      XCTAssertEqual(try cached.sample(at: 0).image, streets.sample(at: 0).image)
      XCTAssertGreaterThan(try Data(contentsOf: place.appendingPathComponent(file)).count, 100)
    }
  }

  func testAFolderThatCannotBeMade() throws {
    let file = try Fixtures.temporaryFolder(self).appendingPathComponent("file")
    try Data().write(to: file)
    XCTAssertThrowsError(try StreetScenes(split: "dev").cached(in: file)) {
      XCTAssertTrue("\($0)".contains("SEGKERNELS_CACHE"), "\($0)")
    }
  }
}
