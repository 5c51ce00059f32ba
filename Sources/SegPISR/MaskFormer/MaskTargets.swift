import SegKernels

/// The segments of a batch as masks of a coarser map: what queries are matched with.
///
/// Every counted thing is a segment, and every class of stuff that an image has. A mask holds the share of each cell
/// that the segment covers. Void and groups of things belong to no segment and are not known.
package struct MaskTargets {
  /// For each image the class of every segment.
  package let classes: [[Int]]
  /// N×T×(h·w), T of the image with most segments (at least 1); zeros where an image has fewer.
  package let masks: Tensor
  /// N×1×(h·w), the share of each cell of which something is known.
  package let known: Tensor

  /// How many segments there are in all images.
  var count: Int { classes.reduce(0) { $0 + $1.count } }

  package init(_ truth: PanopticTruth, size: Pair) {
    let shape = truth.labels.shape, (height, width) = (shape[1], shape[2]), area = size.height * size.width
    struct Key: Hashable { let label: Int32, instance: Int32 }
    // How many pixels fall into each row and column of cells.
    let row = (0..<height).map { $0 * size.height / height }, column = (0..<width).map { $0 * size.width / width }
    var rows = [Float](repeating: 0, count: size.height), columns = [Float](repeating: 0, count: size.width)
    for r in row { rows[r] += 1 }
    for c in column { columns[c] += 1 }
    var classes: [[Int]] = [], found: [[[Float]]] = []
    var known = [Float](repeating: 0, count: shape[0] * area)
    for image in 0..<shape[0] {
      var numbers: [Key: Int] = [:], masks: [[Float]] = [], own: [Int] = []
      for y in 0..<height {
        for x in 0..<width {
          let pixel = (image * height + y) * width + x, label = truth.labels.values[pixel]
          guard truth.things.indices.contains(Int(label)) else { continue }
          let instance = truth.things[Int(label)] ? truth.instances.values[pixel] : 0
          guard instance > 0 || !truth.things[Int(label)] else { continue }
          let key = Key(label: label, instance: instance), number = numbers[key] ?? masks.count
          if number == masks.count {
            numbers[key] = number
            own.append(Int(label))
            masks.append([Float](repeating: 0, count: area))
          }
          let cell = row[y] * size.width + column[x], share = 1 / (rows[row[y]] * columns[column[x]])
          masks[number][cell] += share
          known[image * area + cell] += share
        }
      }
      classes.append(own)
      found.append(masks)
    }
    let most = max(classes.map(\.count).max() ?? 0, 1), none = [Float](repeating: 0, count: area)
    self.classes = classes
    self.known = Tensor([shape[0], 1, area], known)
    masks = Tensor(
      [shape[0], most, area],
      found.flatMap { ($0 + [[Float]](repeating: none, count: most - $0.count)).flatMap(\.self) })
  }
}
