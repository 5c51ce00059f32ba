/// The points that pixels show: depth · ((u − cx) / fx, (v − cy) / fy, 1) for the pixel of column u and row v, counted
/// from the centre of the first one.
///
/// - Parameters:
///   - depth: N×1×H×W, metres along the viewing axis.
///   - intrinsics: N×4: fx, fy, cx, cy in pixels; without gradient.
/// - Returns: N×3×HW, in the camera's frame (x right, y down, z ahead).
public func backProject(_ depth: Tensor, intrinsics: Tensor) -> Tensor {
  let shape = depth.shape
  check(
    shape.rank == 4 && shape[1] == 1 && intrinsics.shape == [shape[0], 4], "backProject",
    "expected N×1×H×W and N×4, found \(shape) and \(intrinsics.shape)")
  let (height, width) = (shape[2], shape[3]), area = height * width
  let rays = Tensor(uninitialized: [shape[0], 3, area]) { rays in
    intrinsics.withUnsafeBufferPointer { camera in
      for image in 0..<shape[0] {
        let (fx, fy, cx, cy) = (camera[4 * image], camera[4 * image + 1], camera[4 * image + 2], camera[4 * image + 3])
        for pixel in 0..<area {
          rays[3 * image * area + pixel] = (Float(pixel % width) - cx) / fx
          rays[(3 * image + 1) * area + pixel] = (Float(pixel / width) - cy) / fy
          rays[(3 * image + 2) * area + pixel] = 1
        }
      }
    }
  }
  return rays * depth.reshaped(shape[0], 1, area)
}

/// Where points fall in a picture: the grid that ``gridSample(_:grid:_:edge:alignCorners:)`` takes, corners aligned.
///
/// (fx x / z + cx, fy y / z + cy), with z at least 1 mm: what is behind the camera falls far outside.
/// - Parameters:
///   - points: N×3×HW in the camera's frame.
///   - intrinsics: N×4: fx, fy, cx, cy in pixels of the picture; without gradient.
///   - size: of the picture and of the grid.
/// - Returns: N×H×W×2, column first, −1 and 1 at the centres of the outermost pixels.
public func project(_ points: Tensor, intrinsics: Tensor, size: Pair) -> Tensor {
  let shape = points.shape
  check(
    shape.rank == 3 && shape[1] == 3 && shape[2] == size.height * size.width && intrinsics.shape == [shape[0], 4]
      && size.height > 1 && size.width > 1, "project",
    "expected N×3×\(size.height * size.width) and N×4, found \(shape) and \(intrinsics.shape)")
  let z = points.slice(axis: 1, 2..<3).clamped(to: 1e-3...Float.greatestFiniteMagnitude)
  let scale = Tensor([1, 2, 1], [2 / Float(size.width - 1), 2 / Float(size.height - 1)])
  let focal = intrinsics.slice(axis: 1, 0..<2).reshaped(shape[0], 2, 1) * scale
  let center = intrinsics.slice(axis: 1, 2..<4).reshaped(shape[0], 2, 1) * scale - 1
  let places = points.slice(axis: 1, 0..<2) / z * focal + center
  return places.permuted(0, 2, 1).reshaped(shape[0], size.height, size.width, 2)
}

/// Another view's picture as this view would see it: back-project, move, project, sample; outside the nearest pixel of
/// the edge. Differentiable in depth, motion and source.
///
/// - Parameters:
///   - source: N×C×H×W, the other view.
///   - depth: N×1×H×W of this view, metres.
///   - intrinsics: N×4 of both views: fx, fy, cx, cy in pixels.
///   - motion: from this view's frame to the other's.
/// Zhou et al., "Unsupervised Learning of Depth and Ego-Motion from Video", 2017, Eq. 2.
public func warp(_ source: Tensor, depth: Tensor, intrinsics: Tensor, motion: RigidMotion) -> Tensor {
  check(
    source.rank == 4 && depth.rank == 4 && source.shape[2] == depth.shape[2] && source.shape[3] == depth.shape[3],
    "warp", "expected N×C×H×W and N×1×H×W, found \(source.shape) and \(depth.shape)")
  let grid = viewPlaces(depth, intrinsics: intrinsics, motion: motion)
  return gridSample(source, grid: grid, .bilinear, edge: .border, alignCorners: true)
}
