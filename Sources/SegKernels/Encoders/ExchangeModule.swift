/// One module of an HRNet: residual blocks on every branch, then each branch takes in all the others.
///
/// y_i = relu(Σ_j f_ij(x_j)), terms in the order of the branches. f_ii is the identity; from a coarser branch f_ij is a
/// 1×1 convolution with norm, enlarged bilinearly; from a finer one a chain of 3×3 convolutions of stride 2 with norms,
/// of which only the last changes the number of channels and has no rectifier.
final class ExchangeModule: Module {
  private let branches: [[ResidualBlock]]
  /// By target and source; nil on the diagonal.
  private let paths: [[Sequential?]]

  init(channels: [Int], blocks: Int) {
    branches = channels.map { width in
      (0..<blocks).map { _ in
        ResidualBlock(.basic, inputChannels: width, width: width, stride: 1, dilation: 1)
      }
    }
    paths = channels.indices.map { target in
      channels.indices.map { source in
        if source == target { return nil }
        if source > target {
          return Sequential(
            Conv2d(inputChannels: channels[source], outputChannels: channels[target], kernel: 1, bias: false),
            BatchNorm2d(channels: channels[target]))
        }
        return Sequential(
          (source..<target).flatMap { step -> [(String, any UnaryModule)] in
            let place = step - source, isLast = step == target - 1
            let output = channels[isLast ? target : source]
            let conv = Conv2d(
              inputChannels: channels[source], outputChannels: output, kernel: 3, stride: 2, bias: false)
            return [("\(place).0", conv), ("\(place).1", BatchNorm2d(channels: output))]
              + (isLast ? [] : [("\(place).2", ReLU())])
          })
      }
    }
  }

  var parts: [Part] {
    branches.enumerated().map { Part("branches.\($0)", $1) }
      + paths.enumerated().flatMap { target, sources in
        sources.enumerated().map { Part("fuse_layers.\(target).\($0)", $1) }
      }
  }

  func callAsFunction(_ maps: [Tensor]) -> [Tensor] {
    let maps = zip(branches, maps).map { blocks, map in blocks.reduce(map) { $1($0) } }
    return paths.enumerated().map { target, sources in
      let size = Pair(height: maps[target].shape[2], width: maps[target].shape[3])
      let terms = sources.enumerated().map { source, path in
        guard let path else { return maps[source] }
        return source > target ? resize(path(maps[source]), to: size) : path(maps[source])
      }
      return relu(terms.dropFirst().reduce(terms[0], +))
    }
  }
}
