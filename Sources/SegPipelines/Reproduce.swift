import Foundation
import SegAuxAdapt
import SegData
import SegFFNet
import SegFormats
import SegHS3
import SegIFA
import SegInverseForm
import SegKernels
import SegPISR
import SegPerceptualConsistency
import SegPretrained
import SegTraining
import SegXDistill

/// The papers whose claims can be tested, by name.
public enum Papers {
  /// All of them.
  public static let all: [any Reproduction] = [
    FFNetReproduction(), IFAReproduction(), InverseFormReproduction(), PISRReproduction(), HS3Reproduction(),
    PerceptualConsistencyReproduction(),
    AuxAdaptReproduction {
      let features = FeatureExtractor(try .bundled())
      return { PerceptualConsistency.scorer(features($0), features($1)) }
    },
    XDistillReproduction { try DepthTraining.teacher("streets") },
  ]

  /// Their names.
  public static var names: [String] { all.map(\.experiment.paper) }

  /// - Throws: `UsageError` for an unknown name.
  static func named(_ name: String) throws -> any Reproduction {
    guard let paper = all.first(where: { $0.experiment.paper == name }) else {
      throw UsageError("unknown paper '\(name)'; expected one of \(names.joined(separator: ", "))")
    }
    return paper
  }
}

/// `segkernels reproduce`: a paper's claim as a controlled experiment, or a slice of it.
public struct Reproduce {
  /// What is asked for.
  public struct Options: Sendable, Hashable {
    /// The data: `streets[:SEED]`, `cityscapes[:DIR]`, `camvid[:DIR]`, or another kind with labels, which is learnt
    /// from its split `train` and scored on `val`.
    public var data = "streets"
    /// How much is run.
    public var preset = Experiment.Preset.quick
    /// Seeds of every arm; nil for as many as the contrasts need.
    public var seeds: Int?
    /// Training steps of a run; nil for the recipe's.
    public var steps: Int?
    /// The arms to run; nil for all.
    public var arms: [String]?
    /// Whether arms start without the shared encoder.
    public var isFromScratch = false
    /// The experiment's folder; nil for `runs/reproduce-PAPER`.
    public var folder: String?

    /// The whole experiment on streets.
    public init() {}

    /// What makes no sense; nil if nothing.
    fileprivate func problem(for experiment: Experiment) -> String? {
      if let seeds, !(1...1000).contains(seeds) { return "--seeds: expected 1 to 1000, found \(seeds)" }
      if let steps, steps < 1 { return "--steps: expected at least 1, found \(steps)" }
      guard let arms else { return nil }
      let known = experiment.arms.map(\.name)
      if let stray = arms.first(where: { !known.contains($0) }) {
        return "--arms: \(experiment.paper) has no arm '\(stray)'; expected some of \(known.joined(separator: ","))"
      }
      let isEachOnce = !arms.isEmpty && Set(arms).count == arms.count
      return isEachOnce ? nil : "--arms: expected arms, each once, found '\(arms.joined(separator: ","))'"
    }
  }

  private let runner: ExperimentRunner
  private let options: Options
  /// The experiment's folder.
  public let folder: URL

  /// A paper's experiment by its name.
  ///
  /// - Throws: `UsageError` for choices that make no sense, `FileError` for data.
  public init(_ paper: String, _ options: Options) throws {
    let reproduction = try Papers.named(paper)
    if let problem = options.problem(for: reproduction.experiment) { throw UsageError(problem) }
    self.options = options
    folder = URL(fileURLWithPath: options.folder ?? "runs/reproduce-\(reproduction.experiment.paper)")
    let data = try Reproduce.data(
      options.data, size: reproduction.size(options.preset), options,
      keepsInstances: reproduction is PISRReproduction)
    for arm in reproduction.experiment.arms {
      let batch = reproduction.recipe(arm, options.preset).batch, samples = data.folds.map(\.train.count).min() ?? 0
      guard samples >= batch else {
        throw UsageError("--data \(options.data): a batch of \(batch) needs as many samples, found \(samples)")
      }
    }
    let setup = RunSetup(
      preset: options.preset, data: data, steps: options.steps,
      encoder: options.isFromScratch ? nil : try Reproduce.encoder(), folder: folder)
    runner = ExperimentRunner(reproduction, setup)
  }

  /// Runs what is missing, and says what all finished runs in the folder add up to.
  public func run(_ progress: ExperimentRunner.Progress = { _, _, _, _ in }) throws -> ExperimentRunner.Report {
    try runner.run(arms: options.arms, seeds: options.seeds, progress)
  }

  /// Streets that no weights of this package were trained on.
  private static let ownStreets: UInt64 = 2

  private static func data(
    _ text: String, size: Pair, _ options: Options, keepsInstances: Bool
  ) throws -> ExperimentData {
    let given = text == "streets" ? "streets:\(ownStreets)" : text, source = try DataSource(given)
    let name = source.kind == "streets" ? given : source.title
    switch source.kind {
    case "streets":
      guard options.isFromScratch || source.streets(split: "train")!.seed != 1 else {
        throw UsageError(
          "--data \(text): the shared encoder was trained on streets of seed 1; expected another seed or --from-scratch"
        )
      }
      func streets(_ split: String) throws -> CachedDataset {
        try source.streets(split: split, size: size)!.cached(keepsInstances: keepsInstances)
      }
      var data = ExperimentData(name, folds: [.init(train: try streets("train"), test: try streets("test"))])
      data.streets = { source.streets(split: $0, size: $1)! }
      data.terms = source.terms
      if keepsInstances {
        let folder = DataSource.researchData.appendingPathComponent("cityscapes-panoptic")
        data.foreign = try? Cityscapes(root: folder, split: "train")
      }
      let clips = DataSource.researchData.appendingPathComponent("cityscapes-video")
      data.foreignClips = (0..<4).compactMap {
        try? FrameFolder(clips.appendingPathComponent("seq000\($0)"), prefix: "frame_")
      }
      return data
    case "cityscapes":
      // Published splits where there are both; the quarter-size excerpt has one, and is cross-validated.
      if let validation = try? source.dataset(split: "val") {
        return ExperimentData(name, folds: [.init(train: try source.dataset(split: "train"), test: validation)])
      }
      var data = try ExperimentData.crossValidation(name, of: source.dataset(split: "train"), folds: 4, steps: 600)
      data.terms = source.terms
      return data
    default:
      var data = ExperimentData(
        name, folds: [.init(train: try source.dataset(split: "train"), test: try source.dataset(split: "val"))])
      data.terms = source.terms
      if source.kind == "camvid" {
        data.isCaseStudy = true
        data.notes = ["CamVid's val split is one clip of a street that also occurs in training"]
      }
      return data
    }
  }

  /// The encoder of the bundled `streets` weights, by the names of its own parameters.
  private static func encoder() throws -> [String: Tensor] {
    try BundledWeights.streets.archive().tensors.renamed("backbone_model.", to: "")
  }
}
