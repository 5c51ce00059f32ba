import Foundation
import SegImages
import SegKernels
import SegPipelines

/// Reads a camera or a film as Y4M and prints a line a frame: how much of the way ahead is road, and what else is there.
///
///     ffmpeg -f v4l2 -i /dev/video0 -f yuv4mpegpipe -pix_fmt yuv420p - | swift run -c release WatchVideo
@main
struct WatchVideo {
  static func main() {
    do { try watch() } catch {
      // A stream that is none, or that ends within a frame: one line that says so.
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(65)
    }
  }

  private static func watch() throws {
    let segment = try Segmenter(weights: .bundled(.streets))
    let video = try Y4MReader(descriptor: FileHandle.standardInput.fileDescriptor, name: "standard input")
    var number = 0
    while let frame = try video.next() {
      let image = frame.image, labels = segment(image, size: Pair(height: 192, width: 384)).labels
      // The lower third, half as wide as the picture, in its middle.
      var counts = [Int](repeating: 0, count: segment.classes.count)
      for row in (2 * image.height / 3)..<image.height {
        for column in (image.width / 4)..<(3 * image.width / 4) {
          counts[Int(labels.values[row * image.width + column])] += 1
        }
      }
      let total = Double(counts.reduce(0, +))
      let shares = zip(segment.classes.names, counts).filter { Double($1) > 0.02 * total }.sorted { $0.1 > $1.1 }
      print(
        "frame \(number): "
          + shares.map { "\($0) \(Int((100 * Double($1) / total).rounded())) %" }.joined(separator: ", "))
      number += 1
    }
  }
}
