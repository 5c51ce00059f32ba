import CSegKernels

/// The mean over a grid of nearly equal cells: whatever the image's size, the result has `outputSize`.
///
/// Cell i of n spans rows ⌊i·H/n⌋ to ⌈(i+1)·H/n⌉; cells may overlap. Size 1 is global average pooling.
public func adaptiveAveragePool2d(_ x: Tensor, outputSize: Pair) -> Tensor {
  apply(AdaptiveAveragePoolOperation(outputSize: outputSize), to: x)
}

struct AdaptiveAveragePoolOperation: TensorOperation {
  let outputSize: Pair

  let name = "adaptiveAveragePool2d"
  var attributes: [(name: String, value: Attribute)] {
    [("outputSize", .integers([outputSize.height, outputSize.width]))]
  }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let x = inputs[0]
    check(x.rank == 4 && x[2] > 0 && x[3] > 0, name, "expected N×C×H×W with pixels, found shape \(x)")
    check(outputSize.height > 0 && outputSize.width > 0, name, "the output size must be positive, found \(outputSize)")
    return [[x[0], x[1], outputSize.height, outputSize.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int { inputs[0].elementCount }

  /// Rows (or columns) of the cells along one direction.
  private func cells(_ extent: Int, _ count: Int) -> [Range<Int>] {
    (0..<count).map { ($0 * extent / count)..<((($0 + 1) * extent + count - 1) / count) }
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    let x = inputs[0], width = x.shape[3], area = x.shape[2] * width, kernels = kernels
    let rows = cells(x.shape[2], outputSize.height), columns = cells(width, outputSize.width)
    return [
      Tensor(uninitialized: outputShapes([x.shape])[0]) { y in
        guard let y = y.baseAddress else { return }
        let p = x.pointer(for: name)
        parallelFor(x.shape[0] * x.shape[1]) { plane in
          for (i, rows) in rows.enumerated() {
            for (j, columns) in columns.enumerated() {
              let total = rows.reduce(0.0) {
                $0 + kernels.sum(p + plane * area + $1 * width + columns.lowerBound, columns.count)
              }
              y[(plane * outputSize.height + i) * outputSize.width + j] = Float(
                total / Double(rows.count * columns.count))
            }
          }
        }
        withExtendedLifetime(x) {}
      }
    ]
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor(), shape = context.inputShapes[0], width = shape[3], area = shape[2] * width
    let rows = cells(shape[2], outputSize.height), columns = cells(width, outputSize.width)
    return [
      Tensor(uninitialized: shape) { dx in
        guard let dx = dx.baseAddress else { return }
        let d = dy.pointer(for: name)
        parallelFor(shape[0] * shape[1]) { plane in
          let target = dx + plane * area
          target.update(repeating: 0, count: area)
          for (i, rows) in rows.enumerated() {
            for (j, columns) in columns.enumerated() {
              let share = d[(plane * outputSize.height + i) * outputSize.width + j] / Float(rows.count * columns.count)
              for row in rows { for column in columns { target[row * width + column] += share } }
            }
          }
        }
        withExtendedLifetime(dy) {}
      }
    ]
  }
}
