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
    ResultsPage(
      try paths.map {
        try readJSON(
          at: URL(fileURLWithPath: $0), expecting: "a file that can be read",
          contents: "expected a report.json of 'segkernels reproduce', found something else")
      })
  }
}
