import Foundation
import SegPipelines

/// A run's results beside the machine's limits: what `--json` prints and `--baseline` reads.
struct Report: Codable {
  let machine: Machine
  let results: [Measurement]

  /// Reads a baseline and sees to it that it can be compared with.
  init(baseline path: String, for machine: Machine) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.noInput, "\(path): missing, or not to be read")
    }
    do { self = try JSONDecoder().decode(Report.self, from: data) } catch {
      throw Failure(.data, "\(path): expected what --json prints, found something else")
    }
    guard self.machine.isa == machine.isa, self.machine.threads == machine.threads else {
      throw Failure(
        .data,
        "\(path): expected \(machine.isa) and \(machine.threads) threads, found \(self.machine.isa) and "
          + "\(self.machine.threads)")
    }
  }

  init(machine: Machine, results: [Measurement]) {
    self.machine = machine
    self.results = results
  }

  /// Prints a table: times, and rates beside the machine's limits.
  func printTable() {
    print(
      "\(machine.threads) threads, \(machine.isa), BLAS core \(machine.blas_core), "
        + String(
          format: "peak %.1f GFLOP/s (registers only), copy %.1f GB/s", machine.peak_gflop_per_second,
          machine.copy_gigabyte_per_second))
    let width = results.map(\.name.count).max() ?? 0
    print("name".padded(to: width) + "    median ms        p10–p90   GFLOP/s of peak      GB/s of copy")
    for row in results { print(row.name.padded(to: width) + "  " + columns(row)) }
  }

  private func columns(_ row: Measurement) -> String {
    func rate(_ value: Double?, of limit: Double) -> String {
      value.map { String(format: "%9.1f %6.0f%%", $0, $0 / limit * 100) } ?? "        –       –"
    }
    let spread = String(format: "%.3f–%.3f", row.p10_seconds * 1000, row.p90_seconds * 1000)
    return String(format: "%11.3f", row.median_seconds * 1000)
      + String(repeating: " ", count: max(1, 17 - spread.count))
      + spread + " " + rate(row.gflop_per_second, of: machine.peak_gflop_per_second) + " "
      + rate(row.gigabyte_per_second, of: machine.copy_gigabyte_per_second)
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
