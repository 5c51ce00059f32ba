import SegKernels

/// The variational refinement of a flow field: small changes that make colours agree, keep gradients equal and let
/// neighbours move alike.
///
/// Minimises  Σ δ Ψ(ΔI²) + γ Ψ(|Δ∇I|²) + α Ψ(|∇u|² + |∇v|²),  Ψ(s) = √(s + ε²), by a few fixed-point steps: weights of
/// the robust terms are taken at the field as it is, and the linear system for the change is solved by successive
/// over-relaxation. Each data term is normalised by its gradient. Brox et al., "High Accuracy Optical Flow Estimation
/// Based on a Theory for Warping", 2004, in the form that DIS (Kroeger et al. 2016, section 2.3) uses.
public struct FlowRefinement: Sendable, Hashable {
  /// α: how much neighbours have to move alike.
  public var smoothness: Float = 20
  /// δ: how much colours have to agree.
  public var intensity: Float = 5
  /// γ: how much gradients have to agree.
  public var gradient: Float = 10
  /// Fixed-point steps.
  public var steps = 5
  /// Sweeps of over-relaxation a step.
  public var sweeps = 5
  /// The factor of over-relaxation, between 1 and 2.
  public var relaxation: Float = 1.6

  /// The values of DIS.
  public init() {}

  private static let epsilon: Float = 0.001
  private static let normalization: Float = 0.1

  /// The refined field of a pair of pictures.
  func refined(_ flow: FlowPlanes, _ a: GrayImage, _ b: GrayImage) -> FlowPlanes {
    let (width, height) = (a.width, a.height), area = width * height
    let warped = FlowRefinement.warped(b, by: flow)
    let (ax, ay) = a.gradients(), (bx, by) = warped.gradients()
    // Derivatives of the mean of both pictures, and differences in time.
    var ix = [Float](repeating: 0, count: area), iy = ix, it = ix, ixt = ix, iyt = ix
    for place in 0..<area {
      ix[place] = (ax[place] + bx[place]) / 2
      iy[place] = (ay[place] + by[place]) / 2
      it[place] = warped.values[place] - a.values[place]
      ixt[place] = bx[place] - ax[place]
      iyt[place] = by[place] - ay[place]
    }
    let (ixx, ixy) = GrayImage(width: width, height: height, values: ix).gradients()
    let iyy = GrayImage(width: width, height: height, values: iy).gradients().y
    // What leaves the frame has nothing to agree with.
    let visible = FlowRefinement.visible(flow)
    var change = FlowPlanes(width: width, height: height)
    for _ in 0..<steps {
      var a11 = [Float](repeating: 0, count: area), a12 = a11, a22 = a11, b1 = a11, b2 = a11
      for place in 0..<area where visible[place] {
        let d = change.vector(at: place)
        let n = FlowRefinement.normalization * FlowRefinement.normalization
        let z = it[place] + ix[place] * d.x + iy[place] * d.y
        let norm = 1 / (ix[place] * ix[place] + iy[place] * iy[place] + n)
        let weight = intensity * norm / (z * z * norm + FlowRefinement.epsilon * FlowRefinement.epsilon).squareRoot()
        a11[place] += weight * ix[place] * ix[place]
        a12[place] += weight * ix[place] * iy[place]
        a22[place] += weight * iy[place] * iy[place]
        b1[place] -= weight * ix[place] * it[place]
        b2[place] -= weight * iy[place] * it[place]
        let (xx, xy, yy) = (ixx[place], ixy[place], iyy[place])
        let zx = ixt[place] + xx * d.x + xy * d.y, zy = iyt[place] + xy * d.x + yy * d.y
        let normX = 1 / (xx * xx + xy * xy + n), normY = 1 / (xy * xy + yy * yy + n)
        let both =
          gradient
          / (zx * zx * normX + zy * zy * normY + FlowRefinement.epsilon * FlowRefinement.epsilon).squareRoot()
        let (wx, wy) = (both * normX, both * normY)
        a11[place] += wx * xx * xx + wy * xy * xy
        a12[place] += wx * xx * xy + wy * xy * yy
        a22[place] += wx * xy * xy + wy * yy * yy
        b1[place] -= wx * xx * ixt[place] + wy * xy * iyt[place]
        b2[place] -= wx * xy * ixt[place] + wy * yy * iyt[place]
      }
      relax(&change, flow, a11, a12, a22, b1, b2)
    }
    var result = flow
    result.withPointers { u, v in
      for place in 0..<area {
        let d = change.vector(at: place)
        u[place] += d.x
        v[place] += d.y
      }
    }
    return result
  }

  /// Solves for the change: rows of a checkerboard in turn, so that the order of threads does not matter.
  private func relax(
    _ change: inout FlowPlanes, _ flow: FlowPlanes, _ a11: [Float], _ a12: [Float], _ a22: [Float], _ b1: [Float],
    _ b2: [Float]
  ) {
    let (width, height) = (flow.width, flow.height)
    // The diffusivity between a pixel and the next one to the right, and below.
    var toRight = [Float](repeating: 0, count: width * height), toBelow = toRight
    let own = zip(flow.u, change.u).map(+), across = zip(flow.v, change.v).map(+)
    let horizontal = GrayImage(width: width, height: height, values: own).gradients()
    let vertical = GrayImage(width: width, height: height, values: across).gradients()
    let weights = (0..<(width * height)).map { place -> Float in
      let s =
        horizontal.x[place] * horizontal.x[place] + horizontal.y[place] * horizontal.y[place]
        + vertical.x[place] * vertical.x[place] + vertical.y[place] * vertical.y[place]
      return smoothness / (s + FlowRefinement.epsilon * FlowRefinement.epsilon).squareRoot()
    }
    for y in 0..<height {
      for x in 0..<width {
        let place = y * width + x
        if x + 1 < width { toRight[place] = (weights[place] + weights[place + 1]) / 2 }
        if y + 1 < height { toBelow[place] = (weights[place] + weights[place + width]) / 2 }
      }
    }
    change.withPointers { du, dv in
      for _ in 0..<sweeps {
        for color in 0..<2 {
          parallelRuns(height, grain: 16) { rows in
            for y in rows {
              for x in stride(from: (y + color) % 2, to: width, by: 2) {
                let place = y * width + x
                var sum = SIMD2<Float>(0, 0), total: Float = 0
                func add(_ neighbour: Int, _ weight: Float) {
                  total += weight
                  sum +=
                    weight
                    * SIMD2(
                      du[neighbour] + flow.u[neighbour] - flow.u[place],
                      dv[neighbour] + flow.v[neighbour] - flow.v[place])
                }
                if x > 0 { add(place - 1, toRight[place - 1]) }
                if x + 1 < width { add(place + 1, toRight[place]) }
                if y > 0 { add(place - width, toBelow[place - width]) }
                if y + 1 < height { add(place + width, toBelow[place]) }
                let u = (b1[place] + sum.x - a12[place] * dv[place]) / (a11[place] + total)
                du[place] += relaxation * (u - du[place])
                let v = (b2[place] + sum.y - a12[place] * du[place]) / (a22[place] + total)
                dv[place] += relaxation * (v - dv[place])
              }
            }
          }
        }
      }
    }
  }

  /// The second picture as the first one would see it.
  private static func warped(_ image: GrayImage, by flow: FlowPlanes) -> GrayImage {
    var values = [Float](repeating: 0, count: flow.width * flow.height)
    values.withUnsafeMutableBufferPointer { values in
      let values = values.baseAddress!
      parallelRuns(flow.height, grain: 16) { rows in
        for y in rows {
          for x in 0..<flow.width {
            let place = y * flow.width + x
            values[place] = image.sampled(x: Float(x) + flow.u[place], y: Float(y) + flow.v[place])
          }
        }
      }
    }
    return GrayImage(width: flow.width, height: flow.height, values: values)
  }

  /// Whether each pixel's place in the other picture lies inside it.
  private static func visible(_ flow: FlowPlanes) -> [Bool] {
    (0..<(flow.width * flow.height)).map { place in
      let (x, y) = (Float(place % flow.width) + flow.u[place], Float(place / flow.width) + flow.v[place])
      return x >= 0 && y >= 0 && x <= Float(flow.width - 1) && y <= Float(flow.height - 1)
    }
  }
}
