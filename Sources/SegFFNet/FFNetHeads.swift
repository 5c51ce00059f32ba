import SegKernels

/// Convolution, norm, ReLU: the only unit of FFNet's heads, its parts named `layers.0` and `layers.1`.
func convolutionUnit(_ input: Int, _ output: Int, kernel: Int) -> Sequential {
  Sequential([
    (
      "layers",
      Sequential(
        Conv2d(inputChannels: input, outputChannels: output, kernel: Pair(kernel), bias: false),
        BatchNorm2d(channels: output), ReLU())
    )
  ])
}

/// A 1×1 unit a level, from the backbone's widths to the up-head's.
final class Adapter: Module {
  private let units: [Sequential]

  init(from widths: [Int], to base: [Int]) {
    units = zip(widths, base).map { convolutionUnit($0, $1, kernel: 1) }
  }

  var parts: [Part] { [Part("adapter_conv", units)] }

  func callAsFunction(_ maps: [Tensor]) -> [Tensor] { zip(units, maps).map { $0($1) } }
}

/// The top-down path: each level takes in the enlarged level below it, and leaves a smoothed map.
///
/// s32 = smooth(a32); for k = 16, 8, 4: t_k = up(reduce(t_2k)) + a_k, s_k = smooth(t_k).
final class UpHead: Module {
  private let smooth: [Sequential]
  private let reduce: [Sequential]
  private let isMobile: Bool

  init(base: [Int], output: [Int], isMobile: Bool) {
    smooth = zip(base, output).map { convolutionUnit($0, $1, kernel: 3) }
    reduce = (1..<4).map { convolutionUnit(base[$0], base[$0 - 1], kernel: 1) }
    self.isMobile = isMobile
  }

  var parts: [Part] {
    (1..<4).reversed().flatMap { level in
      [Part("fam_\(4 << level)_sm", smooth[level]), Part("fam_\(4 << level)_up", reduce[level - 1])]
    } + [Part("fam_4", smooth[0])]
  }

  /// The smoothed maps s4 … s32, and the sums t4 … t16 that they come from, finest first.
  func callAsFunction(_ maps: [Tensor]) -> (smoothed: [Tensor], sums: [Tensor]) {
    var top = maps[3]
    var outputs = [smooth[3](top)], sums: [Tensor] = []
    for level in (0..<3).reversed() {
      let size = Pair(height: maps[level].shape[2], width: maps[level].shape[3])
      top = enlarged(reduce[level](top), to: size) + maps[level]
      sums.insert(top, at: 0)
      outputs.insert(smooth[level](top), at: 0)
    }
    return (outputs, sums)
  }

  /// Bilinear with aligned corners; nearest in mobile models.
  func enlarged(_ x: Tensor, to size: Pair) -> Tensor {
    resize(x, to: size, isMobile ? .nearest : .bilinear, alignCorners: !isMobile)
  }
}

/// 3×3 to the hidden width, norm, ReLU, then the classes; both convolutions have biases.
final class SegmentationHead: UnaryModule {
  private let layers: Sequential

  init(inputChannels: Int, hidden: Int, kernel: Int, classes: Int) {
    layers = Sequential(
      Conv2d(inputChannels: inputChannels, outputChannels: hidden, kernel: 3, bias: true),
      BatchNorm2d(channels: hidden),
      ReLU(), Conv2d(inputChannels: hidden, outputChannels: classes, kernel: Pair(kernel), bias: true))
  }

  var parts: [Part] { [Part("last_layer", layers)] }

  func callAsFunction(_ x: Tensor) -> Tensor { layers(x) }
}

/// The ImageNet head: the four maps are widened by bottlenecks and added bottom-up, then pooled and classified.
final class ClassificationHead: Module {
  private let expansion: [BottleneckExpansion]
  private let downsampling: [Sequential]
  private let final: Sequential
  private let classifier: Linear
  private let dropout: Dropout?

  init(inputChannels: [Int], dropout rate: Float?, classes: Int) {
    let widths = [128, 256, 512, 1024]
    expansion = zip(inputChannels, widths).map { BottleneckExpansion(inputChannels: $0, outputChannels: $1) }
    downsampling = (1..<4).map { level in
      Sequential(
        Conv2d(inputChannels: widths[level - 1], outputChannels: widths[level], kernel: 3, stride: 2, bias: true),
        BatchNorm2d(channels: widths[level]), ReLU())
    }
    final = Sequential(
      Conv2d(inputChannels: 1024, outputChannels: 2048, kernel: 1, bias: true), BatchNorm2d(channels: 2048), ReLU())
    classifier = Linear(inputFeatures: 2048, outputFeatures: classes)
    dropout = rate.map { Dropout(rate: $0) }
  }

  var parts: [Part] {
    [
      Part("expansion_layers", expansion), Part("downsampling_layers", downsampling), Part("final_layer", final),
      Part("classifier", classifier),
    ]
  }

  func callAsFunction(_ maps: [Tensor]) -> Tensor {
    let expanded = zip(expansion, maps).map { $0($1) }
    let y = zip(downsampling, expanded.dropFirst()).reduce(expanded[0]) { $1.1 + $1.0($0) }
    let pooled = adaptiveAveragePool2d(final(y), outputSize: 1).reshaped(y.shape[0], 2048)
    return classifier(dropout?(pooled) ?? pooled)
  }
}

/// A bottleneck block to a given width; its 1×1 shortcut exists where the widths differ.
private final class BottleneckExpansion: UnaryModule {
  private let units: [(conv: Conv2d, norm: BatchNorm2d)]
  private let downsample: Sequential?

  init(inputChannels: Int, outputChannels: Int) {
    func unit(_ input: Int, _ output: Int, _ kernel: Int) -> (conv: Conv2d, norm: BatchNorm2d) {
      (
        Conv2d(inputChannels: input, outputChannels: output, kernel: Pair(kernel), bias: false),
        BatchNorm2d(channels: output)
      )
    }
    let width = outputChannels / 4
    units = [unit(inputChannels, width, 1), unit(width, width, 3), unit(width, outputChannels, 1)]
    let shortcut = unit(inputChannels, outputChannels, 1)
    downsample = inputChannels == outputChannels ? nil : Sequential(shortcut.conv, shortcut.norm)
  }

  var parts: [Part] {
    [Part("downsample", downsample)]
      + units.enumerated().flatMap { [Part("conv\($0 + 1)", $1.conv), Part("bn\($0 + 1)", $1.norm)] }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = units.dropLast().reduce(x) { y, unit in unit.norm(unit.conv(y), rectified: true) }
    return units[2].norm(units[2].conv(y), adding: downsample?(x) ?? x, rectified: true)
  }
}
