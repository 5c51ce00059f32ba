import Foundation
import SegData
import SegImages
import SegKernels
import SegMetrics
import SegPipelines
import SegPretrained
import SegTestSupport
import SegTraining
import XCTest

/// `segkernels video` and `score temporal --frames` as a user runs them.
final class VideoCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    try CommandRun.requireExecutable()
    folder = try Fixtures.temporaryFolder(self)
  }

  private func stream(_ name: String, frames: Int, height: Int = 48, width: Int = 80, cut: Int = 0) throws {
    let file = folder.appendingPathComponent(name)
    XCTAssertTrue(FileManager.default.createFile(atPath: file.path, contents: nil))
    let handle = try FileHandle(forWritingTo: file)
    let writer = try Y4MWriter(
      Y4MHeader(width: width, height: height, chroma: .c420), descriptor: handle.fileDescriptor, name: name)
    for frame in 0..<frames {
      var image = Image(width: width, height: height)
      for row in 0..<height {
        for column in 0..<width {
          image[row, column] = RGB(UInt8(row * 4), UInt8((column * 3 + frame * 2) % 256), UInt8(255 - row))
        }
      }
      try writer.write(image)
    }
    if cut > 0 { try handle.truncate(atOffset: handle.offset() - UInt64(cut)) }
    try handle.close()
  }

  /// Runs `segkernels video` in a shell, in the test's folder.
  private func shell(_ command: String) throws -> (status: Int32, errors: String) {
    let process = CommandRun.process([], in: folder)
    let executable = process.executableURL!.path
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "set -o pipefail; " + command.replacingOccurrences(of: "segkernels", with: executable)]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  private func frames(_ name: String) throws -> [Y4MReader.Frame] {
    let handle = try FileHandle(forReadingFrom: folder.appendingPathComponent(name))
    defer { try? handle.close() }
    let reader = try Y4MReader(descriptor: handle.fileDescriptor, name: name)
    var frames: [Y4MReader.Frame] = []
    while let frame = try reader.next() { frames.append(frame) }
    return frames
  }

  /// An overlay and the labels of it, without and with adaptation; the labels of the network alone are `predict`'s.
  func testOverlayAndLabels() throws {
    try stream("in.y4m", frames: 3)
    let plain = try shell("segkernels video --output labels < in.y4m > labels.y4m")
    XCTAssertEqual(plain.status, 0, plain.errors)
    XCTAssertTrue(plain.errors.contains("3 frames") && plain.errors.contains("frames a second"), plain.errors)
    let labels = try frames("labels.y4m")
    XCTAssertEqual(labels.count, 3)
    let segmenter = try Segmenter(weights: .bundled(.streets))
    for (found, frame) in zip(labels, try frames("in.y4m")) {
      XCTAssertEqual(found.samples.map { Int32($0) }, segmenter(frame.image).labels.values)
    }
    let adapted = try shell("segkernels video --adapt auxadapt --json < in.y4m > out.y4m")
    XCTAssertEqual(adapted.status, 0, adapted.errors)
    XCTAssertTrue(adapted.errors.contains("\"updates\":3"), adapted.errors)
    let overlaid = try frames("out.y4m")
    XCTAssertEqual(overlaid.count, 3)
    XCTAssertEqual(overlaid[0].header.chroma, .c420)
    XCTAssertNotEqual(overlaid[0].samples, try frames("in.y4m")[0].samples)
    let overlapped = try shell("segkernels video --adapt auxadapt --overlap < in.y4m | cmp - out.y4m")
    XCTAssertEqual(overlapped.status, 0, overlapped.errors)
    let measured = try shell("segkernels video --consistency < in.y4m > /dev/null")
    XCTAssertTrue(measured.errors.contains("TC ") && measured.errors.contains("PC "), measured.errors)
  }

  /// A stream that is cut off, one that changes its size, none at all, a reader that goes, choices that make no sense.
  func testEndings() throws {
    try stream("short.y4m", frames: 3, cut: 100)
    let short = try shell("segkernels video < short.y4m > short-out.y4m")
    XCTAssertEqual(short.status, 65, short.errors)
    XCTAssertTrue(short.errors.contains("frame 2") && short.errors.contains("cut off"), short.errors)
    XCTAssertEqual(try frames("short-out.y4m").count, 2)

    try stream("one.y4m", frames: 2)
    try stream("two.y4m", frames: 2, height: 40)
    let changing = try shell("cat one.y4m two.y4m | segkernels video > changing.y4m")
    XCTAssertEqual(changing.status, 65, changing.errors)
    XCTAssertTrue(changing.errors.contains("80x48") && changing.errors.contains("80x40"), changing.errors)
    XCTAssertEqual(try frames("changing.y4m").count, 2)

    let twice = try shell("cat one.y4m one.y4m | segkernels video --adapt auxadapt --json > twice.y4m")
    XCTAssertEqual(twice.status, 0, twice.errors)
    XCTAssertTrue(twice.errors.contains("\"reason\":\"clip\""), twice.errors)
    XCTAssertEqual(try frames("twice.y4m").count, 4)

    try stream("long.y4m", frames: 40)
    let gone = try shell("{ segkernels video < long.y4m; echo status $? >&2; } | head -c 3000 > /dev/null || true")
    XCTAssertTrue(gone.errors.contains("status 0") && gone.errors.contains("went before the end"), gone.errors)

    let nothing = try shell("segkernels video < /dev/null > nothing.y4m")
    XCTAssertEqual(nothing.status, 65, nothing.errors)
    XCTAssertEqual(nothing.errors, "segkernels: standard input: expected a Y4M stream, found nothing\n")
    for (arguments, word) in [
      ("--aux-weights x", "--adapt"), ("--adapt auxadapt --rate -1", "rate"),
      ("--adapt auxadapt --aux-weights camvid", "same classes"), ("--adapt auxadapt --downscale 9", "downscale"),
    ] {
      let wrong = try shell("segkernels video \(arguments) < one.y4m > /dev/null")
      XCTAssertEqual(wrong.status, 64, "\(arguments): \(wrong.errors)")
      XCTAssertTrue(wrong.errors.contains(word), "\(arguments): \(wrong.errors)")
    }
  }

  /// A network by way of an ONNX file, whose size is left open or fixed: frames are padded to the one, resized to the other.
  func testONNXFiles() throws {
    try stream("in.y4m", frames: 1)
    let segmenter = try Segmenter(weights: .bundled(.streets))
    let normalization = segmenter.loaded.card.normalization
    let text = { (values: [Float]) in values.map { "\($0)" }.joined(separator: ",") }
    let statistics = "--mean \(text(normalization.mean)) --std \(text(normalization.deviation))"
    let frame = try XCTUnwrap(frames("in.y4m").first)
    for (options, size) in [("--dynamic", nil as Pair?), ("", Pair(height: 64, width: 96))] {
      let run = try shell(
        "segkernels export --size 64x96 \(options) --force net.onnx && "
          + "segkernels video --model net.onnx \(statistics) --output labels < in.y4m > labels.y4m")
      XCTAssertEqual(run.status, 0, run.errors)
      let expected = segmenter(frame.image, size: size).labels.values
      let found = try XCTUnwrap(frames("labels.y4m").first).samples.map { Int32($0) }
      // Scores that are equal up to rounding may change places.
      XCTAssertLessThan(zip(found, expected).count { $0 != $1 }, expected.count / 100, options)
    }
    // The file that takes images of 64×96 alone is shown a photograph of 48×80, and refuses another size by name.
    try frame.image.writePNG(to: folder.appendingPathComponent("photo.png"), overwrite: false)
    let photo = try shell("segkernels predict --model net.onnx \(statistics) --out found photo.png")
    XCTAssertEqual(photo.status, 0, photo.errors)
    let other = try shell("segkernels predict --model net.onnx \(statistics) --size 96x96 --out other photo.png")
    XCTAssertEqual(other.status, 64, other.errors)
    XCTAssertTrue(other.errors.contains("--size 64x96"), other.errors)
    let adapted = try shell("segkernels video --model net.onnx --adapt auxadapt < in.y4m > /dev/null")
    XCTAssertEqual(adapted.status, 64, adapted.errors)
  }

  /// In a pipe between two ffmpegs.
  func testPipeWithFFmpeg() throws {
    guard try shell("command -v ffmpeg > /dev/null").status == 0 else {
      throw XCTSkip("ffmpeg is not installed (Debian: apt-get install ffmpeg)")
    }
    let run = try shell(
      """
      ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=10:duration=1 -f yuv4mpegpipe -pix_fmt yuv420p - \
      | segkernels video --adapt auxadapt | ffmpeg -v error -i - -pix_fmt yuv444p -strict -1 -f yuv4mpegpipe out.y4m
      """)
    XCTAssertEqual(run.status, 0, run.errors)
    XCTAssertTrue(run.errors.contains("10 frames"), run.errors)
    let found = try frames("out.y4m")
    XCTAssertEqual(found.count, 10)
    XCTAssertEqual([found[0].header.width, found[0].header.height], [96, 64])
  }

  /// PC, TC by estimated flow and mVC frame by frame and on the mean, and their pictures.
  func testScoreTemporalWithFrames() throws {
    let clip = StreetScenes(split: "dev", size: [48, 96]).clip(at: 0, frames: 9)
    for name in ["frames", "labels"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("\(name)/a"), withIntermediateDirectories: true)
    }
    for (index, frame) in clip.frames(at: Array(0..<9)).enumerated() {
      try frame.image.writePNG(to: folder.appendingPathComponent("frames/a/\(index).png"))
      try frame.labels.writeGray8PNG(to: folder.appendingPathComponent("labels/a/\(index).png"))
    }
    let arguments = [
      "score", "temporal", "--prediction", "labels", "--truth", "labels", "--frames", "frames", "--classes", "19",
    ]
    let run = try CommandRun(arguments + ["--out", "pictures", "--json"], in: folder)
    XCTAssertEqual(run.status, 0, run.errors)
    let found = try JSONDecoder().decode(Scoring.Result<TemporalScores>.self, from: Data(run.output.utf8)).scores
    XCTAssertEqual(found.perFrame.map(\.name), (0..<9).map { "a/\($0)" })
    let scores = found.perFrame.compactMap(\.perceptualConsistency)
    XCTAssertEqual(scores.count, 8)
    XCTAssertEqual(try XCTUnwrap(found.perceptualConsistency), scores.reduce(0, +) / 8, accuracy: 1e-12)
    XCTAssertNil(found.perFrame[0].temporalConsistency)
    XCTAssertEqual(found.perFrame.compactMap(\.temporalConsistency).count, 8)
    XCTAssertEqual(found.perFrame[7].videoConsistency, [1, nil])
    XCTAssertGreaterThan(try XCTUnwrap(found.temporalConsistency), 0.3)
    let pictures = try FileManager.default.subpathsOfDirectory(atPath: folder.appendingPathComponent("pictures").path)
    XCTAssertEqual(pictures.filter { $0.hasSuffix("_pc.png") }.count, 8)
    let timeline = try String(contentsOf: folder.appendingPathComponent("pictures/timeline.svg"), encoding: .utf8)
    for word in ["PC", "TC", "mVC8", "label changes", "polyline"] { XCTAssertTrue(timeline.contains(word), word) }
    XCTAssertEqual(try Image(contentsOf: folder.appendingPathComponent("pictures/a/3_pc.png")).width, 96)
    // Pictures are not written over; a table has a row a frame.
    XCTAssertEqual(try CommandRun(arguments + ["--out", "pictures"], in: folder).status, 70)
    let table = try CommandRun(arguments + ["--window", "3"], in: folder)
    XCTAssertEqual(table.status, 0, table.errors)
    XCTAssertTrue(table.output.contains("a/8") && table.output.contains("PC %"), table.output)
    try FileManager.default.removeItem(at: folder.appendingPathComponent("frames/a/4.png"))
    let missing = try CommandRun(arguments, in: folder)
    XCTAssertEqual(missing.status, 66, missing.errors)
    XCTAssertTrue(missing.errors.contains("'a/4'"), missing.errors)
  }
}
