import CSegKernels

/// Where the pixels of one view fall in another: ``project(_:intrinsics:size:)`` of what
/// ``backProject(_:intrinsics:)`` gives, moved, in one pass over the depths.
///
/// - Parameters:
///   - depth: N×1×H×W of the first view, metres, at least 2×2 pixels.
///   - intrinsics: N×4 of both views: fx, fy, cx, cy in pixels; without gradient.
///   - motion: from the first view's frame to the second's.
/// - Returns: N×H×W×2, column first, −1 and 1 at the centres of the outermost pixels. Differentiable in depth and motion.
/// Zhou et al., "Unsupervised Learning of Depth and Ego-Motion from Video", 2017, Eq. 2.
public func viewPlaces(_ depth: Tensor, intrinsics: Tensor, motion: RigidMotion) -> Tensor {
  apply(ViewPlacesOperation(), to: depth, intrinsics, motion.rotation, motion.translation)
}

struct ViewPlacesOperation: TensorOperation {
  let name = "viewPlaces"

  /// Rows of one task.
  private let grain = 16

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let depth = inputs[0]
    check(
      depth.rank == 4 && depth[1] == 1 && depth[2] > 1 && depth[3] > 1 && inputs[1] == [depth[0], 4]
        && inputs[2] == [depth[0], 3, 3] && inputs[3] == [depth[0], 3], name,
      "expected N×1×H×W of at least 2×2 pixels, N×4, N×3×3 and N×3, found "
        + inputs.map { "\($0)" }.joined(separator: ", "))
    return [[depth[0], depth[2], depth[3], 2]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 20 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let depth = inputs[0], views = views(inputs), kernels = kernels
    let (p, plane) = (depth.pointer(for: name), depth.shape[2] * depth.shape[3])
    let grid = Tensor(uninitialized: outputShapes(inputs.map(\.shape))[0]) { grid in
      let grid = grid.baseAddress
      forEachBand(of: depth.shape) { image, _, first, last in
        withUnsafePointer(to: views[image]) {
          kernels.viewPlaces($0, p + image * plane, first, last, grid! + 2 * image * plane)
        }
      }
    }
    withExtendedLifetime(depth) {}
    return [grid]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let depth = context.saved[0], views = views(context.saved), dGrid = gradients[0]!, kernels = kernels
    let (width, plane) = (depth.shape[3], depth.shape[2] * depth.shape[3])
    let (p, d) = (depth.pointer(for: name), dGrid.pointer(for: name))
    let movesCamera = context.needsGradient[2] || context.needsGradient[3]
    let images = depth.shape[0], bands = ceilingDivide(depth.shape[2], grain), sumsPerBand = 12
    // Sums of bands are added up in their order, whatever thread made them.
    var sums = [Double](repeating: 0, count: images * bands * sumsPerBand)
    let dDepth = Tensor(uninitialized: depth.shape) { dDepth in
      let dDepth = dDepth.baseAddress
      sums.withUnsafeMutableBufferPointer { sums in
        let sums = sums.baseAddress
        forEachBand(of: depth.shape) { image, band, first, last in
          withUnsafePointer(to: views[image]) { view in
            withWorkspace(3 * width) { scratch in
              kernels.viewSlopes(
                view, p + image * plane, d + 2 * image * plane, first, last, dDepth! + image * plane,
                movesCamera ? sums! + (image * bands + band) * sumsPerBand : nil, scratch)
            }
          }
        }
      }
    }
    withExtendedLifetime((depth, dGrid)) {}
    func total(_ entries: Range<Int>, _ shape: Shape) -> Tensor {
      var values: [Float] = []
      for image in 0..<images {
        for entry in entries {
          var sum = 0.0
          for band in 0..<bands { sum += sums[(image * bands + band) * sumsPerBand + entry] }
          values.append(Float(sum))
        }
      }
      return Tensor(shape, values)
    }
    return [
      dDepth, nil, context.needsGradient[2] ? total(0..<9, [images, 3, 3]) : nil,
      context.needsGradient[3] ? total(9..<12, [images, 3]) : nil,
    ]
  }

  /// The camera and the motion of every image.
  private func views(_ inputs: [Tensor]) -> [SKView] {
    let (depth, cameras) = (inputs[0].shape, inputs[1].scalars)
    let (rotations, translations) = (inputs[2].scalars, inputs[3].scalars)
    return (0..<depth[0]).map { image in
      var view = SKView()
      (view.height, view.width) = (Int32(depth[2]), Int32(depth[3]))
      (view.fx, view.fy) = (cameras[4 * image], cameras[4 * image + 1])
      (view.cx, view.cy) = (cameras[4 * image + 2], cameras[4 * image + 3])
      withUnsafeMutableBytes(of: &view.rotation) { target in
        rotations[9 * image..<9 * image + 9].withUnsafeBytes { target.copyMemory(from: $0) }
      }
      withUnsafeMutableBytes(of: &view.translation) { target in
        translations[3 * image..<3 * image + 3].withUnsafeBytes { target.copyMemory(from: $0) }
      }
      return view
    }
  }

  /// Calls `body` with an image, the number of a band of its rows, its first row and the row behind its last.
  private func forEachBand(of shape: Shape, _ body: (Int, Int, Int32, Int32) -> Void) {
    let bands = ceilingDivide(shape[2], grain)
    parallelFor(shape[0] * bands) { task in
      let (image, band) = task.quotientAndRemainder(dividingBy: bands)
      body(image, band, Int32(band * grain), Int32(min((band + 1) * grain, shape[2])))
    }
  }
}
