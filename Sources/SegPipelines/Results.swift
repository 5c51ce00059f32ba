import Foundation
import SegFiles
import SegTraining

/// `segkernels results`: what `segkernels reproduce` wrote, as one page.
public enum Results {
  /// A page of reports.
  ///
  /// - Parameter paths: files `report.json` of experiments' folders.
  /// - Throws: `FileError` for what is missing or is no report.
  public static func page(of paths: [String]) throws -> ResultsPage {
    ResultsPage(try paths.map(report))
  }

  private static func report(at path: String) throws -> ExperimentRunner.Report {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw FileError(path: path, kind: .missing, problem: "expected a file that can be read, found none")
    }
    do {
      return try JSONDecoder().decode(ExperimentRunner.Report.self, from: bytes)
    } catch {
      throw FileError(path: path, problem: "expected a report.json of 'segkernels reproduce', found something else")
    }
  }
}
