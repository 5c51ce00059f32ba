import SegKernels

/// An image with its classes laid over it in colour and its things outlined in white; things of a class have shades of
/// their own. Pixels whose label is beyond the palette stay as they are.
///
/// - Parameters:
///   - image: what lies below.
///   - labels: `[H, W]`, of the image's size; another size traps.
///   - instances: `[H, W]`, above 0 on things.
///   - palette: the classes' colours.
///   - opacity: 0 shows the image alone, 1 the colours alone.
public func panopticOverlay(
  image: Image, labels: Labels, instances: Labels, palette: Palette, opacity: Float = 0.55
) -> Image {
  let (height, width) = labels.pictureSize(for: "panopticOverlay")
  check(
    (height, width) == (image.height, image.width) && instances.shape == labels.shape, "panopticOverlay",
    "image of \(image.width)x\(image.height), labels \(labels.shape), instances \(instances.shape)")
  // Lines of a pixel at 512 rows.
  let reach = max(1, height / 512)
  return Image(uninitializedWidth: width, height: height) { target in
    image.pixels.withUnsafeBufferPointer { source in
      labels.withUnsafeBufferPointer { labels in
        instances.withUnsafeBufferPointer { instances in
          for pixel in labels.indices {
            let own = RGB(source[3 * pixel], source[3 * pixel + 1], source[3 * pixel + 2]), thing = instances[pixel]
            let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
            let isOutline =
              thing > 0
              && (column >= reach && instances[pixel - reach] != thing
                || column + reach < width && instances[pixel + reach] != thing
                || row >= reach && instances[pixel - reach * width] != thing
                || row + reach < height && instances[pixel + reach * width] != thing)
            let color = palette.color(of: labels[pixel]).map { color in
              thing > 0 ? color.blended(with: .white, opacity: Float(thing % 5) * 0.12) : color
            }
            target.store(
              isOutline ? .white : color.map { own.blended(with: $0, opacity: opacity) } ?? own, at: pixel)
          }
        }
      }
    }
  }
}
