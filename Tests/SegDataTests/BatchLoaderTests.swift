import Foundation
import SegData
import SegImages
import SegKernels
import SegTestSupport
import XCTest

/// A data set in memory: image k is of one colour, its labels say where they lie.
private struct Synthetic: SegmentationDataset {
  let classes = ClassTable(count: 200)
  let count: Int
  let height = 12, width = 16

  func name(at index: Int) -> String { "\(index)" }

  func sample(at index: Int) throws -> SegmentationSample {
    // Label of a pixel: its position; red is the position too, so that image and labels can be compared.
    let positions = (0..<(height * width)).map { Int32($0) }
    return SegmentationSample(
      image: Image(width: width, height: height, pixels: positions.flatMap { [UInt8($0), UInt8(index), 7] }),
      labels: Labels([height, width], positions), name: name(at: index))
  }
}

final class BatchLoaderTests: XCTestCase {
  private let plain = ImageNormalization(mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255])

  private func loader(_ augmentation: Augmentation, seed: UInt64 = 1, cacheLimit: Int = 1 << 20) -> BatchLoader {
    BatchLoader(
      Synthetic(count: 10), batchSize: 3, augmentation: augmentation, normalization: plain, seed: seed,
      cacheLimit: cacheLimit)
  }

  /// At scale 1 every pixel of a crop is a pixel of the image, and the label goes with it, mirrored or not.
  func testImageAndLabelsStayTogether() throws {
    let loader = loader(Augmentation(scale: 1...1, crop: [8, 8]))
    var isMirrored: Set<Bool> = []
    for step in 0..<20 {
      let batch = try loader.batch(at: step)
      XCTAssertEqual(batch.images.shape, [3, 3, 8, 8])
      XCTAssertEqual(batch.labels.shape, [3, 8, 8])
      for n in 0..<3 {
        for y in 0..<8 {
          for x in 0..<8 { XCTAssertEqual(batch.images[n, 0, y, x], Float(batch.labels[n, y, x]), accuracy: 1e-3) }
        }
        isMirrored.insert(batch.labels[n, 0, 0] > batch.labels[n, 0, 1])
      }
    }
    XCTAssertEqual(isMirrored, [true, false])
  }

  /// Outside the image there is the mean colour and "ignore", never class 0.
  func testWhatLiesOutsideIsIgnored() throws {
    let batch = try loader(Augmentation(scale: 0.5...0.5, crop: [12, 16])).batch(at: 0)
    let ignored = batch.labels.values.count { $0 == 255 }
    // The scaled image covers 6×8 of 12×16 pixels.
    XCTAssertEqual(ignored, 3 * (12 * 16 - 6 * 8))
    for n in 0..<3 {
      for y in 0..<12 {
        for x in 0..<16 where batch.labels[n, y, x] == 255 { XCTAssertEqual(batch.images[n, 2, y, x], 0) }
      }
    }
  }

  /// An epoch visits each sample at most once; the order differs from epoch to epoch and from seed to seed.
  func testOrder() throws {
    let loader = loader(Augmentation(crop: [8, 8]))
    XCTAssertEqual(loader.batchesPerEpoch, 3)
    func names(_ steps: Range<Int>) throws -> [String] { try steps.flatMap { try loader.batch(at: $0).names } }
    XCTAssertEqual(Set(try names(0..<3)).count, 9)
    XCTAssertNotEqual(try names(0..<3), try names(3..<6))
    let other = self.loader(Augmentation(crop: [8, 8]), seed: 2)
    XCTAssertNotEqual(try names(0..<3), try (0..<3).flatMap { try other.batch(at: $0).names })
  }

  /// A batch depends on seed and step alone: resumed in the middle, read ahead or not, cached or not.
  func testBatchesAreReproducible() throws {
    let augmentation = Augmentation(crop: [8, 8])
    let first = Array(try loader(augmentation).batches(from: 0).prefix(8).map { try $0.get() })
    let resumed = Array(try loader(augmentation, cacheLimit: 0).batches(from: 5).prefix(3).map { try $0.get() })
    for (a, b) in zip(first[5...], resumed) {
      XCTAssertEqual(bits(a.images), bits(b.images))
      XCTAssertEqual(a.labels, b.labels)
      XCTAssertEqual(a.names, b.names)
    }
  }

  /// Scaling agrees with `resize` where the whole image fits the crop.
  func testScalingIsBilinear() throws {
    let dataset = Synthetic(count: 3)
    let loader = BatchLoader(
      dataset, batchSize: 3, augmentation: Augmentation(scale: 2...2, crop: [24, 32], flips: false),
      normalization: plain, seed: 1)
    let batch = try loader.batch(at: 0)
    for (n, name) in batch.names.enumerated() {
      let image = try dataset.sample(at: Int(name)!).image
      let expected = resize(Tensor(image, normalization: plain), to: [24, 32])
      assertClose(batch.images.slice(axis: 0, n..<(n + 1)), expected, tolerance: 1e-5)
    }
  }
}
