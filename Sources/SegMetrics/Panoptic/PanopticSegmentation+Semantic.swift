import SegImages
import SegKernels

extension PanopticSegmentation {
  /// Segments of a picture whose classes are known but whose objects are not told apart: a class of stuff is one segment,
  /// and every connected part (of eight neighbours) of a class of things is an object.
  ///
  /// Objects of a class that touch become one, an object that is cut in two becomes two: a plain start to compare with.
  ///
  /// - Parameters:
  ///   - labels: H×W; those that are no class are void.
  ///   - categories: class by class.
  public init(semantic labels: Labels, categories: [PanopticCategory]) {
    let (height, width) = labels.pictureSize(for: "PanopticSegmentation")
    var segments: [Segment] = [], stuff: [Int32: Int32] = [:], pending: [Int] = []
    var ids = Labels([height, width], filledWith: Self.void)
    ids.withUnsafeMutableBufferPointer { ids in
      labels.withUnsafeBufferPointer { labels in
        for start in labels.indices where ids[start] == Self.void {
          let label = labels[start]
          guard label >= 0 && label < categories.count else { continue }
          let category = categories[Int(label)]
          if !category.isThing, let known = stuff[label] {
            ids[start] = known
            continue
          }
          let id = Int32(segments.count + 1)
          segments.append(Segment(id: id, category: category.id))
          ids[start] = id
          guard category.isThing else {
            stuff[label] = id
            continue
          }
          pending.append(start)
          while let pixel = pending.popLast() {
            let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
            for y in max(row - 1, 0)...min(row + 1, height - 1) {
              for x in max(column - 1, 0)...min(column + 1, width - 1) {
                let neighbour = y * width + x
                guard ids[neighbour] == Self.void, labels[neighbour] == label else { continue }
                ids[neighbour] = id
                pending.append(neighbour)
              }
            }
          }
        }
      }
    }
    self.init(ids: ids, segments: segments)
  }
}
