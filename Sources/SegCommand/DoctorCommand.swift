#if Tools
  import ArgumentParser
  import SegPipelines

  struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "doctor", abstract: "Say how the package sees this machine, what is wrong, and how to mend it.")

    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      try reportingErrors {
        let doctor = Doctor()
        if json { return try Console.json(doctor) }
        print("segkernels        \(doctor.version)")
        print("processor         \(doctor.processor)")
        print("instruction sets  \(doctor.instructionSets.joined(separator: ", ")); in use: \(doctor.instructionSet)")
        print("threads           \(doctor.threads) of \(doctor.processors) processors")
        print("BLAS              \(doctor.blas), core \(doctor.blasCore), one thread a call")
        print("build             \(doctor.build)")
        for finding in doctor.findings { print("problem: \(finding.problem)\n  mend: \(finding.remedy)") }
        if doctor.findings.isEmpty { print("nothing is wrong") }
      }
    }
  }
#endif
