import Glibc
import SegKernels

#if MPI
  import CMPI
#endif

/// How this process was started: alone, or with others by mpirun.
public enum ProcessLaunch {
  /// Started with others by a program that cannot bring them together.
  public struct NoMPI: Error, CustomStringConvertible {
    /// Processes that were started.
    public let processes: Int

    public var description: String {
      "started as one of \(processes) processes, but built without MPI; build with '--traits MPI,Tools'"
    }
  }

  /// The number of processes that were started together: what Open MPI, or another launcher, says in the environment.
  public static var processes: Int {
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"] {
      if let text = getenv(name), let count = Int(String(cString: text)) { return count }
    }
    return 1
  }

  /// Runs `body` with the group of the processes that were started together, nil where this one was started alone, and
  /// leaves the group.
  ///
  /// - Parameters:
  ///   - sharesProcessors: give each process of this machine its share of the processors, unless `SEGKERNELS_THREADS`
  ///     says otherwise.
  ///   - onError: where there are several processes, gets what `body` throws; all of them then end with the status that
  ///     it returns.
  ///   - body: what the process does.
  /// - Throws: ``NoMPI``, and what `body` throws where there is one process.
  public static func join(
    sharesProcessors: Bool = true, onError: (_ rank: Int, any Error) -> Int32,
    _ body: ((any ProcessGroup)?) throws -> Void
  ) throws {
    guard processes > 1 else { return try body(nil) }
    #if MPI
      let group = MPIGroup()
      if sharesProcessors, getenv("SEGKERNELS_THREADS") == nil {
        let share = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) / group.neighbours
        Threads.count = max(1, min(Threads.available, share))
      }
      do { try body(group) } catch { group.abort(status: onError(group.rank, error)) }
      cmpi_finish()
    #else
      throw NoMPI(processes: processes)
    #endif
  }
}
