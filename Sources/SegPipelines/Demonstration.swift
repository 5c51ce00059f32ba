#if Tools
  import Foundation
  import SegData
  import SegFiles
  import SegImages
  import SegKernels
  import SegMetrics
  import SegTraining

  /// `scripts/demo`: a network trained on seeded scenes in a minute, or the one that an earlier run left, at work.
  public struct Demonstration: Sendable {
    /// The pictures: photographs, truths, predictions and errors side by side, and the first scene's own files.
    public let files: [String]
    /// IoU by class name, on scenes that training never saw.
    public let scores: [(name: String, iou: Double?)]
    /// The mean of the scores.
    public let meanIoU: Double

    /// - Parameters:
    ///   - folder: for the run and the pictures.
    ///   - report: called after every training step.
    public init(in folder: URL, _ report: (Trainer.Progress) -> Void) throws {
      let run = folder.appendingPathComponent("run"), weights = run.appendingPathComponent("weights.safetensors")
      if !FileManager.default.fileExists(atPath: weights.path) {
        // A run that was interrupted begins anew: it takes a minute.
        try? FileManager.default.removeItem(at: run)
        _ = try TrainingRun(RecipeFile.read("demo"), folder: run, resume: false).run(report)
      }
      let segmenter = try Segmenter(weights: .file(weights))
      let scenes = StreetScenes(split: "test", count: 16)
      let table = scenes.classes
      var matrix = ConfusionMatrix(classes: table.count)
      var pictures: [Image] = []
      for index in 0..<scenes.count {
        let sample = scenes.sample(at: index)
        let labels = segmenter(sample.image).labels
        matrix.add(prediction: labels, truth: sample.labels)
        if index < 4 {
          pictures += [
            sample.image, Image(sample.labels, palette: table.palette),
            overlay(image: sample.image, labels: labels, palette: table.palette),
            errorMap(prediction: labels, truth: sample.labels, ignoreIndex: table.ignoreIndex),
          ]
        }
      }
      let names = ["scene.png", "truth.png", "overlay.png", "errors.png"].map(folder.appendingPathComponent)
      for (picture, name) in zip(pictures, names) { try picture.writePNG(to: name, overwrite: true) }
      let sheet = folder.appendingPathComponent("sheet.png")
      try contactSheet(pictures, columns: 4).writePNG(to: sheet, overwrite: true)
      files = ([sheet] + names).map(\.relativePath)
      scores = zip(table.names, matrix.iou()).map { ($0, $1) }
      meanIoU = matrix.meanIoU()
    }
  }
#endif
