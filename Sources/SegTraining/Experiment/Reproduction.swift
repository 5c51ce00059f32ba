import Foundation
import SegData
import SegImages
import SegKernels

// A paper joins `segkernels reproduce` with one value of its own that conforms to `Reproduction`:
//
//   1. `experiment`: arms, contrasts, fixed before the first run;
//   2. `size`: rows and columns of images in a preset;
//   3. `recipe(_:_:)`: all that a run depends on beside what the setup holds; its hash tells finished runs apart;
//   4. `run(_:seed:setup:_:)`: one arm, one seed, all phases.
//
// A paper that trains a network to segment images conforms to `SegmentationReproduction` instead, which supplies 4: it
// says which network and loss an arm has, and is done. `FFNetReproduction` is an example, and is registered in
// SegPipelines' `Papers`.

/// A paper's experiment and how one run of it goes.
public protocol Reproduction: Sendable {
  /// The arms and the contrasts.
  var experiment: Experiment { get }

  /// Rows and columns of the images in a preset.
  func size(_ preset: Experiment.Preset) -> Pair

  /// The recipe of an arm, its settings applied; data, steps and seed are filled in by whoever runs it.
  ///
  /// Whatever else a result depends on belongs into the arm's settings.
  func recipe(_ arm: Experiment.Arm, _ preset: Experiment.Preset) -> Recipe

  /// Why an arm cannot be run on some data; nil, as by default, where it can. Such arms are left out unless asked for.
  func problem(of arm: Experiment.Arm, on data: ExperimentData) -> String?

  /// Trains and scores one arm. Paired with the other arms: initial values follow from (seed, parameter's name), order
  /// and augmentation from (seed, epoch, sample).
  ///
  /// - Parameters:
  ///   - arm: which arm.
  ///   - seed: of everything that is drawn.
  ///   - setup: what all runs share.
  ///   - report: called with what is done, how much of it is done, of how much.
  func run(
    _ arm: Experiment.Arm, seed: UInt64, setup: RunSetup, _ report: @escaping (String, Int, Int) -> Void
  ) throws -> RunResult
}

extension Reproduction {
  public func problem(of arm: Experiment.Arm, on data: ExperimentData) -> String? { nil }
}

/// What runs of an experiment share.
public struct RunSetup: Sendable {
  /// How much is run.
  public var preset: Experiment.Preset
  /// What is learnt from, and scored on.
  public var data: ExperimentData
  /// Training steps that the user asked for in place of the recipe's.
  public var steps: Int?
  /// The encoder that all arms start from, by the names of its own parameters (`conv0.weight`, `layer1.0.conv1.weight`,
  /// …): that of the package's `streets` weights. Nil for a start from scratch.
  public var encoder: [String: Tensor]?
  /// Where the run may keep checkpoints: a folder of its own, deleted when it is done.
  public var folder: URL
  /// Where runs keep what other runs of the experiment need as well. It stays; names must tell apart what depends on
  /// recipe, seed and fold.
  public var shared: URL
  /// Which of the data's folds is being run.
  public var fold = 0

  /// A setup.
  public init(
    preset: Experiment.Preset, data: ExperimentData, steps: Int? = nil, encoder: [String: Tensor]? = nil, folder: URL
  ) {
    self.preset = preset
    self.data = data
    self.steps = steps
    self.encoder = encoder
    self.folder = folder
    shared = folder.appendingPathComponent("shared")
  }

  /// Steps to train: those that the user asked for, else the data's own, else the recipe's.
  public func steps(of recipe: Recipe) -> Int { steps ?? data.steps ?? recipe.steps }

  /// How many of `count` things (images, repetitions) another phase looks at: no more than the steps that the user
  /// asked for, so that `--steps 30` cuts every phase.
  public func cut(_ count: Int) -> Int { min(count, max(steps ?? count, 4)) }

  /// The first of a data set's samples, as many as ``cut(_:)`` leaves.
  public func cut(_ dataset: any SegmentationDataset) -> any SegmentationDataset {
    let names = Set((0..<cut(dataset.count)).map(dataset.name(at:)))
    return names.count == dataset.count ? dataset : DatasetSelection(dataset, where: names.contains)
  }
}

/// The data of an experiment: one split into what is learnt from and what is scored, or several, whose scores are those
/// of all test images together (cross-validation).
public struct ExperimentData: Sendable {
  /// One split.
  public struct Fold: Sendable {
    /// What is learnt from, and what is scored; disjoint.
    public let train, test: any SegmentationDataset

    /// A split.
    public init(train: any SegmentationDataset, test: any SegmentationDataset) {
      self.train = train
      self.test = test
    }
  }

  /// As the command line names it.
  public var name: String
  /// The splits.
  public var folds: [Fold]
  /// The steps of each fold; nil where the recipe's hold.
  public var steps: Int?
  /// Classes that are too rare to be scored.
  public var unscored: Set<Int32> = []
  /// Whether it is a single case: the answer then has no interval.
  public var isCaseStudy = false
  /// What a reader must know of the data. One sentence each.
  public var notes: [String] = []
  /// The terms of the data.
  public var terms = ""
  /// Real images to look at beside the test data, without a claim; nil for none.
  public var foreign: (any SegmentationDataset)?
  /// Real clips to look at beside the test data, without a claim: frames of Cityscapes' camera.
  public var foreignClips: [any FrameSequence] = []
  /// Streets of a split at a size, where the data are made up: for clips, depth, and labels at other resolutions.
  public var streets: (@Sendable (_ split: String, _ size: Pair) -> StreetScenes)?

  /// Data of given splits.
  public init(_ name: String, folds: [Fold], steps: Int? = nil) {
    self.name = name
    self.folds = folds
    self.steps = steps
  }

  /// Cross-validation by the order of the samples: fold k of n is scored on the k-th n-th of them and learns from the
  /// rest. Classes that fewer than `leastImages` images hold are not scored, and the notes say so.
  ///
  /// - Throws: what reading the labels throws.
  public static func crossValidation(
    _ name: String, of dataset: any SegmentationDataset, folds: Int, steps: Int, leastImages: Int = 10
  ) throws -> ExperimentData {
    let names = (0..<dataset.count).map(dataset.name(at:))
    var data = ExperimentData(
      name,
      folds: (0..<folds).map { fold in
        let test = Set(names[(fold * names.count / folds)..<((fold + 1) * names.count / folds)])
        return Fold(
          train: DatasetSelection(dataset) { !test.contains($0) }, test: DatasetSelection(dataset, where: test.contains)
        )
      }, steps: steps)
    var images = [Int](repeating: 0, count: dataset.classes.count)
    for index in 0..<dataset.count {
      for label in Set(try dataset.sample(at: index).labels.values) where images.indices.contains(Int(label)) {
        images[Int(label)] += 1
      }
    }
    let rare = images.indices.filter { images[$0] < leastImages }
    data.unscored = Set(rare.map(Int32.init))
    data.notes.append("\(folds)-fold cross-validation over \(names.count) images, in the order of their files")
    if !rare.isEmpty {
      data.notes.append(
        "classes in fewer than \(leastImages) images are not scored: "
          + rare.map { "\(dataset.classes.names[$0]) (\(images[$0]))" }.joined(separator: ", "))
    }
    return data
  }
}
