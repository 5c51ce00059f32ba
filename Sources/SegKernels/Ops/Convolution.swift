import CSegKernels

/// Two-dimensional convolution (as the field means it: cross-correlation).
///
/// y[n, o, i, j] = bias[o] + Σ w[o, c, u, v] · x[n, c, i·stride − padding + u·dilation, j·stride − padding + v·dilation]
///
/// - Parameters:
///   - x: images, N×C×H×W.
///   - weight: O×(C/groups)×kH×kW.
///   - bias: one number an output channel.
///   - groups: the channels are split into this many groups that do not see each other; C of them is depthwise.
public func conv2d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1,
  groups: Int = 1
) -> Tensor {
  check(weight.rank == 4, "conv2d", "expected a weight O×C×kH×kW, found shape \(weight.shape)")
  let kernel = Pair(height: weight.shape[2], width: weight.shape[3])
  let window = Window(kernel: kernel, stride: stride, padding: padding, dilation: dilation)
  return apply(Conv2dOperation(window: window, groups: groups), to: [x, weight] + (bias.map { [$0] } ?? []))[0]
}

/// Convolution by columns: panels of output pixels are gathered as a matrix and multiplied by BLAS.
///
/// The way of every shape, and the oracle of the special kernels. How the work is cut depends on the shape alone.
struct Conv2dOperation: TensorOperation {
  let window: Window
  let groups: Int

  let name = "conv2d"
  var attributes: [(name: String, value: Attribute)] { window.attributes + [("groups", .integer(groups))] }

  func outputShapes(_ inputs: [Shape]) -> [Shape] {
    let (x, weight) = (inputs[0], inputs[1])
    check(x.rank == 4, name, "expected N×C×H×W, found shape \(x)")
    check(
      groups > 0 && x[1] % groups == 0 && weight[0] % groups == 0 && weight[1] == x[1] / groups, name,
      "a weight of shape \(weight) in \(groups) groups does not fit an image of shape \(x)")
    check(
      inputs.count < 3 || inputs[2] == [weight[0]], name,
      "expected a bias of shape (\(weight[0])), found \(inputs.last!)")
    let size = window.outputSize(x, for: name)
    return [[x[0], weight[0], size.height, size.width]]
  }

  func floatingPointOperations(_ inputs: [Shape]) -> Int {
    2 * outputShapes(inputs)[0].elementCount * inputs[1].dropFirst().reduce(1, *)
  }

  func forward(_ inputs: [Tensor], _ context: inout OperationContext) -> [Tensor] {
    if context.isRecording { context.saved = [inputs[0], inputs[1]] }
    return [convolved(inputs[0], inputs[1], bias: inputs.count > 2 ? inputs[2] : nil)]
  }

  /// y = W · Columns + bias: a task owns a panel of pixels of one image.
  func convolved(_ x: Tensor, _ weight: Tensor, bias: Tensor?) -> Tensor {
    let plan = Plan(self, x.shape, weight.shape)
    let kernels = kernels
    return Tensor(uninitialized: outputShapes([x.shape, weight.shape])[0]) { y in
      guard let y = y.baseAddress else { return }
      let (image, w) = (x.pointer(for: name), weight.pointer(for: name))
      let biases = bias.map { $0.pointer(for: name) }
      let width = plan.panelWidth
      let panels = (plan.area + width - 1) / width
      parallelFor(plan.batch * groups * panels) { task in
        let (place, panel) = task.quotientAndRemainder(dividingBy: panels)
        let (n, group) = place.quotientAndRemainder(dividingBy: groups)
        let first = panel * width, last = min(first + width, plan.area)
        let source = image + (n * groups + group) * plan.channels * plan.imageArea
        let target = y + (n * groups + group) * plan.outputs * plan.area + first
        let rows = w + group * plan.outputs * plan.depth
        if let biases {
          for o in 0..<plan.outputs {
            (target + o * plan.area).update(repeating: biases[group * plan.outputs + o], count: last - first)
          }
        }
        plan.withColumns(source, kernels, channels: plan.channels, first, last) { columns, stride in
          BLAS.multiply(
            m: plan.outputs, n: last - first, k: plan.depth, .init(rows, rowStride: plan.depth),
            .init(columns, rowStride: stride), into: target, rowStride: plan.area, beta: biases == nil ? 0 : 1)
        }
      }
      withExtendedLifetime((x, weight, bias)) {}
    }
  }

  func backward(_ gradients: [Tensor?], _ context: OperationContext) -> [Tensor?] {
    let dy = gradients[0]!.rowMajor()
    let (x, weight) = (context.saved[0], context.saved[1])
    let plan = Plan(self, x.shape, weight.shape)
    var result: [Tensor?] = [
      context.needsGradient[0] ? dataGradient(dy, weight, plan, x.shape) : nil,
      context.needsGradient[1] ? weightGradient(dy, x, plan, weight.shape) : nil,
    ]
    if context.inputShapes.count > 2 { result.append(context.needsGradient[2] ? dy.sum(axes: [0, 2, 3]) : nil) }
    return result
  }

  /// dColumns = Wᵀ · dY, scattered back: a task owns some channels of one image, so no two add to one pixel.
  func dataGradient(_ dy: Tensor, _ weight: Tensor, _ plan: Plan, _ shape: Shape) -> Tensor {
    let kernels = kernels
    return Tensor(uninitialized: shape) { dx in
      guard let dx = dx.baseAddress else { return }
      let (d, w) = (dy.pointer(for: name), weight.pointer(for: name))
      let blocks = plan.channelBlocks
      parallelFor(plan.batch * groups * blocks) { task in
        let (place, block) = task.quotientAndRemainder(dividingBy: blocks)
        let group = place % groups
        let channels = plan.channelRange(block)
        let target = dx + (place * plan.channels + channels.lowerBound) * plan.imageArea
        let columnRows = channels.count * plan.kernelArea
        let rows = w + group * plan.outputs * plan.depth + channels.lowerBound * plan.kernelArea
        let source = d + place * plan.outputs * plan.area
        if plan.isPointwise {
          return BLAS.multiply(
            m: columnRows, n: plan.area, k: plan.outputs, .init(rows, rowStride: plan.depth, transposed: true),
            .init(source, rowStride: plan.area), into: target, rowStride: plan.area)
        }
        target.update(repeating: 0, count: channels.count * plan.imageArea)
        plan.forEachPanel(rows: columnRows) { first, last in
          withWorkspace(columnRows * (last - first)) { columns in
            BLAS.multiply(
              m: columnRows, n: last - first, k: plan.outputs, .init(rows, rowStride: plan.depth, transposed: true),
              .init(source + first, rowStride: plan.area), into: columns, rowStride: last - first)
            withUnsafePointer(to: plan.geometry) {
              kernels.scatterColumns(columns, $0, Int32(channels.count), first, last, target)
            }
          }
        }
      }
      withExtendedLifetime((dy, weight)) {}
    }
  }

  /// dW = Σ dY · Columnsᵀ: a task owns some input channels and walks all images, so nothing is summed across tasks.
  func weightGradient(_ dy: Tensor, _ x: Tensor, _ plan: Plan, _ shape: Shape) -> Tensor {
    let kernels = kernels
    return Tensor(uninitialized: shape) { dw in
      guard let dw = dw.baseAddress else { return }
      let (d, image) = (dy.pointer(for: name), x.pointer(for: name))
      let blocks = plan.channelBlocks
      parallelFor(groups * blocks) { task in
        let (group, block) = task.quotientAndRemainder(dividingBy: blocks)
        let channels = plan.channelRange(block)
        let columnRows = channels.count * plan.kernelArea
        let target = dw + group * plan.outputs * plan.depth + channels.lowerBound * plan.kernelArea
        if plan.batch == 0 {
          for o in 0..<plan.outputs { (target + o * plan.depth).update(repeating: 0, count: columnRows) }
        }
        for n in 0..<plan.batch {
          let place = n * groups + group
          let source = image + (place * plan.channels + channels.lowerBound) * plan.imageArea
          plan.forEachPanel(rows: columnRows) { first, last in
            plan.withColumns(source, kernels, channels: channels.count, first, last) { columns, stride in
              BLAS.multiply(
                m: plan.outputs, n: columnRows, k: last - first,
                .init(d + place * plan.outputs * plan.area + first, rowStride: plan.area),
                .init(columns, rowStride: stride, transposed: true), into: target, rowStride: plan.depth,
                beta: n == 0 && first == 0 ? 0 : 1)
            }
          }
        }
      }
      withExtendedLifetime((dy, x)) {}
    }
  }
}
