import Glibc
import Synchronization

/// How many threads the kernels use: the one knob of the package.
public enum Threads {
  private static let setting = Atomic<Int>(initial())

  /// The number of threads that a parallel region may use, the caller's included.
  ///
  /// At first `SEGKERNELS_THREADS`, else the processors that this process may run on, cut to its cgroup's quota.
  /// Results have the same bits for any number. Traps when set below 1.
  public static var count: Int {
    get { setting.load(ordering: .relaxed) }
    set {
      check(newValue >= 1, "Threads.count", "must be at least 1, found \(newValue)")
      setting.store(newValue, ordering: .relaxed)
    }
  }

  /// The processors that this process may use: its affinity mask, cut to the CPU quota of its cgroup.
  public static var available: Int {
    // "Cpus_allowed: ff,ffffffff": a bit a processor. The header of sched_getaffinity is hidden from Swift.
    let mask = SystemFile.lines(of: "/proc/self/status").first { $0.hasPrefix("Cpus_allowed:") }
    let allowed = mask?.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
    let affine = allowed ?? sysconf(Int32(_SC_NPROCESSORS_ONLN))
    guard let quota = cgroupQuota() else { return max(affine, 1) }
    return max(1, min(affine, Int(quota.rounded(.up))))
  }

  private static func initial() -> Int {
    if let text = getenv("SEGKERNELS_THREADS"), let count = Int(String(cString: text)), count >= 1 { return count }
    return available
  }

  /// Processors by the quota of cgroup v2 or v1; nil without a limit.
  private static func cgroupQuota() -> Double? {
    if let line = SystemFile.lines(of: "/sys/fs/cgroup/cpu.max").first {
      let parts = line.split(separator: " ").map { Double($0) }
      if parts.count == 2, let quota = parts[0], let period = parts[1], period > 0 { return quota / period }
      return nil
    }
    guard let quota = SystemFile.lines(of: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us").first.flatMap({ Double($0) }),
      quota > 0,
      let period = SystemFile.lines(of: "/sys/fs/cgroup/cpu/cpu.cfs_period_us").first.flatMap({ Double($0) }),
      period > 0
    else { return nil }
    return quota / period
  }

  /// Runs `body` with another number of threads: for tests.
  package static func with<R>(_ count: Int, _ body: () throws -> R) rethrows -> R {
    let outer = self.count
    self.count = count
    defer { self.count = outer }
    return try body()
  }
}
