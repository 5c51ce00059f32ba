import SegKernels

/// What `segkernels doctor` says: the machine as the package sees it, and what is wrong with it.
public struct Doctor: Sendable, Codable {
  /// One thing that is wrong, and how to mend it.
  public struct Finding: Sendable, Codable {
    public let problem: String
    public let remedy: String
  }

  public let instructionSets: [String]
  public let instructionSet: String
  public let processors: Int
  public let threads: Int
  public let blasCore: String
  public let blas: String
  public let build: String
  public let findings: [Finding]

  /// Examines this machine.
  public init() {
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
