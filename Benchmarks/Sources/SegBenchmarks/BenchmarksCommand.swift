import ArgumentParser

/// `benchmarks`: how fast the package's parts are, beside what the machine could do at most.
@main
struct BenchmarksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks",
    abstract: "Time operations, layers, the gain of threads, the loader and arms of experiments.",
    discussion: """
      Results go to stdout, progress to stderr. Exit codes: 0 done, 1 slower than the baseline, 64 wrong usage, 65 a \
      baseline that does not fit, 66 a missing one. Networks as a whole: 'segkernels bench'; beside other engines: \
      Benchmarks/peers.
      """,
    subcommands: [Operations.self, Layers.self, Scaling.self, ImplicitDecoder.self, Loader.self, Arms.self])
}
