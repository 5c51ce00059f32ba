/// What an implicit pyramid decoder is made of.
public struct ImplicitPyramidConfiguration: Sendable, Hashable {
  /// The channels of the levels after their 1×1 convolutions.
  public var width = 256
  /// Whether the coarsest level passes an ``AtrousPyramid`` (`no_aspp: False`) instead of a 1×1 convolution.
  public var hasAtrousPyramid = false
  /// Outputs of the hidden layers of the implicit function.
  public var hidden = [512, 256, 256]
  /// What the function is told about a query's place.
  public var encoding = EncodingKind.learned
  /// See ``ImplicitFunctionConfiguration/unfolds``.
  public var unfolds = false
  /// See ``ImplicitFunctionConfiguration/isEnsemble``.
  public var isEnsemble = false

  /// The released decoder.
  public init() {}
}

/// FPN-IFA: every level through a 1×1 convolution, norm and ReLU to one width, then the ``ImplicitFunction`` at any
/// positions. No feature map is ever enlarged.
///
/// Parameter names are the released ones: `head` of the coarsest level (and `aspp`), `ifa`, `enc1`, `enc2`, … of the
/// others.
public final class ImplicitPyramid: Module {
  private let laterals: [Sequential]
  private let atrous: AtrousPyramid?
  private let head: Sequential
  /// The implicit function behind the laterals.
  public let function: ImplicitFunction

  /// A decoder with zero weights.
  ///
  /// - Parameters:
  ///   - inputChannels: those of an encoder's maps, finest first.
  ///   - classes: how many logits a query gets.
  ///   - configuration: what the decoder is made of.
  public init(inputChannels: [Int], classes: Int, _ configuration: ImplicitPyramidConfiguration = .init()) {
    let width = configuration.width
    func lateral(_ input: Int) -> Sequential {
      Sequential(
        Conv2d(inputChannels: input, outputChannels: width, kernel: 1, bias: true), BatchNorm2d(channels: width), ReLU()
      )
    }
    laterals = inputChannels.dropLast().map(lateral)
    atrous = configuration.hasAtrousPyramid ? AtrousPyramid(inputChannels: inputChannels.last!) : nil
    head =
      atrous.map {
        Sequential(
          Conv2d(inputChannels: $0.outputChannels, outputChannels: width, kernel: 3, bias: false),
          BatchNorm2d(channels: width), ReLU(), Dropout(rate: 0.1, dropsChannels: true))
      } ?? lateral(inputChannels.last!)
    var function = ImplicitFunctionConfiguration(
      levelChannels: inputChannels.map { _ in width }, classes: classes)
    function.hidden = configuration.hidden
    function.encoding = configuration.encoding
    function.unfolds = configuration.unfolds
    function.isEnsemble = configuration.isEnsemble
    self.function = ImplicitFunction(function)
  }

  public var parts: [Part] {
    [Part("aspp", atrous), Part("head", head), Part("ifa", function)]
      + laterals.enumerated().map { Part("enc\($0 + 1)", $1) }
  }

  /// The levels that the implicit function reads, finest first.
  public func levels(_ maps: [Tensor]) -> [Tensor] {
    zip(laterals, maps).map { $0($1) } + [head(atrous?(maps.last!) ?? maps.last!)]
  }

  /// Logits at queries; by default at the centres of the finest map's cells, as released.
  public func callAsFunction(_ maps: [Tensor], at positions: QueryPositions? = nil) -> Tensor {
    let finest = Pair(height: maps[0].shape[2], width: maps[0].shape[3])
    return function(levels(maps), at: positions ?? .grid(finest))
  }
}

/// A network that can be asked at any resolution and at any points.
public protocol ResolutionFree: UnaryModule {
  /// Logits of images at queries.
  func callAsFunction(_ x: Tensor, at positions: QueryPositions) -> Tensor
}
