import Foundation
import SegKernels

/// The light that a pixel receives.
struct Shader: Sendable {
  let mesh: Mesh
  let camera: StreetCamera
  let daylight: Daylight
  let size: Pair
  let triangles: [ScreenTriangle]
  let sky: ShadowMap
  let sun: ShadowMap?

  /// What the centre of a pixel shows.
  func center(_ number: Int32, x: Float, y: Float) -> (label: StreetClass, instance: UInt16, depth: Float) {
    guard number > 0 else { return (.sky, 0, 0) }
    let triangle = triangles[Int(number) - 1]
    let surface = mesh.surfaces[Int(mesh.triangles[Int(triangle.source)].surface)]
    return (surface.label, surface.instance, triangle.depth(x: x, y: y))
  }

  /// The mean colour of a pixel's seven samples. Each triangle among them is lit once.
  func color(_ seen: SIMD8<Int32>, x: Float, y: Float) -> Vector {
    let first = seen[0]
    var isUniform = true
    for sample in 1..<7 where seen[sample] != first { isUniform = false }
    if isUniform { return radiance(first, x: x, y: y) }
    var sum = Vector(0, 0, 0)
    var done: UInt8 = 0
    for sample in 0..<7 where done & (1 << UInt8(sample)) == 0 {
      var count: Float = 0, offset = SIMD2<Float>(0, 0)
      for other in sample..<7 where seen[other] == seen[sample] {
        done |= 1 << UInt8(other)
        count += 1
        offset += SIMD2(Visibility.samplesX[other], Visibility.samplesY[other])
      }
      sum += radiance(seen[sample], x: x + offset.x / count, y: y + offset.y / count) * count
    }
    return sum / 7
  }

  private func radiance(_ number: Int32, x: Float, y: Float) -> Vector {
    let ray = camera.ray(x: x, y: y, size: size)
    let view = normalized(ray)
    guard number > 0 else { return daylight.sky(view) }
    let triangle = triangles[Int(number) - 1]
    let depth = triangle.depth(x: x, y: y)
    let point = camera.position + ray * depth
    let corners = mesh.triangles[Int(triangle.source)]
    let surface = mesh.surfaces[Int(corners.surface)]
    let (a, b, c) = (mesh.vertices[Int(corners.a)], mesh.vertices[Int(corners.b)], mesh.vertices[Int(corners.c)])
    // Barycentric weights of the point in its plane.
    let (ab, ac, ap) = (b.position - a.position, c.position - a.position, point - a.position)
    let (bb, bc, cc) = (dot(ab, ab), dot(ab, ac), dot(ac, ac))
    let (pb, pc) = (dot(ap, ab), dot(ap, ac))
    let scale = 1 / max(bb * cc - bc * bc, 1e-12)
    let v = min(max((cc * pb - bc * pc) * scale, 0), 1), w = min(max((bb * pc - bc * pb) * scale, 0), 1)
    let texture = a.texture + (b.texture - a.texture) * v + (c.texture - a.texture) * w
    var normal = normalized(a.normal + (b.normal - a.normal) * v + (c.normal - a.normal) * w)
    let facing = dot(normal, view)
    if facing > 0 { normal = -normal }

    let footprint = depth / (camera.focalLength * Float(size.width))
    // Seen at a slant, a pixel spans more of the surface.
    let slant = min(1 / max(abs(facing), 0.08), 4)
    var look = surface.material.reflectance(at: texture, footprint: footprint * slant.squareRoot())
    let wetness = normal.y > 0.7 ? daylight.wetness(at: point) : 0
    if wetness > 0 {
      look.albedo *= 1 - 0.5 * wetness
      look.gloss += (0.25 + 0.45 * wetness) * wetness
    }
    let isLeafy = surface.material.finish == .foliage
    let lifted = point + normal * 0.04
    let open = sky.openness(at: lifted)
    // From above the sky's light, from below what the ground sends back.
    let fromAbove = 0.5 + 0.5 * normal.y
    var light = daylight.ambient * (mix(0.34, 1, fromAbove) * mix(isLeafy ? 0.5 : 0.28, 1, open))
    if let sun {
      // Leaves let light through from behind.
      let slope = dot(normal, daylight.sun)
      let lit = isLeafy ? 0.45 + 0.45 * abs(slope) : max(slope, 0)
      if lit > 0 { light += daylight.sunColor * (lit * sun.light(at: lifted + daylight.sun * 0.05)) }
      light += daylight.sunColor * 0.07 * (1 - fromAbove)
    }
    if daylight.domain == .night { light += daylight.lampLight(at: point, normal: normal, camera: camera) }
    var color = look.albedo * light + look.glow
    if daylight.windows > 0 { color += look.indoors * daylight.windows }
    if look.gloss > 0 {
      let mirrored = view - normal * (2 * dot(view, normal))
      let grazing = 1 - min(abs(facing), 1)
      let share = look.gloss * (0.16 + 0.84 * grazing * grazing * grazing)
      color = color * (1 - share) + daylight.surroundings(mirrored) * share * mix(0.5, 1, open)
      let glint = max(dot(mirrored, daylight.sun), 0)
      if glint > 0.97, let sun {
        color += daylight.sunColor * (look.gloss * 3 * (glint - 0.97) / 0.03 * sun.light(at: lifted))
      }
    }
    let air = 1 - exp(-depth / daylight.clearness)
    return mix(color, daylight.air, air)
  }
}
