import SegKernels

extension ONNXExport {
  /// `instanceHeatmaps` in ONNX's words: the largest pixels of their windows, the most confident of these, and around
  /// each a Gaussian. Where neighbours are exactly equal, both are centres here and one is in this package.
  mutating func writeHeatmaps(_ node: Graph.Node, _ attributes: [String: Attribute]) throws {
    func integer(_ name: String) -> Int {
      if case .integer(let value)? = attributes[name] { value } else { 0 }
    }
    func number(_ name: String) -> Float {
      if case .real(let value)? = attributes[name] { value } else { 0 }
    }
    let inputs = node.inputs.map { names[$0]! }
    let outputs = node.outputs.map { names[$0]! }
    let shape = graph.values[node.inputs[0]].shape
    let (height, width) = (shape[2], shape[3])
    let (slots, limit, window) = (integer("slots"), integer("limit"), integer("window"))
    guard !extents(node.inputs[0])[2...].contains(nil), limit > 0, limit <= height * width else {
      throw ONNXExportError(
        description:
          "operation 'instanceHeatmaps' of shape \(shape) for \(limit) things cannot be written to ONNX: "
          + "expected an export for one size, with fewer things than pixels")
    }
    // Scores of centres; all else is far below.
    let reach = window / 2
    let pooled = self.node(
      "MaxPool", [inputs[0]],
      [
        ("kernel_shape", .integers([window, window])),
        ("pads", .integers([reach, reach, reach, reach])),
      ])
    let isLargest = self.node("Equal", [inputs[0], pooled])
    let isSure = self.node("Greater", [inputs[0], real(number("threshold"))])
    let isCentre = self.node("And", [isLargest, isSure])
    let scores = self.node("Where", [isCentre, inputs[0], real(-1e30)])
    let (values, places) = (newName(), newName())
    self.node(
      "TopK", [self.node("Reshape", [scores, integers([0, height * width])]), integers([limit])],
      [("axis", .integer(1)), ("largest", .integer(1)), ("sorted", .integer(1))],
      results: [values, places])
    let filled = self.node(
      "Cast", [self.node("Greater", [values, real(-1e29)])], [("to", .integer(1))])

    // Their rows and columns, and how far each pixel's offset misses them.
    func column(_ x: String) -> String { self.node("Reshape", [x, integers([0, limit, 1, 1])]) }
    let place = self.node("Cast", [places], [("to", .integer(1))])
    let row = self.node("Floor", [self.node("Div", [place, real(Float(width))])])
    let along = self.node("Sub", [place, self.node("Mul", [row, real(Float(width))])])
    let rows = reals((0..<height).map { Float($0) }, [1, 1, height, 1])
    let columns = reals((0..<width).map { Float($0) }, [1, 1, 1, width])
    func missed(_ channel: Int, _ own: String, _ centre: String) -> String {
      let offset = self.node(
        "Slice", [inputs[1], integers([channel]), integers([channel + 1]), integers([1])])
      let miss = self.node("Sub", [self.node("Add", [own, offset]), column(centre)])
      return self.node("Mul", [miss, miss])
    }
    let distance = self.node("Add", [missed(0, rows, row), missed(1, columns, along)])
    let sigma = number("sigma")
    let gaussian = self.node("Exp", [self.node("Mul", [distance, real(-0.5 / (sigma * sigma))])])
    let weight = self.node("Mul", [self.node("Clip", [values, real(0), real(1)]), filled])
    let heatmaps = self.node("Mul", [self.node("Mul", [gaussian, inputs[2]]), column(weight)])

    // Slots that may not be filled.
    func padded(_ x: String, _ rank: Int, to output: String) {
      let pads = (0..<2 * rank).map { $0 == rank + 1 ? slots - limit : 0 }
      self.node("Pad", [x, integers(pads), real(0)], to: output)
    }
    padded(heatmaps, 4, to: outputs[0])
    padded(filled, 2, to: outputs[1])
  }
}
