import CSegKernels

/// Where a sampled sum reads one of its maps.
public enum SamplePlaces: Sendable, Hashable {
  /// A row of the map for every row of the result, and a column for every column.
  case grid(rows: [Int32], columns: [Int32])
  /// The number of a pixel, row by row, for every point of every image: N×Q.
  case points(Labels)

  /// Rows and columns of the result.
  var size: Pair {
    switch self {
    case .grid(let rows, let columns): Pair(height: rows.count, width: columns.count)
    case .points(let pixels): Pair(height: 1, width: pixels.shape[1])
    }
  }
}

/// The sum of maps, each read at places of its own: y[n, c, q] = Σₘ xₘ[n, c, placesₘ(n, q)].
///
/// What remains of the first layer of an implicit decoder when each level was multiplied by its slice of the weights at
/// the level's own size: a product of a 1×1 kernel commutes with nearest sampling. The gradient of a pixel that is read
/// several times is the sum of theirs. Traps where shapes or places do not fit.
///
/// - Parameters:
///   - maps: N×C×hₘ×wₘ; a map of one image is shared by all.
///   - places: for each map, all of one kind and size.
/// - Returns: N×C×rows×columns for grids, N×C×1×Q for points.
public func sampledSum(_ maps: [Tensor], at places: [SamplePlaces]) -> Tensor {
  apply(SampledSumOperation(places: places), to: maps)[0]
}

struct SampledSumOperation: BlockedOperation, ComposedOperation {
  let places: [SamplePlaces]

  let name = "sampledSum"
  var attributes: [(name: String, value: Attribute)] {
    [("size", .integers([places[0].size.height, places[0].size.width]))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    check(
      !inputs.isEmpty && inputs.count == places.count, name, "\(inputs.count) maps, \(places.count) lists of places")
    let images = inputs.map { $0[0] }.max()!, size = places[0].size
    for (map, places) in zip(inputs, places) {
      check(
        map.rank == 4 && map[1] == inputs[0][1] && (map[0] == images || map[0] == 1), name,
        "expected \(images) or 1 images of \(inputs[0][1]) channels, found shape \(map)")
      check(places.size == size, name, "places of size \(places.size) beside places of size \(size)")
      switch places {
      case .grid(let rows, let columns):
        check(
          rows.allSatisfy { $0 >= 0 && $0 < map[2] } && columns.allSatisfy { $0 >= 0 && $0 < map[3] }, name,
          "places outside a map of shape \(map)")
      case .points(let pixels):
        check(pixels.shape[0] == images, name, "points of \(pixels.shape[0]) images for \(images) images")
        pixels.checkIndices(below: map[2] * map[3], for: name)
      }
    }
    return [[images, inputs[0][1], size.height, size.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs.count * outputShapes(inputs)[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let kernels = kernels, block = Int(kernels.channelBlock())
    let shape = outputShapes(inputs.map(\.shape))[0]
    var y = Tensor(uninitialized: shape, layout: .channelBlocked(block))
    guard shape.elementCount > 0 else { return [y.rowMajor()] }
    let reader = MapReader(inputs, places, block: block)
    let target = y.exclusivePointer(), blocks = ceilingDivide(shape[1], block), area = shape[2] * shape[3] * block
    parallelFor(shape[0] * blocks) { task in
      let (image, part) = task.quotientAndRemainder(dividingBy: blocks)
      for row in 0..<shape[2] {
        reader.withRow(image, part, row, from: 0) { planes, places in
          kernels.gatherPixels(
            planes, places, Int32(inputs.count), nil, 0, target + task * area + row * shape[3] * block, shape[3])
        }
      }
    }
    withExtendedLifetime(reader) {}
    return [y]
  }

  package func composed(_ inputs: [Tensor]) -> Tensor {
    let parts = zip(inputs, places).map { map, places in
      switch places {
      case .grid(let rows, let columns): return map.read(rows, axis: 2).read(columns, axis: 3)
      case .points(let pixels):
        let (images, points, channels) = (pixels.shape[0], pixels.shape[1], map.shape[1])
        let planes = map.reshaped(map.shape[0], channels, map.shape[2] * map.shape[3])
        let alike = planes.broadcast(to: planes.shape.replacing(axis: 0, with: images))
        let indices = (0..<(images * channels)).flatMap { plane in
          pixels.values[(plane / channels * points)..<((plane / channels + 1) * points)]
        }
        return gather(alike, axis: 2, indices: Labels([images, channels, points], indices))
          .reshaped(images, channels, 1, points)
      }
    }
    return parts.dropFirst().reduce(parts[0], +)
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let kernels = kernels, block = Int(kernels.channelBlock())
    let dy = gradients[0]!.channelBlocked(block)
    let blocks = ceilingDivide(dy.shape[1], block), rows = dy.shape[2], columns = dy.shape[3]
    let d = dy.pointer(for: name)
    defer { withExtendedLifetime(dy) {} }
    return zip(zip(context.inputShapes, context.needsGradient), places).map { input, places in
      let (shape, isNeeded) = input
      guard isNeeded else { return nil }
      guard shape.elementCount > 0, dy.count > 0 else { return .zeros(shape) }
      var dx = Tensor(uninitialized: shape, layout: .channelBlocked(block))
      let target = dx.exclusivePointer(), area = shape[2] * shape[3] * block
      // A plane is one task's own, whichever images add to it.
      parallelFor(shape[0] * blocks) { task in
        let (own, part) = task.quotientAndRemainder(dividingBy: blocks)
        let plane = target + task * area
        plane.update(repeating: 0, count: area)
        for image in shape[0] == 1 ? 0..<dy.shape[0] : own..<(own + 1) {
          let source = d + (image * blocks + part) * rows * columns * block
          switch places {
          case .points(let pixels):
            pixels.withUnsafeBufferPointer {
              kernels.scatterPixels(source, $0.baseAddress! + image * columns, plane, columns)
            }
          case .grid(let readRows, let readColumns):
            readColumns.withUnsafeBufferPointer { readColumns in
              for row in 0..<rows {
                kernels.scatterPixels(
                  source + row * columns * block, readColumns.baseAddress!,
                  plane + Int(readRows[row]) * shape[3] * block, columns)
              }
            }
          }
        }
      }
      return dx
    }
  }
}

extension Tensor {
  /// The slices that `places` name, or the tensor itself where these are all in order.
  fileprivate func read(_ places: [Int32], axis: Int) -> Tensor {
    if places.elementsEqual(0..<Int32(shape[axis])) { return self }
    return indexSelect(self, axis: axis, indices: Labels([places.count], places))
  }
}

/// Maps in channel blocks and the places where they are read, as the kernel takes them.
final class MapReader {
  private let maps: [Tensor]
  private let places: [SamplePlaces]
  private let block: Int
  /// The lists of columns or pixels, at fixed addresses.
  private let lists: [UnsafeMutablePointer<Int32>]

  init(_ maps: [Tensor], _ places: [SamplePlaces], block: Int) {
    self.maps = maps.map { $0.channelBlocked(block) }
    self.places = places
    self.block = block
    lists = places.map { places in
      let values =
        switch places {
        case .grid(_, let columns): columns
        case .points(let pixels): pixels.values
        }
      let list = UnsafeMutablePointer<Int32>.allocate(capacity: max(values.count, 1))
      list.initialize(from: values, count: values.count)
      return list
    }
  }

  deinit { lists.forEach { $0.deallocate() } }

  /// Calls `body` with a plane and its places for each map: those of one row of the result, from one of its columns on.
  /// There is room for one map more.
  ///
  /// - Parameter part: the number of the block of channels.
  func withRow(
    _ image: Int, _ part: Int, _ row: Int, from column: Int,
    _ body: (UnsafeMutablePointer<UnsafePointer<Float>?>, UnsafeMutablePointer<UnsafePointer<Int32>?>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: maps.count + 1) { planes in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Int32>?.self, capacity: maps.count + 1) { starts in
        for (index, map) in maps.enumerated() {
          let (height, width) = (map.shape[2], map.shape[3]), blocks = ceilingDivide(map.shape[1], block)
          let own = map.shape[0] == 1 ? 0 : image
          let plane = map.pointer(for: "sampledSum") + (own * blocks + part) * height * width * block
          switch places[index] {
          case .grid(let rows, _):
            planes[index] = plane + Int(rows[row]) * width * block
            starts[index] = UnsafePointer(lists[index] + column)
          case .points(let pixels):
            planes[index] = plane
            starts[index] = UnsafePointer(lists[index] + image * pixels.shape[1] + column)
          }
        }
        body(planes.baseAddress!, starts.baseAddress!)
      }
    }
  }
}
