import SegKernels

/// An extent as a share of one of the input image's: extents that are left open follow from these.
struct ExtentShare: Hashable {
  let axis: Int
  let numerator: Int, denominator: Int
}

/// One extent of a shape to be written.
enum Extent {
  case known(Int)
  case share(ExtentShare)
}

extension ONNXExport {
  /// The extents of a value; nil where they are open.
  func extents(_ id: Graph.ValueID) -> [Int?] {
    zip(graph.values[id].shape, other.values[id].shape).map { $0 == $1 ? $0 : nil }
  }

  /// What share of the image's extents two numbers are, which the two captures have in the same place.
  func share(_ a: Int, _ b: Int, of what: String) throws -> ExtentShare {
    let (own, another) = (graph.values[graph.inputs[0]].shape, other.values[other.inputs[0]].shape)
    let axes = own.indices.filter { own[$0] != another[$0] && a * another[$0] == b * own[$0] }
    // Two axes that grew alike could be taken for each other.
    if let axis = axes.first, axes.count == 1 {
      var (x, y) = (a, own[axis])
      while y != 0 { (x, y) = (y, x % y) }
      return ExtentShare(axis: axis, numerator: a / x, denominator: own[axis] / x)
    }
    throw ONNXExportError(
      description:
        "\(what) depends on the image's size, and not in proportion: expected an export for one size"
    )
  }

  /// Extents as ONNX's operators take them.
  mutating func extentList(_ extents: [Extent]) -> String {
    let known = extents.compactMap { if case .known(let extent) = $0 { extent } else { nil } }
    if known.count == extents.count { return integers(known) }
    let parts = extents.map { extent in
      switch extent {
      case .known(let extent): integers([extent])
      case .share(let share): self.extent(share)
      }
    }
    return node("Concat", parts, [("axis", .integer(0))])
  }

  /// A shape as Reshape and Expand want it: an open extent is worked out (-1) or copied (0) where that is possible,
  /// else found from the image's.
  mutating func target(_ node: Graph.Node) throws -> String {
    let id = node.outputs[0]
    let open = extents(id)
    let source = extents(node.inputs[0])
    var isSpent = node.operation.name != "reshape"
    return try extentList(
      open.enumerated().map { axis, extent in
        if let extent { return .known(extent) }
        if axis == 0, source.first == .some(nil) {
          return .known(node.operation.name == "reshape" ? 0 : 1)
        }
        let what = "operation '\(node.operation.name)' of shape \(graph.values[id].shape)"
        if let share = try? share(
          graph.values[id].shape[axis], other.values[id].shape[axis], of: what)
        {
          return .share(share)
        }
        guard !isSpent else {
          return .share(
            try self.share(graph.values[id].shape[axis], other.values[id].shape[axis], of: what))
        }
        isSpent = true
        return .known(-1)
      })
  }

  /// What Resize takes after the image: fixed sizes; exact factors where the sizes are open; or sizes worked out from the
  /// image's.
  mutating func resizing(_ node: Graph.Node, _ size: [Int]) throws -> [String] {
    let (output, input) = (node.outputs[0], node.inputs[0])
    let (shape, otherShape) = (graph.values[output].shape, other.values[output].shape)
    let factors = (2...3).map { Float(shape[$0]) / Float(graph.values[input].shape[$0]) }
    let isExact = [graph, other].allSatisfy { graph in
      (2...3).allSatisfy {
        Double(graph.values[input].shape[$0]) * Double(factors[$0 - 2]) == Double(graph.values[output].shape[$0])
      }
    }
    if extents(output)[2...].contains(nil), isExact { return ["", reals([1, 1] + factors, [4])] }
    // Of a part of the result, the whole one's size.
    let wanted = [shape[0], shape[1]] + size
    let list = try extents(output).enumerated().map { axis, extent -> Extent in
      try extent == nil
        ? .share(share(wanted[axis], otherShape[axis], of: "operation 'resize' to shape \(shape)"))
        : .known(wanted[axis])
    }
    return ["", "", extentList(list)]
  }

  /// How an axis is read, whatever its extent.
  private enum Reading: Equatable {
    case whole
    /// Every step-th element from a start on, to an end or to the last.
    case range(start: Int, end: Int?, step: Int)
    case backwards
    /// Each element so many times.
    case repeated(Int)
    /// All elements, again and again.
    case cyclic
    case listed([Int])

    /// All that a list of places may be, the most general way first.
    static func all(_ places: [Int], of extent: Int) -> [Reading] {
      let count = places.count
      if places.elementsEqual(0..<extent) { return [.whole] }
      var found: [Reading] = []
      if places.elementsEqual((0..<extent).reversed()) { found.append(.backwards) }
      if let first = places.first, let last = places.last {
        let step = count > 1 ? places[1] - first : 1
        if step > 0, places.elementsEqual(stride(from: first, through: last, by: step)) {
          if last + step >= extent { found.append(.range(start: first, end: nil, step: step)) }
          found.append(.range(start: first, end: last + 1, step: step))
        }
      }
      if extent > 0, count % extent == 0, count > extent {
        let factor = count / extent
        if places.indices.allSatisfy({ places[$0] == $0 / factor }) {
          found.append(.repeated(factor))
        }
        if places.indices.allSatisfy({ places[$0] == $0 % extent }) { found.append(.cyclic) }
      }
      return found + [.listed(places)]
    }
  }

  /// slice, flip, pad, indexSelect: element i of an axis is the element `sources[i]`, or a constant where that is −1.
  mutating func writeIndexMap(_ node: Graph.Node, _ name: String, _ axis: Int, _ filler: Float)
    throws
  {
    func refuse(_ why: String) -> ONNXExportError {
      ONNXExportError(
        description:
          "operation '\(name)' of shape \(graph.values[node.outputs[0]].shape) cannot be written to ONNX: \(why)"
      )
    }
    func sources(_ graph: Graph) -> (before: Int, inner: [Int], after: Int) {
      let operation = graph.nodes.first { $0.outputs == node.outputs }!.operation
      guard
        case .integers(let all)? = operation.attributes.first(where: { $0.name == "sources" })?
          .value
      else {
        return (0, [], 0)
      }
      let before = all.prefix { $0 < 0 }.count
      let after = all.dropFirst(before).reversed().prefix { $0 < 0 }.count
      return (before, Array(all.dropFirst(before).dropLast(after)), after)
    }
    let input = node.inputs[0]
    let a = sources(graph)
    let b = sources(other)
    guard a.inner.allSatisfy({ $0 >= 0 }), !a.inner.isEmpty else {
      throw refuse("constants between elements")
    }
    let extent = graph.values[input].shape[axis]
    let otherExtent = other.values[input].shape[axis]
    let possible = Reading.all(b.inner, of: otherExtent)
    guard a.before == b.before, a.after == b.after,
      let reading = Reading.all(a.inner, of: extent).first(where: possible.contains)
    else { throw refuse("its places depend on the image's size: expected an export for one size") }
    let isPadded = a.before + a.after > 0
    let rank = graph.values[input].shape.rank
    let result = isPadded ? nil : names[node.outputs[0]]!
    var y = names[input]!
    switch reading {
    case .whole: if !isPadded { self.node("Identity", [y], to: result) }
    case .range(let start, let end, let step):
      y = self.node(
        "Slice", [y, integers([start]), integers([end ?? .max]), integers([axis]), integers([step])], to: result
      )
    case .backwards:
      y = self.node(
        "Slice", [y, integers([-1]), integers([-.max]), integers([axis]), integers([-1])], to: result)
    case .repeated(let factor) where extent != otherExtent:
      guard rank == 4 else { throw refuse("repeated elements of \(rank) axes") }
      let factors = (0..<4).map { $0 == axis ? Float(factor) : 1 }
      y = self.node(
        "Resize", [y, "", reals(factors, [4])],
        [
          ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
          ("nearest_mode", .text("floor")),
        ], to: result)
    case .cyclic:
      let (copies, others) = (a.inner.count / extent, b.inner.count / otherExtent)
      let own: Extent =
        copies == others
        ? .known(copies) : .share(try share(copies, others, of: "operation '\(name)'"))
      y = self.node(
        "Tile", [y, extentList((0..<rank).map { $0 == axis ? own : .known(1) })], to: result)
    case .listed, .repeated:
      y = self.node("Gather", [y, integers(a.inner)], [("axis", .integer(axis))], to: result)
    }
    guard isPadded else { return }
    let pads =
      (0..<rank).map { $0 == axis ? a.before : 0 } + (0..<rank).map { $0 == axis ? a.after : 0 }
    self.node(
      "Pad", [y, integers(pads), real(filler)], [("mode", .text("constant"))],
      to: names[node.outputs[0]]!)
  }
}
