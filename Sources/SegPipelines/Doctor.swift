import SegKernels

/// The version of the package.
public let packageVersion = "0.1.0"

/// What `segkernels doctor` says: the machine as the package sees it, and what is wrong with it.
public struct Doctor: Sendable, Codable {
  /// One thing that is wrong, and how to mend it.
  public struct Finding: Sendable, Codable {
    /// What is wrong.
    public let problem: String
    /// How to mend it.
    public let remedy: String
  }

  /// The package's version.
  public let version: String
  /// What its maker calls the processor.
  public let processor: String
  /// Levels that this processor has.
  public let instructionSets: [String]
  /// The level in use.
  public let instructionSet: String
  /// Processors that this process may use.
  public let processors: Int
  /// Threads that kernels use.
  public let threads: Int
  /// The kernels that OpenBLAS picked.
  public let blasCore: String
  /// OpenBLAS's version and options.
  public let blas: String
  /// `debug` or `release`.
  public let build: String
  /// What is wrong; empty when all is well.
  public let findings: [Finding]

  /// Examines this machine.
  public init() {
    version = packageVersion
    processor = Processor.name
    instructionSets = InstructionSet.allCases.filter(\.isSupported).map(\.description)
    instructionSet = InstructionSet.current.description
    processors = Threads.available
    threads = Threads.count
    blasCore = BLAS.coreName
    blas = BLAS.configuration.split(separator: " ").joined(separator: " ")
    #if DEBUG
      build = "debug"
    #else
      build = "release"
    #endif
    var findings: [Finding] = []
    if let problem = InstructionSet.environmentProblem {
      findings.append(Finding(problem: problem, remedy: "unset SEGKERNELS_ISA, or name a level listed above"))
    }
    if build == "debug" {
      findings.append(
        Finding(problem: "this is a debug build: Swift code runs many times slower", remedy: "build with '-c release'"))
    }
    if threads > processors {
      findings.append(
        Finding(
          problem: "\(threads) threads on \(processors) processors", remedy: "set SEGKERNELS_THREADS to \(processors)"))
    }
    if instructionSets.count == 1 {
      findings.append(
        Finding(
          problem: "this processor has neither AVX2 nor AVX-512: kernels run at the baseline",
          remedy: "nothing to mend; expect a fraction of the published speed"))
    }
    self.findings = findings
  }
}
