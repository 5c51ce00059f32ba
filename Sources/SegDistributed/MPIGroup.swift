#if MPI
  import CMPI
  import SegKernels

  /// The processes of an MPI program (`MPI_COMM_WORLD`). MPI is called by one thread alone, the one that trains.
  struct MPIGroup: ProcessGroup {
    let rank: Int, size: Int
    /// Processes on this machine.
    let neighbours: Int

    /// Joins the others. Once a process.
    init() {
      var (rank, size, neighbours): (Int32, Int32, Int32) = (0, 1, 1)
      cmpi_start(&rank, &size, &neighbours)
      (self.rank, self.size, self.neighbours) = (Int(rank), Int(size), Int(neighbours))
    }

    func sum(_ values: UnsafeMutableBufferPointer<Double>) {
      guard let start = values.baseAddress, !values.isEmpty else { return }
      cmpi_sum_doubles(start, Int32(values.count))
    }

    func beginSum(_ values: UnsafeMutableBufferPointer<Float>) -> any PendingSum {
      Pending(cmpi_begin_sum_floats(values.baseAddress, Int32(values.count)))
    }

    func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
      check(
        own.count % 4 == 0 && all.count == size * own.count, "ProcessGroup.gather",
        "expected room for \(size) × \(own.count) bytes, found \(all.count)")
      cmpi_gather_words(own.baseAddress, Int32(own.count / 4), all.baseAddress)
    }

    func wait() { cmpi_barrier() }
    func abort(status: Int32) -> Never { cmpi_abort(status) }

    private final class Pending: PendingSum {
      /// Nil once it is done.
      private var request: UnsafeMutableRawPointer?

      init(_ request: UnsafeMutableRawPointer?) { self.request = request }

      func isDone() -> Bool {
        if let request, cmpi_test(request) != 0 { self.request = nil }
        return request == nil
      }

      func finish() {
        if let request { cmpi_wait(request) }
        request = nil
      }
    }
  }
#endif
