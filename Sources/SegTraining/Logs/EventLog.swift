import Foundation
import SegFiles
import SegImages

/// `events.out.tfevents.segkernels`: what TensorBoard shows of a run, scalars and pictures by step.
///
/// The messages are TensorFlow's `Event` (1 wall time, 2 step, 3 file version, 5 summary), `Summary.Value` (1 tag, 2 number,
/// 4 picture) and `Summary.Image` (1 height, 2 width, 3 channels, 4 PNG).
package final class EventLog {
  /// TensorBoard looks for `tfevents` in the name.
  static let fileName = "events.out.tfevents.segkernels"

  private let file: GrowingFile
  private let now: () -> Double

  /// - Parameters:
  ///   - step: events of later steps, left by a run that went on past its last checkpoint, are dropped.
  ///   - now: seconds since 1970.
  package init(_ url: URL, keepingUpTo step: Int, now: @escaping () -> Double = { Date().timeIntervalSince1970 }) throws
  {
    let old = (try? Data(contentsOf: url)).map { [UInt8]($0) } ?? []
    // The first event, the version, has no step.
    var kept = TFRecord.contents(of: old).filter { ProtobufMessage.integer(2, in: $0) ?? 0 <= step }
    if kept.isEmpty { kept = [EventLog.event(at: now()) { $0.add(3, bytes: "brain.Event:2".utf8) }] }
    self.now = now
    file = try GrowingFile(url.relativePath, startingWith: kept.flatMap(TFRecord.framed))
  }

  /// Appends numbers under their names.
  package func add(_ scalars: KeyValuePairs<String, Float>, step: Int) throws {
    try append(
      scalars.map { name, number in
        var value = ProtobufMessage()
        value.add(1, bytes: name.utf8)
        value.add(2, float: number)
        return value
      }, step: step)
  }

  /// Appends pictures under a name, numbered.
  package func add(_ images: [Image], name: String, step: Int) throws {
    try append(
      images.enumerated().map { index, image in
        var picture = ProtobufMessage()
        picture.add(1, integer: image.height)
        picture.add(2, integer: image.width)
        picture.add(3, integer: 3)
        picture.add(4, bytes: try image.png())
        var value = ProtobufMessage()
        value.add(1, bytes: "\(name)/\(index)".utf8)
        value.add(4, bytes: picture.bytes)
        return value
      }, step: step)
  }

  private func append(_ values: [ProtobufMessage], step: Int) throws {
    var summary = ProtobufMessage()
    for value in values { summary.add(1, bytes: value.bytes) }
    let event = EventLog.event(at: now()) {
      $0.add(2, integer: step)
      $0.add(5, bytes: summary.bytes)
    }
    try file.append(TFRecord.framed(event))
  }

  private static func event(at time: Double, _ fill: (inout ProtobufMessage) -> Void) -> [UInt8] {
    var event = ProtobufMessage()
    event.add(1, double: time)
    fill(&event)
    return event.bytes
  }
}
