import CSegKernels

/// How little two images resemble each other in structure: (1 − SSIM) / 2 within 0…1, pixel by pixel and channel by
/// channel.
///
/// Means and variances are those of 3×3 windows, mirrored at the edge; C₁ = 0.01², C₂ = 0.03² for values of 0…1.
/// Wang et al., "Image Quality Assessment", 2004; windows as Godard et al. 2017.
/// - Returns: N×C×H×W, as `x` and `y`. Traps unless both are at least 2×2 pixels large.
public func structuralDissimilarity(_ x: Tensor, _ y: Tensor) -> Tensor {
  let operation = PhotometricErrorOperation(structure: 1), shape = x.shape
  _ = operation.outputShapes([shape, y.shape])
  // Every channel an image of its own.
  let planes: Shape = [shape[0] * shape[1], 1, shape[2], shape[3]]
  return apply(operation, to: x.reshaped(planes), y.reshaped(planes)).reshaped(shape)
}

/// 0.85 · mean of ``structuralDissimilarity(_:_:)`` + 0.15 · mean |x − y|, means over channels.
///
/// - Returns: N×1×H×W. Traps unless `x` and `y` have one shape of at least 2×2 pixels.
/// Godard et al., "Digging into Self-Supervised Monocular Depth Prediction", 2019, Eq. 2.
public func photometricError(_ x: Tensor, _ y: Tensor) -> Tensor {
  apply(PhotometricErrorOperation(structure: 0.85), to: x, y)
}

/// structure · (1 − SSIM) / 2 + (1 − structure) · |x − y|, means over channels, in one pass over both images: what lies
/// between, a dozen maps of their size, is found again for the gradient.
struct PhotometricErrorOperation: TensorOperation {
  let structure: Float

  let name = "photometricError"
  var attributes: [(name: String, value: Attribute)] { [("structure", .real(structure))] }

  /// Rows of one task.
  private let grain = 16

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, y) = (inputs[0], inputs[1])
    check(
      x == y && x.rank == 4 && x[1] > 0 && x[2] > 1 && x[3] > 1, name,
      "expected one shape N×C×H×W of at least 2×2 pixels, found \(x) and \(y)")
    return [[x[0], 1, x[2], x[3]]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { 60 * inputs[0].elementCount }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = inputs }
    let (x, y) = (inputs[0], inputs[1]), kernels = kernels, rule = rule(x.shape)
    let (p, q, plane) = (x.pointer(for: name), y.pointer(for: name), x.shape[2] * x.shape[3])
    let error = Tensor(uninitialized: outputShapes([x.shape, y.shape])[0]) { error in
      let error = error.baseAddress
      forEachBand(of: x.shape, rule) { image, first, last, rule, scratch in
        let source = image * Int(rule.pointee.channels) * plane
        kernels.photometricError(rule, p + source, q + source, first, last, error! + image * plane, scratch)
      }
    }
    withExtendedLifetime((x, y)) {}
    return [error]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let (x, y, dError) = (context.saved[0], context.saved[1], gradients[0]!), kernels = kernels, rule = rule(x.shape)
    let (p, q, d) = (x.pointer(for: name), y.pointer(for: name), dError.pointer(for: name))
    let plane = x.shape[2] * x.shape[3]
    var slopes = context.needsGradient.map { $0 ? Tensor(uninitialized: x.shape, layout: .rowMajor) : nil }
    let targets = slopes.indices.map { slopes[$0]?.exclusivePointer() }
    forEachBand(of: x.shape, rule) { image, first, last, rule, scratch in
      let source = image * Int(rule.pointee.channels) * plane
      kernels.photometricSlopes(
        rule, p + source, q + source, d + image * plane, first, last, targets[0].map { $0 + source },
        targets[1].map { $0 + source }, scratch)
    }
    withExtendedLifetime((x, y, dError)) {}
    return slopes
  }

  private func rule(_ shape: Shape) -> SKPhotometric {
    SKPhotometric(
      channels: Int32(shape[1]), height: Int32(shape[2]), width: Int32(shape[3]), structure: structure)
  }

  /// Calls `body` with an image, some of its rows, and scratch memory for the kernels.
  private func forEachBand(
    of shape: Shape, _ rule: SKPhotometric,
    _ body: (Int, Int32, Int32, UnsafePointer<SKPhotometric>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let bands = ceilingDivide(shape[2], grain)
    withUnsafePointer(to: rule) { rule in
      let scratch = kernels.photometricScratch(rule)
      parallelFor(shape[0] * bands) { task in
        let (image, band) = task.quotientAndRemainder(dividingBy: bands)
        withWorkspace(scratch) {
          body(image, Int32(band * grain), Int32(min((band + 1) * grain, shape[2])), rule, $0)
        }
      }
    }
  }
}

/// How unsmooth a map is where the image is smooth: mean |∂ₓd| e^(−|∂ₓI|) + mean |∂ᵧd| e^(−|∂ᵧI|), |∂I| the mean over
/// channels.
///
/// - Parameters:
///   - map: N×1×H×W.
///   - image: N×C×H×W.
/// - Returns: a scalar.
/// Godard et al. 2019, Eq. 3, on disparities divided by their mean.
public func edgeAwareSmoothness(_ map: Tensor, image: Tensor) -> Tensor {
  check(
    map.rank == 4 && image.rank == 4 && map.shape[1] == 1 && map.shape[2] == image.shape[2]
      && map.shape[3] == image.shape[3], "edgeAwareSmoothness",
    "expected N×1×H×W and N×C×H×W, found \(map.shape) and \(image.shape)")
  func along(_ axis: Int) -> Tensor {
    func steps(_ x: Tensor) -> Tensor {
      let extent = x.shape[axis]
      return (x.slice(axis: axis, 0..<extent - 1) - x.slice(axis: axis, 1..<extent)).abs()
    }
    return (steps(map) * (steps(image).mean(axes: [1], keepDimensions: true) * -1).exp()).mean()
  }
  return along(3) + along(2)
}
