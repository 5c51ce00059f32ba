import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegTestSupport
import XCTest

/// Streets in motion: every truth follows from the same triangles, so they must agree with each other.
final class StreetClipTests: XCTestCase {
  private let small = StreetScenes(split: "test", size: [72, 144])

  /// Flow of resting points from depth, intrinsics and poses alone, in double precision.
  func testFlowAgreesWithDepthAndPoses() {
    for number in [0, 1, 3] {
      let clip = small.clip(at: number), frame = clip.frame(at: 20)
      for other in [21, 15] {
        let flow = clip.flow(from: 20, to: other), camera = frame.camera.intrinsics(size: clip.size)
        let motion = frame.camera.motion(to: clip.camera(at: other))
        var (compared, worst) = (0, 0.0)
        for row in 0..<72 {
          for column in 0..<144 where frame.depth[row, column] > 0 && flow.moving[row, column] == 0 {
            let z = Double(frame.depth[row, column])
            let x = (Double(column) - camera.cx) / camera.fx * z, y = (Double(row) - camera.cy) / camera.fy * z
            let point = motion([x, y, z])
            guard point.z > 0.5 else { continue }
            let u = camera.fx * point.x / point.z + camera.cx - Double(column)
            let v = camera.fy * point.y / point.z + camera.cy - Double(row)
            let (du, dv) = (
              u - Double(flow.field.vectors[0, row, column]), v - Double(flow.field.vectors[1, row, column])
            )
            worst = max(worst, (du * du + dv * dv).squareRoot())
            compared += 1
          }
        }
        XCTAssertGreaterThan(compared, 3000)
        XCTAssertLessThan(worst, 0.05, "clip \(number), frame \(other)")
      }
    }
  }

  /// A point that is seen in both frames has the same label and the same instance in both, wherever it moves; a second
  /// look from there leads back. At nine times the pixels the nearest one is the point's own but at the rims of things.
  func testSeenPointsKeepLabelAndInstance() {
    for number in [0, 2] {
      let clip = small.clip(at: number).scaled(by: 3), size = clip.size
      let (a, b) = (clip.frame(at: 30), clip.frame(at: 31))
      let flow = clip.flow(from: 30, to: 31), back = clip.flow(from: 31, to: 30)
      let (vectors, backward) = (flow.field.vectors.scalars, back.field.vectors.scalars)
      let area = size.height * size.width
      var (seen, same, movers, movingSame, returned) = (0, 0, 0, 0, 0)
      for place in 0..<area where flow.occluded.values[place] == 0 {
        let (x, y) = (Float(place % size.width) + vectors[place], Float(place / size.width) + vectors[area + place])
        let column = Int(x.rounded()), row = Int(y.rounded())
        guard row < size.height, column < size.width else { continue }
        let other = row * size.width + column
        let isSame =
          a.labels.values[place] == b.labels.values[other]
          && a.instances.values[place] == b.instances.values[other]
        seen += 1
        same += isSame ? 1 : 0
        if flow.moving.values[place] == 1 {
          movers += 1
          movingSame += isSame ? 1 : 0
        }
        let (u, v) = (vectors[place] + backward[other], vectors[area + place] + backward[area + other])
        returned += u * u + v * v < 1 ? 1 : 0
      }
      XCTAssertGreaterThan(seen, area * 85 / 100, "clip \(number)")
      XCTAssertGreaterThan(Double(same) / Double(seen), 0.97, "clip \(number)")
      XCTAssertGreaterThan(Double(returned) / Double(seen), 0.97, "clip \(number)")
      XCTAssertGreaterThan(movers, 200, "clip \(number)")
      XCTAssertGreaterThan(Double(movingSame) / Double(movers), 0.9, "clip \(number)")
    }
  }

  /// What is hidden, by rays in depth: a point whose place in the other frame shows something nearer.
  func testOcclusionAgreesWithDepth() {
    let clip = small.clip(at: 0).scaled(by: 4), size = clip.size
    let flow = clip.flow(from: 30, to: 28), now = clip.frame(at: 30), then = clip.frame(at: 28)
    let motion = now.camera.motion(to: then.camera), camera = now.camera.intrinsics(size: size)
    let vectors = flow.field.vectors.scalars, area = size.height * size.width
    var (hidden, found, visible, wrong) = (0, 0, 0, 0)
    for row in stride(from: 0, to: size.height, by: 3) {
      for column in stride(from: 0, to: size.width, by: 3) {
        let place = row * size.width + column
        guard now.depth[row, column] > 0, flow.moving.values[place] == 0 else { continue }
        let (x, y) = (Float(column) + vectors[place], Float(row) + vectors[area + place])
        guard x > 1, y > 1, x < Float(size.width) - 2, y < Float(size.height) - 2 else { continue }
        let z = Double(now.depth[row, column])
        let depth = Float(
          motion([(Double(column) - camera.cx) / camera.fx * z, (Double(row) - camera.cy) / camera.fy * z, z]).z)
        // The four pixels about the place: clearly nearer at all of them, or none of them nearer.
        let around = [(0, 0), (1, 0), (0, 1), (1, 1)].map { then.depth[Int(y) + $0.0, Int(x) + $0.1] }
        if around.allSatisfy({ $0 > 0 && $0 < depth * 0.95 }) {
          hidden += 1
          found += flow.occluded.values[place] == 1 ? 1 : 0
        } else if around.allSatisfy({ $0 == 0 || $0 > depth * 0.98 }) {
          visible += 1
          wrong += flow.occluded.values[place] == 1 ? 1 : 0
        }
      }
    }
    XCTAssertGreaterThan(hidden, 50)
    // Bars of trees and posts are thinner than the four pixels.
    XCTAssertGreaterThanOrEqual(Double(found), 0.97 * Double(hidden), "\(found) of \(hidden)")
    XCTAssertLessThanOrEqual(Double(wrong), 0.01 * Double(visible), "\(wrong) of \(visible)")
  }

  /// The right camera sees points farther left by the disparity, on the same row.
  func testStereo() {
    let clip = small.clip(at: 4), left = clip.frame(at: 10), flow = clip.parallax(at: 10)
    let disparity = left.disparity(), right = clip.camera(at: 10, eye: .right)
    let shift = left.camera.motion(to: right).translation
    XCTAssertEqual(shift.x, -0.54, accuracy: 1e-5)
    XCTAssertEqual(StreetClip.baseline, 0.54)
    for row in 0..<72 {
      for column in 0..<144 where left.depth[row, column] > 0.3 {
        XCTAssertEqual(flow.field.vectors[0, row, column], -disparity[row, column], accuracy: 0.02)
        XCTAssertEqual(flow.field.vectors[1, row, column], 0, accuracy: 0.01)
      }
    }
    XCTAssertNotEqual(clip.frame(at: 10, eye: .right).image, left.image)
  }

  /// The same clip at three times the size, and labels alone, show the same street.
  func testAnySizeAndOrder() {
    let clip = small.clip(at: 1), fine = clip.scaled(by: 3)
    let (a, b) = (clip.frame(at: 50), fine.labels(at: 50))
    var same = 0
    for row in 0..<72 {
      for column in 0..<144 { same += a.labels[row, column] == b[3 * row + 1, 3 * column + 1] ? 1 : 0 }
    }
    XCTAssertGreaterThan(same, 72 * 144 - 25)
    XCTAssertEqual(clip.labels(at: 50), a.labels)
    let again = Threads.with(1) { small.clip(at: 1).frames(at: [3, 50])[1] }
    XCTAssertEqual(again.image, a.image)
    XCTAssertEqual(again.instances, a.instances)
    XCTAssertEqual(clip.count, 64)
    XCTAssertEqual(StreetClip.frameRate, 17)
  }

  /// Light, weather and sensor change what clips look like, not what happens in them.
  func testDomainsLeaveTheTruth() {
    let looks = StreetDomain.allCases.map { domain in
      StreetScenes(split: "dev", size: [72, 144], domains: [domain]).clip(at: 2, frames: 8).frame(at: 5)
    }
    for look in looks.dropFirst() {
      XCTAssertEqual(look.labels, looks[0].labels)
      XCTAssertEqual(look.instances, looks[0].instances)
      XCTAssertEqual(look.depth.scalars, looks[0].depth.scalars)
      XCTAssertEqual(look.camera, looks[0].camera)
    }
    for (index, look) in looks.enumerated() {
      for other in looks[(index + 1)...] { XCTAssertNotEqual(look.image, other.image) }
    }
    XCTAssertEqual(looks.map(\.domain), StreetDomain.allCases)
  }

  /// A car that stood sets off gently: at rest at first, faster from moment to moment, never by more than a car can,
  /// and what rests on the street then begins to move in the picture.
  func testSettingOffFromStandstill() throws {
    func speeds(_ clip: StreetClip) -> [Float] {
      (0..<63).map { index in
        let way = clip.camera(at: index + 1).position - clip.camera(at: index).position
        return (way * way).sum().squareRoot() * StreetClip.frameRate
      }
    }
    func median(_ flow: StreetFlow) -> Float {
      let vectors = flow.field.vectors.scalars, area = vectors.count / 2
      var lengths: [Float] = []
      for place in 0..<area where flow.moving.values[place] == 0 && !vectors[place].isNaN {
        let (x, y) = (vectors[place], vectors[area + place])
        lengths.append((x * x + y * y).squareRoot())
      }
      return lengths.sorted()[lengths.count / 2]
    }
    let clips = (0..<120).map { small.clip(at: $0) }
    let starting = clips.filter {
      let found = speeds($0)
      return found[0] < 0.2 && found[62] > 1
    }
    XCTAssertGreaterThan(starting.count, 1)
    for clip in starting.prefix(3) {
      let found = speeds(clip)
      XCTAssertGreaterThan(found[62], 3, clip.name)
      // Half a second's means: the springs rock the camera by more than it gains from frame to frame.
      let means = (0..<7).map { part -> Float in found[(9 * part)..<(9 * part + 9)].reduce(0, +) / 9 }
      for (a, b) in zip(means, means.dropFirst()) {
        XCTAssertGreaterThan(b, a - 0.05, "\(clip.name): \(means)")
        // No car gains more than 5 m/s in a second.
        XCTAssertLessThan(b - a, 5 * 9 / Float(17), "\(clip.name): \(means)")
      }
      let first = median(clip.flow(from: 0, to: 1)), last = median(clip.flow(from: 61, to: 62))
      XCTAssertLessThan(first, 0.1, clip.name)
      XCTAssertGreaterThan(last, 3 * first + 0.05, clip.name)
    }
  }

  /// Across a cut nothing is found again; on its two sides all is as in any clip.
  func testCuts() {
    let clip = small.clip(at: 0, frames: 12, cuts: [5])
    XCTAssertEqual((0..<12).filter(clip.isCut(before:)), [5])
    let across = clip.flow(from: 5, to: 4)
    XCTAssertTrue(across.field.vectors.scalars.allSatisfy(\.isNaN))
    XCTAssertTrue(across.occluded.values.allSatisfy { $0 == 1 })
    for (a, b) in [(4, 3), (6, 5)] {
      let hidden = clip.flow(from: a, to: b).occluded.values.count { $0 == 1 }
      XCTAssertLessThan(hidden, 72 * 144 / 4)
    }
    let changed = zip(clip.labels(at: 4).values, clip.labels(at: 5).values).count { $0 != $1 }
    let usual = zip(clip.labels(at: 5).values, clip.labels(at: 6).values).count { $0 != $1 }
    XCTAssertGreaterThan(changed, 2 * usual)
    // What comes before the cut is the uncut clip.
    XCTAssertEqual(clip.labels(at: 3), small.clip(at: 0, frames: 12).labels(at: 3))
  }

  /// Among the first clips some stop, and most drive on; someone walks, and traffic comes.
  func testWhatHappens() {
    var speeds: [(first: Float, last: Float)] = []
    for number in 0..<24 {
      let clip = small.clip(at: number)
      func speed(_ index: Int) -> Float {
        let way = clip.camera(at: index + 1).position - clip.camera(at: index).position
        return (way * way).sum().squareRoot() * StreetClip.frameRate
      }
      speeds.append((speed(0), speed(62)))
    }
    XCTAssertGreaterThan(speeds.count { $0.first > 2 && $0.last < 0.5 }, 0)
    XCTAssertGreaterThan(speeds.count { $0.first > 6 && $0.last > 6 }, 8)
    XCTAssertTrue(speeds.allSatisfy { $0.first < 17 && $0.last < 17 })
    let clip = small.clip(at: 0), moving = clip.flow(from: 30, to: 31).moving.values
    let classes = Set(zip(clip.labels(at: 30).values, moving).filter { $0.1 == 1 }.map(\.0))
    XCTAssertTrue(classes.contains(11) || classes.contains(12), "\(classes)")
    XCTAssertTrue(classes.contains(13), "\(classes)")
    XCTAssertTrue(classes.allSatisfy { $0 >= 11 }, "\(classes)")
  }

  /// The rows of the card that clips alone have, at the size that the specification names. The bounds are its own, see
  /// `StreetDataCard`.
  func testDataCardOfClips() {
    let entries = StreetDataCard.motion(of: StreetScenes(split: "test", size: [256, 512]), clips: 12, pairs: 2)
    XCTAssertEqual(entries.count, 6)
    for entry in entries { XCTAssertTrue(entry.holds, "\(entry.name): \(entry.value)") }
    XCTAssertGreaterThan(entries[5].value, 0)
  }
}
