import CMachine
import Foundation
import SegKernels
import SegPipelines

/// The machine that a run is measured on, and what it can do at most: the measure of everything else.
///
/// Both limits are taken again and again between the rows of a run, and the best counts: clocks and neighbours change.
struct Machine: Codable {
  /// Threads that the kernels, the multiply-add loop and the copy use.
  let threads: Int
  /// `avx2`, …, as `SEGKERNELS_ISA` names it.
  let isa: String
  /// The kernels that OpenBLAS picked.
  let blas_core: String
  /// A multiply-add loop that never leaves the registers, on all threads.
  private(set) var peak_gflop_per_second = 0.0
  /// A copy of memory that no cache holds, on all threads; reading and writing both count.
  private(set) var copy_gigabyte_per_second = 0.0

  /// - Throws: `UsageError` in a debug build.
  init(allowDebug: Bool) throws {
    let doctor = Doctor()
    guard allowDebug || doctor.build == "release" else {
      throw UsageError("this is a debug build, whose times mean nothing; build with '-c release', or say --allow-debug")
    }
    (threads, isa, blas_core) = (doctor.threads, doctor.instructionSet, doctor.blasCore)
  }

  /// Takes both limits once more.
  mutating func sample() {
    peak_gflop_per_second = max(peak_gflop_per_second, Machine.peak(threads: threads, isa: isa))
    copy_gigabyte_per_second = max(copy_gigabyte_per_second, Machine.copy(threads: threads))
  }

  /// GFLOP/s of the multiply-add loop on `threads` threads, in about 40 ms.
  static func peak(threads: Int, isa: String) -> Double {
    let rounds = 1 << 20
    let seconds = atOnce(threads) { _ in _ = cmachine_multiply_add(isa, rounds) }
    return Double(threads * rounds * cmachine_operations(isa)) / seconds / 1e9
  }

  /// GB/s of a copy of 128 MiB, shared out among `threads` threads: the best of three.
  private static func copy(threads: Int) -> Double {
    let share = copied.count / threads
    let seconds = (0..<3).map { _ in
      atOnce(threads) { memcpy(copied.target + $0 * share, copied.source + $0 * share, share) }
    }.min()!
    return Double(2 * share * threads) / seconds / 1e9
  }

  /// The seconds that `body` takes on as many threads at once, each with its number.
  private static func atOnce(_ threads: Int, _ body: (Int) -> Void) -> Double {
    withoutActuallyEscaping(body) { body in
      var body = body
      return withUnsafeMutablePointer(to: &body) { body in
        ContinuousClock().measure {
          cmachine_at_once(
            Int32(threads), { $1!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int($0)) }, body)
        }.inSeconds
      }
    }
  }

  /// Written once, so that every page is there; kept for the whole run.
  nonisolated(unsafe) private static let copied = {
    let count = 128 << 20
    let source = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
    let target = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
    memset(source, 1, count)
    memset(target, 2, count)
    return (source: source, target: target, count: count)
  }()
}

extension Duration {
  /// The duration as a number to calculate with.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
