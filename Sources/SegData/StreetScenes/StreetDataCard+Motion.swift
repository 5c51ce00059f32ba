import SegImages
import SegKernels
import SegMetrics

extension StreetDataCard {
  /// What clips are like: how far things move, how much is hidden, and how well a neighbouring frame explains a frame.
  ///
  /// Measured in clear light with a perfect camera on pairs of neighbouring frames, spread evenly over each clip.
  ///
  /// - Parameters:
  ///   - streets: their split, size and seed; light is clear and the camera perfect.
  ///   - clips: how many clips, from the first on.
  ///   - pairs: how many pairs of each clip.
  ///   - report: called with the number of pairs done.
  public static func motion(
    of streets: StreetScenes, clips: Int, pairs: Int, _ report: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) -> [Entry] {
    let perfect = StreetScenes(
      split: streets.split, size: streets.size, domains: [.clear], hasSensor: false, seed: streets.seed)
    var sums = MotionSums()
    for number in 0..<clips {
      let clip = perfect.clip(at: number)
      let places = (0..<pairs).map { (2 * $0 + 1) * clip.count / (2 * pairs) }
      for pair in concurrentMap(places, { MotionSums(clip, at: $0) }) { sums.add(pair) }
      report((number + 1) * pairs, clips * pairs)
    }
    return [
      Entry(name: "occluded in a neighbouring frame", value: sums.occluded.mean, least: 0.02, most: 0.1),
      Entry(name: "median flow, pixels at 256×512", value: sums.lengths.median, least: 2, most: 8),
      Entry(
        name: "poses and depth against flow, largest difference in pixels", value: sums.disagreement, least: nil,
        most: 0.05),
      Entry(
        name: "a neighbour warped by depth and pose, median difference of 255", value: sums.differences.median,
        least: nil, most: 2),
      Entry(name: "road and wall pixels with texture", value: sums.textured.mean, least: 0.8, most: nil),
      Entry(name: "frames of clips with a crowd", value: sums.crowded.mean, least: nil, most: nil),
    ]
  }
}

/// A share: how many of how many.
private struct Share {
  private var part = 0, whole = 0

  var mean: Double { Double(part) / Double(max(whole, 1)) }

  mutating func add(_ isPart: Bool) {
    part += isPart ? 1 : 0
    whole += 1
  }

  mutating func add(_ other: Share) {
    part += other.part
    whole += other.whole
  }
}

/// Counts of values from 0 to 64, 128 to a unit; larger ones count as 64.
private struct Distribution {
  private var counts = [Int](repeating: 0, count: 64 * 128 + 1)

  mutating func add(_ value: Float) { counts[min(Int(value * 128), counts.count - 1)] += 1 }

  mutating func add(_ other: Distribution) {
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  var median: Double {
    var rest = counts.reduce(0, +) / 2
    for (index, count) in counts.enumerated() {
      rest -= count
      if rest < 0 { return (Double(index) + 0.5) / 128 }
    }
    return 0
  }
}

/// What pairs of neighbouring frames add up to.
private struct MotionSums: Sendable {
  var occluded = Share(), textured = Share(), crowded = Share()
  var lengths = Distribution(), differences = Distribution()
  var disagreement = 0.0

  /// Luma of neighbours that differ less than this, of 255, gives a photometric loss nothing to hold on to.
  private static let contrast: Float = 2

  init() {}

  init(_ clip: StreetClip, at index: Int) {
    let next = min(index + 1, clip.count - 1), now = clip.frame(at: index), then = clip.frame(at: next)
    let (height, width) = (clip.size.height, clip.size.width), area = height * width
    let forward = clip.flow(from: index, to: next), backward = clip.flow(from: next, to: index)
    for flow in [forward, backward] { for value in flow.occluded.values { self.occluded.add(value != 0) } }
    let vectors = forward.field.vectors.scalars, depth = now.depth.scalars
    let moving = forward.moving.values, occluded = forward.occluded.values
    let (here, there) = (Colors(now.image), Colors(then.image))
    let warp = Warp(from: now.camera, to: then.camera, size: clip.size)
    for row in 0..<height {
      for column in 0..<width {
        let place = row * width + column, flow = SIMD2(Double(vectors[place]), Double(vectors[area + place]))
        let length = (flow * flow).sum().squareRoot()
        if !length.isNaN { lengths.add(Float(length) * 512 / Float(width)) }
        guard depth[place] > 0, moving[place] == 0 else { continue }
        let way = warp(row, column, depth: depth[place])
        let distance = ((way - flow) * (way - flow)).sum().squareRoot()
        if !distance.isNaN { disagreement = max(disagreement, distance) }
        guard occluded[place] == 0 else { continue }
        let color = there.sampled(x: Float(column) + Float(way.x), y: Float(row) + Float(way.y))
        let difference = color - here.color(place)
        differences.add((abs(difference.x) + abs(difference.y) + abs(difference.z)) / 3)
      }
    }
    addTexture(of: now)
    // Things are numbered from 1000 · labelId on; a crowd of them has the bare labelId.
    crowded.add(now.instances.values.contains { (24...33).contains($0) })
  }

  private mutating func addTexture(of frame: StreetFrame) {
    let (height, width) = (frame.image.height, frame.image.width), labels = frame.labels.values
    let colors = Colors(frame.image)
    for row in 1..<(height - 1) {
      for column in 1..<(width - 1) {
        let place = row * width + column
        guard labels[place] == 0 || labels[place] == 3 else { continue }
        var low = Float.infinity, high = -Float.infinity
        for y in -1...1 {
          for x in -1...1 {
            let color = colors.color(place + y * width + x), luma = (color * [0.299, 0.587, 0.114]).sum()
            low = min(low, luma)
            high = max(high, luma)
          }
        }
        textured.add(high - low >= MotionSums.contrast)
      }
    }
  }

  mutating func add(_ other: MotionSums) {
    occluded.add(other.occluded)
    textured.add(other.textured)
    crowded.add(other.crowded)
    lengths.add(other.lengths)
    differences.add(other.differences)
    disagreement = max(disagreement, other.disagreement)
  }
}

/// Where a resting point of one picture lies in another, from its depth, the intrinsics and the motion alone.
private struct Warp {
  private let pinhole: PinholeCamera
  private let motion: Matrix3x4

  init(from camera: StreetCamera, to other: StreetCamera, size: Pair) {
    pinhole = camera.intrinsics(size: size)
    motion = camera.motion(to: other)
  }

  /// Columns and rows to go from a pixel's centre.
  func callAsFunction(_ row: Int, _ column: Int, depth: Float) -> SIMD2<Double> {
    let z = Double(depth), (x, y) = (Double(column), Double(row))
    let point = motion([(x - pinhole.cx) / pinhole.fx * z, (y - pinhole.cy) / pinhole.fy * z, z])
    return [
      pinhole.fx * point.x / point.z + pinhole.cx - x, pinhole.fy * point.y / point.z + pinhole.cy - y,
    ]
  }
}

/// A picture's colours, 0…255.
private struct Colors {
  private let values: [UInt8]
  private let width: Int, height: Int

  init(_ image: Image) {
    values = image.pixels
    width = image.width
    height = image.height
  }

  /// The colour of a pixel by its number.
  func color(_ place: Int) -> SIMD3<Float> {
    SIMD3(Float(values[3 * place]), Float(values[3 * place + 1]), Float(values[3 * place + 2]))
  }

  /// The colour between pixel centres, which lie at whole numbers; beyond the edge, that of the edge.
  func sampled(x: Float, y: Float) -> SIMD3<Float> {
    let x = min(max(x, 0), Float(width - 1)), y = min(max(y, 0), Float(height - 1))
    let (left, top) = (min(Int(x), width - 2), min(Int(y), height - 2)), place = top * width + left
    let (u, v) = (x - Float(left), y - Float(top))
    let upper = color(place) * (1 - u) + color(place + 1) * u
    let lower = color(place + width) * (1 - u) + color(place + width + 1) * u
    return upper * (1 - v) + lower * v
  }
}
