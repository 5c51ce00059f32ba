import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// The rendered world: exact, repeatable, the same at any resolution and in any light.
final class StreetScenesTests: XCTestCase {
  private let small = StreetScenes(split: "test", size: [72, 144])

  /// Labels and depth against rays in double precision that are tried on every triangle.
  func testWhatIsSeenAgreesWithRays() {
    let size: Pair = [72, 144]
    for index in [0, 1, 2] {
      let frame = small.frame(at: index), (facets, camera) = small.geometry(at: index)
      var random = RandomSource(seed: 4).stream(index)
      var (agreeing, deepEnough, tried) = (0, 0, 0)
      for _ in 0..<150 {
        let row = Int(random.nextUniform() * Float(size.height)), column = Int(random.nextUniform() * Float(size.width))
        let x = (Double(column) + 0.5 - Double(size.width) / 2) / (Double(camera.focalLength) * Double(size.width))
        let y = (Double(row) + 0.5 - Double(size.height) / 2) / (Double(camera.focalLength) * Double(size.width))
        let ray = SIMD3<Double>(camera.ahead) + SIMD3<Double>(camera.right) * x - SIMD3<Double>(camera.up) * y
        let hit = nearest(facets, from: SIMD3<Double>(camera.position), along: ray)
        tried += 1
        if frame.labels[row, column] == hit?.label ?? 10 { agreeing += 1 }
        let depth = Double(frame.depth[row, column])
        if hit.map({ abs(depth - $0.distance) < 2e-3 * $0.distance }) ?? (depth == 0) { deepEnough += 1 }
      }
      // A ray along an edge may go either way.
      XCTAssertGreaterThanOrEqual(agreeing, tried - 1, "frame \(index)")
      XCTAssertGreaterThanOrEqual(deepEnough, tried - 1, "frame \(index)")
    }
  }

  /// The first triangle along a ray, beyond the near plane; a ray's length is its depth, since it is one metre ahead.
  private func nearest(
    _ facets: [StreetScenes.Facet], from eye: SIMD3<Double>, along ray: SIMD3<Double>
  ) -> (label: Int32, distance: Double)? {
    func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
      [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
    }
    var best: (label: Int32, distance: Double)?
    for facet in facets {
      let a = SIMD3<Double>(facet.corners.0)
      let (u, v) = (SIMD3<Double>(facet.corners.1) - a, SIMD3<Double>(facet.corners.2) - a)
      let p = cross(ray, v), determinant = (u * p).sum()
      if abs(determinant) < 1e-14 { continue }
      let offset = eye - a, q = cross(offset, u)
      let s = (offset * p).sum() / determinant, t = (ray * q).sum() / determinant
      let distance = (v * q).sum() / determinant
      guard s >= 0, t >= 0, s + t <= 1, distance > 0.15, distance < best?.distance ?? .infinity else { continue }
      best = (facet.label, distance)
    }
    return best
  }

  /// At three times the resolution the middle of each block of nine pixels lies where the coarse pixel's centre does.
  func testLabelsAndDepthHoldAtAnyResolution() {
    let fine = StreetScenes(split: "test", size: [216, 432])
    for index in [0, 4] {
      let (a, b) = (small.frame(at: index), fine.frame(at: index))
      var (labels, depths) = (0, 0)
      for row in 0..<72 {
        for column in 0..<144 {
          labels += a.labels[row, column] == b.labels[3 * row + 1, 3 * column + 1] ? 1 : 0
          let (d, e) = (a.depth[row, column], b.depth[3 * row + 1, 3 * column + 1])
          depths += abs(d - e) <= 2e-3 * d ? 1 : 0
        }
      }
      XCTAssertGreaterThan(labels, 72 * 144 - 20)
      XCTAssertGreaterThan(depths, 72 * 144 - 20)
    }
  }

  func testTheSameBitsForAnyNumberOfThreads() {
    let frames = [1, 2, 3].map { count in Threads.with(count) { small.frame(at: 7) } }
    for frame in frames.dropFirst() {
      XCTAssertEqual(frame.image, frames[0].image)
      XCTAssertEqual(frame.labels, frames[0].labels)
      XCTAssertEqual(frame.instances, frames[0].instances)
      XCTAssertEqual(frame.depth.scalars, frames[0].depth.scalars)
    }
  }

  /// The bundled weights were trained on these three in this order: more domains must not change the usual streets.
  func testUsualDomains() {
    XCTAssertEqual(small.domains, [.clear, .overcast, .dusk])
    XCTAssertEqual((0..<4).map { small.frame(at: $0).domain }, [.clear, .overcast, .dusk, .clear])
  }

  func testSplitsAndSeedsAndFramesDiffer() {
    let others =
      [
        StreetScenes(split: "train", size: [72, 144]), StreetScenes(split: "test", size: [72, 144], seed: 2),
      ].map { $0.frame(at: 0) } + [small.frame(at: 3)]
    let first = small.frame(at: 0)
    for other in others {
      let same = zip(first.labels.values, other.labels.values).count { $0 == $1 }
      XCTAssertLessThan(same, 72 * 144 * 9 / 10)
    }
  }

  /// Light and sensor change how things look, not what they are.
  func testDomainsAndSensorLeaveTheTruth() {
    let looks = StreetDomain.allCases.map { StreetScenes(split: "dev", size: [72, 144], domains: [$0]).frame(at: 5) }
    XCTAssertEqual(looks.map(\.domain), StreetDomain.allCases)
    for look in looks.dropFirst() {
      XCTAssertEqual(look.labels, looks[0].labels)
      XCTAssertEqual(look.instances, looks[0].instances)
      XCTAssertEqual(look.depth.scalars, looks[0].depth.scalars)
      XCTAssertNotEqual(look.image, looks[0].image)
    }
    let plain = StreetScenes(split: "dev", size: [72, 144], domains: [.clear], hasSensor: false).frame(at: 5)
    XCTAssertEqual(plain.labels, looks[0].labels)
    XCTAssertNotEqual(plain.image, looks[0].image)
    // Dusk is dark, an open sky is not.
    func mean(_ frame: StreetFrame) -> Int { frame.image.pixels.reduce(0) { $0 + Int($1) } / frame.image.pixels.count }
    let dusk = StreetScenes(split: "dev", size: [72, 144], domains: [.dusk], hasSensor: false).frame(at: 5)
    XCTAssertLessThan(2 * mean(dusk), 2 * mean(plain) - 20)
  }

  /// Cityscapes' ids: the class is in the thousands, every thing has one class, crowds and stuff have the bare id.
  func testInstances() {
    let labelIDs: [Int32] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    var things = 0
    for index in 0..<6 {
      let frame = small.frame(at: index)
      for (label, instance) in zip(frame.labels.values, frame.instances.values) {
        guard label != 255 else {
          XCTAssertEqual(instance, 4)
          continue
        }
        XCTAssertEqual(instance >= 1000 ? instance / 1000 : instance, labelIDs[Int(label)])
        if label < 11 { XCTAssertLessThan(instance, 1000) }
      }
      things += Set(frame.instances.values.filter { $0 >= 1000 }).count
      XCTAssertTrue(zip(frame.labels.values, frame.depth.scalars).allSatisfy { ($0 == 10) == ($1 == 0) })
    }
    XCTAssertGreaterThan(things, 30)
  }

  /// What the specification demands of the difficulty. The thresholds are the specification's, see `StreetDataCard`.
  func testDataCard() {
    let train = StreetScenes(split: "train", size: [96, 192]), test = StreetScenes(split: "test", size: [96, 192])
    let card = StreetDataCard(learning: train, frames: 360, measuring: test, frames: 180)
    XCTAssertEqual(card.entries.count, 26)
    for entry in card.entries {
      XCTAssertTrue(
        entry.holds,
        "\(entry.name): \(entry.value), allowed \(entry.least.map { "\($0)" } ?? "")…\(entry.most.map { "\($0)" } ?? "")"
      )
    }
  }
}
