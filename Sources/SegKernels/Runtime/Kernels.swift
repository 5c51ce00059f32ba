import CSegKernels
import Glibc
import Synchronization

/// The instruction sets that kernels exist for, in ascending order.
public enum InstructionSet: Int, CaseIterable, Sendable, CustomStringConvertible {
  /// What every processor has that the package is built for.
  case baseline = 0
  /// AVX2 with fused multiply-add.
  case avx2 = 1
  /// AVX-512.
  case avx512 = 2

  /// The name that `SEGKERNELS_ISA` takes.
  public var description: String {
    switch self {
    case .baseline: "baseline"
    case .avx2: "avx2"
    case .avx512: "avx512"
    }
  }

  /// Whether this processor and its operating system have it.
  public var isSupported: Bool { sk_kernels(Int32(rawValue)) != nil }

  private static let setting = Atomic<Int>(initial().rawValue)

  /// The one in use: the highest that the processor has, or the level that `SEGKERNELS_ISA` names.
  public static var current: InstructionSet { InstructionSet(rawValue: setting.load(ordering: .relaxed))! }

  /// What `SEGKERNELS_ISA` asks for and cannot have, as a sentence for `doctor`; nil when all is well.
  public static var environmentProblem: String? {
    guard let text = getenv("SEGKERNELS_ISA").map({ String(cString: $0) }) else { return nil }
    guard let level = allCases.first(where: { $0.description == text }) else {
      return "SEGKERNELS_ISA=\(text) is not one of \(allCases.map(\.description).joined(separator: ", "))"
    }
    return level.isSupported ? nil : "SEGKERNELS_ISA=\(text) is not supported by this processor"
  }

  private static func initial() -> InstructionSet {
    let best = allCases.last { $0.isSupported }!
    guard let text = getenv("SEGKERNELS_ISA").map({ String(cString: $0) }) else { return best }
    if let problem = environmentProblem {
      let message = "segkernels: \(problem); using \(best)\n"
      _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
      return best
    }
    return allCases.first { $0.description == text }!
  }

  /// Runs `body` with another level: for tests. Other threads see it too.
  package func use<R>(_ body: () throws -> R) rethrows -> R {
    check(isSupported, "InstructionSet.use", "\(self) is not supported by this processor")
    let outer = Self.setting.exchange(rawValue, ordering: .relaxed)
    defer { Self.setting.store(outer, ordering: .relaxed) }
    return try body()
  }
}

/// The kernel table in use. Nowhere else does the package ask which processor it is on.
var kernels: SKKernels { sk_kernels(Int32(InstructionSet.current.rawValue)).pointee }
