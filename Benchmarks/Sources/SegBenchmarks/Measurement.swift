import SegKernels

/// What is timed under one name: made ready, then run again and again.
struct Workload {
  /// What is timed; baselines are compared by it.
  let name: String
  /// Of one run, a multiply-add counting 2; nil where nobody counts them.
  var floatingPointOperations: Int?
  /// That must be read or written at least in one run.
  var bytes: Int?
  /// Makes one ready and returns what runs it once and says how long that took.
  let prepare: () -> () -> Duration
}

/// The times of a workload.
struct Measurement: Codable {
  // The names are those of the JSON.
  let name: String
  /// Timed repetitions.
  let repetitions: Int
  let median_seconds: Double
  /// One of ten repetitions took no longer, and nine of ten.
  let p10_seconds: Double, p90_seconds: Double
  /// At the median.
  let gflop_per_second: Double?, gigabyte_per_second: Double?

  /// Runs a workload twice untimed, then at least five times and for `seconds`.
  init(_ workload: Workload, seconds: Double) {
    let run = workload.prepare()
    let clock = ContinuousClock(), start = clock.now
    for _ in 0..<2 { _ = run() }
    var times: [Double] = []
    while times.count < 5 || ((clock.now - start).inSeconds < seconds && times.count < 1000) {
      times.append(run().inSeconds)
    }
    times.sort()
    let median = times[times.count / 2]
    name = workload.name
    repetitions = times.count
    median_seconds = median
    p10_seconds = times[times.count / 10]
    p90_seconds = times[min(times.count * 9 / 10, times.count - 1)]
    gflop_per_second = workload.floatingPointOperations.map { Double($0) / median / 1e9 }
    gigabyte_per_second = workload.bytes.map { Double($0) / median / 1e9 }
  }
}
