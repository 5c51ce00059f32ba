import SegKernels

/// One decoder of Panoptic-DeepLab: atrous pyramid on the coarsest map, then finer and finer maps joined to it.
///
/// y ← pyramid(coarsest); for each skip, y ← fuse([enlarged y, project(skip)]). `project` is a 1×1, `fuse` a 5×5 depthwise
/// and a 1×1 convolution, each with norm and ReLU. Parameter names are the released ones. Cheng et al. 2020, figure 2;
/// resizing aligns corners, as released.
public final class PanopticDecoder: Module {
  /// The widths of a decoder.
  public struct Widths: Sendable, Hashable {
    /// Of the pyramid's branches.
    public var pyramid: Int
    /// Of the result.
    public var output: Int
    /// Of the projected skips, coarsest first.
    public var skips: [Int]
    /// Of the heads' hidden maps.
    public var head: Int

    /// Given widths.
    public init(pyramid: Int, output: Int, skips: [Int], head: Int) {
      self.pyramid = pyramid
      self.output = output
      self.skips = skips
      self.head = head
    }
  }

  private let pyramid: ProjectedPyramid
  private let projections: [Sequential], fusions: [Sequential]

  /// A decoder with zero weights.
  ///
  /// - Parameters:
  ///   - inputChannels: of the encoder's maps, finest first; the coarsest, and one more for each skip, are used.
  ///   - widths: those of its maps.
  ///   - dilations: of the atrous pyramid's convolutions.
  public init(inputChannels: [Int], _ widths: Widths, dilations: [Int] = [3, 6, 9]) {
    pyramid = ProjectedPyramid(inputChannels: inputChannels.last!, width: widths.pyramid, dilations: dilations)
    let skips = zip(inputChannels.dropLast().reversed(), widths.skips)
    projections = skips.map { input, width in
      Sequential(
        Conv2d(inputChannels: input, outputChannels: width, kernel: 1, bias: false), BatchNorm2d(channels: width),
        ReLU())
    }
    fusions = widths.skips.enumerated().map { index, skip in
      separable((index == 0 ? widths.pyramid : widths.output) + skip, widths.output)
    }
  }

  public var parts: [Part] {
    [Part("aspp", pyramid)] + projections.enumerated().map { Part("project.\($0)", $1) }
      + fusions.enumerated().map { Part("fuse.\($0)", $1) }
  }

  /// A map of the finest skip's size.
  public func callAsFunction(_ maps: [Tensor]) -> Tensor {
    var y = pyramid(maps.last!)
    for (index, (project, fuse)) in zip(projections, fusions).enumerated() {
      let skip = project(maps[maps.count - 2 - index])
      let size = Pair(height: skip.shape[2], width: skip.shape[3])
      y = fuse(concatenate([resize(y, to: size, alignCorners: true), skip], axis: 1))
    }
    return y
  }
}

/// A 5×5 depthwise and a 1×1 convolution, each with norm and ReLU, under the released names.
func separable(_ input: Int, _ output: Int) -> Sequential {
  Sequential([
    ("0.0.0", Conv2d(inputChannels: input, outputChannels: input, kernel: 5, groups: input, bias: false)),
    ("0.0.1", BatchNorm2d(channels: input)), ("0.0.2", ReLU()),
    ("0.1", Conv2d(inputChannels: input, outputChannels: output, kernel: 1, bias: false)),
    ("0.2", BatchNorm2d(channels: output)), ("0.3", ReLU()),
  ])
}

/// Atrous spatial pyramid pooling whose branches are joined to one branch's width, as Panoptic-DeepLab released it: the
/// image's mean comes last and has no norm.
final class ProjectedPyramid: UnaryModule {
  private let branches: [Sequential]
  private let mean: Conv2d
  private let projection: Sequential

  init(inputChannels: Int, width: Int, dilations: [Int], dropout: Float = 0.5) {
    func unit(_ input: Int, _ kernel: Int, _ dilation: Int) -> [(String, any UnaryModule)] {
      [
        (
          "0",
          Conv2d(
            inputChannels: input, outputChannels: width, kernel: Pair(kernel), dilation: Pair(dilation), bias: false)
        ), ("1", BatchNorm2d(channels: width)), ("2", ReLU()),
      ]
    }
    branches = [Sequential(unit(inputChannels, 1, 1))] + dilations.map { Sequential(unit(inputChannels, 3, $0)) }
    mean = Conv2d(inputChannels: inputChannels, outputChannels: width, kernel: 1, bias: false)
    projection = Sequential(unit((dilations.count + 2) * width, 1, 1) + [("3", Dropout(rate: dropout))])
  }

  var parts: [Part] {
    branches.enumerated().map { Part("convs.\($0)", $1) }
      + [Part("convs.\(branches.count).aspp_pooling.1", mean), Part("project", projection)]
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let size = Pair(height: x.shape[2], width: x.shape[3])
    let mean = resize(relu(mean(adaptiveAveragePool2d(x, outputSize: 1))), to: size)
    return projection(concatenate(branches.map { $0(x) } + [mean], axis: 1))
  }
}

/// A head behind a decoder: 5×5 separable to a hidden width, then 1×1 to the outputs.
///
/// The last layer starts near zero, N(0, 0.001²) as detectron2's: squared errors count 200 times, and He's rule would begin
/// in the thousands.
final class PanopticHead: UnaryModule {
  private let hidden: Sequential
  private let last: Conv2d

  init(inputChannels: Int, hidden width: Int, outputs: Int) {
    hidden = separable(inputChannels, width)
    last = Conv2d(
      inputChannels: width, outputChannels: outputs, kernel: 1, bias: true,
      initialization: .normal(deviation: 0.001, bias: 0))
  }

  var parts: [Part] { [Part("0", hidden), Part("1", last)] }

  func callAsFunction(_ x: Tensor) -> Tensor { last(hidden(x)) }
}
