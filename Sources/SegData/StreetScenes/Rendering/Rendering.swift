import SegKernels

/// A street as the camera has it.
struct Rendering {
  /// What one pixel receives, and what its centre shows.
  struct Pixel {
    /// Linear light.
    let color: Vector
    let label: StreetClass
    /// A thing's number in the world; 0 where there is none.
    let instance: UInt16
    /// Metres along the view's axis; 0 for the sky.
    let depth: Float
    /// The number plus one of the triangle at the centre, among ``triangles``; 0 for the sky.
    let triangle: Int32
  }

  let size: Pair
  /// What the camera may see, as it falls on the picture.
  let triangles: [ScreenTriangle]
  /// Row by row.
  let pixels: [Pixel]

  /// Renders a mesh. Every pixel depends on mesh, camera and light alone, not on the number of threads.
  ///
  /// - Parameter isSteady: shadows do not shift by parts of a cell when the camera moves.
  init(_ mesh: Mesh, _ camera: StreetCamera, _ daylight: Daylight, size: Pair, isSteady: Bool = false) {
    // Three views of one mesh: from the camera, from straight above, and from the sun if it shines.
    enum View { case picture(Visibility), shadows(ShadowMap) }
    let center = camera.position + normalized(Vector(camera.ahead.x, 0, camera.ahead.z)) * 34
    let views = concurrentMap(daylight.sunColor.max() > 0.01 ? [0, 1, 2] : [0, 1]) { view -> View in
      switch view {
      case 0: .picture(Visibility(mesh, camera, size: size))
      case 1:
        .shadows(
          ShadowMap(
            mesh, light: Vector(0.02, 1, 0.03), center: center, reach: 45, cells: 400, isSteady: isSteady))
      default:
        .shadows(
          ShadowMap(mesh, light: daylight.sun, center: center, reach: 40, cells: 800, isSteady: isSteady))
      }
    }
    let shadows = views.compactMap { if case .shadows(let map) = $0 { map } else { nil } }
    guard case .picture(let visibility) = views[0] else { preconditionFailure("the first view is the camera's") }
    let shader = Shader(
      mesh: mesh, camera: camera, daylight: daylight, size: size, triangles: visibility.triangles, sky: shadows[0],
      sun: shadows.count > 1 ? shadows[1] : nil)
    self.size = size
    triangles = visibility.triangles
    pixels = [Pixel](unsafeUninitializedCapacity: size.height * size.width) { pixels, count in
      let target = pixels.baseAddress!
      visibility.forEachTile { tile in
        for row in tile.rows {
          for column in tile.columns {
            let seen = tile.seen[tile.index(row, column)]
            let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
            let center = shader.center(seen[7], x: x, y: y)
            (target + row * size.width + column).initialize(
              to: Pixel(
                color: shader.color(seen, x: x, y: y), label: center.label, instance: center.instance,
                depth: center.depth, triangle: seen[7]))
          }
        }
      }
      count = size.height * size.width
    }
  }

  /// Instance ids in Cityscapes' way: the things that are seen, numbered within their class in the order of the world.
  func cityscapesInstances() -> Labels {
    // The things that are seen, with their classes.
    var seen: [UInt16: StreetClass] = [:]
    for pixel in pixels where pixel.instance > 0 { seen[pixel.instance] = pixel.label }
    var next: [StreetClass: Int32] = [:], numbers: [UInt16: Int32] = [:]
    for (instance, label) in seen.sorted(by: { $0.key < $1.key }) {
      numbers[instance] = label.labelID * 1000 + next[label, default: 0]
      next[label, default: 0] += 1
    }
    return instances { numbers[$0]! }
  }

  /// A thing's id in every pixel that shows one; elsewhere the class's labelId.
  func instances(_ id: (_ thing: UInt16) -> Int32) -> Labels {
    Labels([size.height, size.width], pixels.map { $0.instance > 0 ? id($0.instance) : $0.label.labelID })
  }
}
