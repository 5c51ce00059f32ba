import SegKernels

/// Layers of published heads, written down from the papers: those of networks that the package builds are captured.
public enum LayerLists {
  /// The FPN-IFA decoder on ResNet's maps of a 512×1024 image: its laterals, and the MLP at all queries of the 1/4 grid
  /// (1128 = 4 levels of 256 features, 2 offsets and 24 numbers of their encoding). Hu et al. 2022, section 3.
  public static let ifa = capture([
    ([1, 256, 128, 256], 256, 1), ([1, 512, 64, 128], 256, 1), ([1, 1024, 32, 64], 256, 1),
    ([1, 2048, 16, 32], 256, 1), ([1, 1128, 128, 256], 512, 1), ([1, 512, 128, 256], 256, 1),
    ([1, 256, 128, 256], 256, 1), ([1, 256, 128, 256], 19, 1),
  ])

  /// PISR's relational attention on 256 features of a 512×1024 image at 1/4, with 19 semantic and 100 instance
  /// encodings: h (3×3), the products of the encodings with every pixel, and the mixing of categories between them, each
  /// as the 1×1 convolution that it is. Borse et al. 2022, section 3.
  public static let pisr = capture([
    ([1, 256, 128, 256], 256, 3), ([1, 256, 128, 256], 119, 1), ([1, 119, 128, 256], 119, 1),
    ([1, 119, 128, 256], 256, 1),
  ])

  private static func capture(_ layers: [(x: Shape, outputs: Int, kernel: Int)]) -> Graph {
    Graph.capture(inputs: layers.map(\.x)) { inputs in
      zip(inputs, layers).map { x, layer in
        conv2d(
          x, weight: .zeros([layer.outputs, layer.x[1], layer.kernel, layer.kernel]), padding: Pair(layer.kernel / 2))
      }
    }
  }
}
