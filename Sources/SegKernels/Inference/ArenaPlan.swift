/// Where the buffers of a program lie in its arena.
///
/// Each buffer is needed from one step to another; two that are never needed together may share memory. The largest are
/// placed first, each in the smallest gap that is free for its whole life.
package struct ArenaPlan {
  /// A buffer: its floats, and the first and last step that touch it.
  package struct Buffer {
    package let count: Int
    package var life: ClosedRange<Int>

    package init(count: Int, life: ClosedRange<Int>) {
      self.count = count
      self.life = life
    }
  }

  /// The place of each buffer, in floats.
  package let offsets: [Int]
  /// The floats of the whole.
  package let count: Int

  package init(_ buffers: [Buffer]) {
    // Whole cache lines, so that no two buffers share one.
    let sizes = buffers.map { ($0.count + 15) / 16 * 16 }
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    var end = 0
    for index in buffers.indices.sorted(by: { (sizes[$0], $1) > (sizes[$1], $0) }) {
      let neighbours = placed.filter { buffers[$0].life.overlaps(buffers[index].life) }
        .sorted { offsets[$0] < offsets[$1] }
      var (best, bestRoom, free) = (nil as Int?, Int.max, 0)
      for neighbour in neighbours {
        let room = offsets[neighbour] - free
        if room >= sizes[index], room < bestRoom { (best, bestRoom) = (free, room) }
        free = max(free, offsets[neighbour] + sizes[neighbour])
      }
      offsets[index] = best ?? free
      end = max(end, offsets[index] + sizes[index])
      placed.append(index)
    }
    self.offsets = offsets
    count = end
  }
}
