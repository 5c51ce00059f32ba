import Foundation
import Hummingbird
import SegFiles
import SegImages
import SegKernels
import SegPipelines

/// `Serve [PORT] [WEIGHTS]`: segments what is sent.
///
///     curl --data-binary @photo.jpg http://localhost:8080/predict > labels.png
///     curl --data-binary @photo.jpg http://localhost:8080/predict?output=overlay > overlay.png
@main
struct Serve {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    let port = arguments.first.flatMap { Int($0) } ?? 8080
    let weights = arguments.dropFirst().first.map { Weights.file(URL(fileURLWithPath: $0)) } ?? .bundled(.streets)
    let segmenter = try SharedSegmenter(weights)

    let router = Router()
    router.post("predict") { request, _ in
      let body = try await request.body.collect(upTo: 32 << 20)
      let showsOverlay = request.uri.queryParameters["output"] == "overlay"
      do {
        let png = try await segmenter.predict([UInt8](buffer: body), showsOverlay: showsOverlay)
        return Response(
          status: .ok, headers: [.contentType: "image/png"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: png)))
      } catch let error as FileError {
        // What was sent is no picture, or too large: one line that says so.
        throw HTTPError(.badRequest, message: error.description)
      }
    }
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: "Serve"))
    try await application.runService()
  }
}

/// One network for all requests, which wait for each other: the kernels use every core for one image.
actor SharedSegmenter {
  private let segment: Segmenter

  init(_ weights: sending Weights) throws { segment = try Segmenter(weights: weights) }

  func predict(_ bytes: [UInt8], showsOverlay: Bool) throws -> [UInt8] {
    let image = try Image(data: bytes, name: "the request's body", maximumPixels: 1 << 23)
    let labels = segment(image).labels
    guard showsOverlay else { return try Image(labels, palette: segment.classes.palette).png() }
    return try overlay(image: image, labels: labels, palette: segment.classes.palette).png()
  }
}
