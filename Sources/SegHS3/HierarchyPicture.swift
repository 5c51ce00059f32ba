import Foundation
import SegFiles
import SegImages
import SegKernels
import SegTraining

/// `hierarchy.svg`: for each stage the classes as a tree (who is told apart from whom by how many clusters), a colour a
/// chosen cluster, and beside it the stage's curve, the ray and where they cross.
struct HierarchyPicture {
  private let hierarchy: StageHierarchy
  private let trees: [ClassCuts]
  private let classes: [String]

  /// - Parameters:
  ///   - trees: nested cuts of each stage.
  ///   - classes: the names of all classes, no two alike.
  init(_ hierarchy: StageHierarchy, trees: [ClassCuts], classes: [String]) {
    self.hierarchy = hierarchy
    self.trees = trees
    self.classes = classes
  }

  /// Writes the picture.
  func write(to file: URL) throws {
    let text = Array(svg.utf8)
    try writeAtomically(to: file.relativePath, overwrite: true) { try $0.write(text) }
  }

  private let width = 980.0, names = 190.0, tree = 300.0, row = 15.0, head = 40.0, foot = 60.0
  private var stageHeight: Double { head + foot + max(row * Double(classes.count), 200) }

  /// The picture.
  var svg: String {
    let whole = SVG.text(stageHeight * Double(hierarchy.stages.count))
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(SVG.text(width))\" height=\"\(whole)\" "
        + "viewBox=\"0 0 \(SVG.text(width)) \(whole)\" font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    for (index, pair) in zip(hierarchy.stages, trees).enumerated() {
      let top = Double(index) * stageHeight
      let title = "\(pair.0.stage): \(pair.0.clusters.count) clusters of \(classes.count) classes"
      lines.append(
        "<text x=\"10\" y=\"\(SVG.text(top + 22))\" font-size=\"14\">\(SVG.escaped(title))</text>")
      lines += dendrogram(pair.0, pair.1, top: top + head)
      if let curve = pair.0.curve { lines += plane(pair.0, curve, top: top + head) }
    }
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  /// A set of classes that falls in two as soon as there are `count` clusters; a single class has no parts.
  private indirect enum Node {
    case leaf(Int)
    case pair(Node, Node, count: Int)

    init(_ members: [Int], _ cuts: ClassCuts, from count: Int = 2) {
      let divided = (count...max(count, cuts.classes)).first { count in
        count <= cuts.classes && Set(members.map { cuts(count).assignment[$0] }).count > 1
      }
      guard members.count > 1, let divided else {
        self = .leaf(members[0])
        return
      }
      let numbers = cuts(divided).assignment, first = numbers[members[0]]
      self = .pair(
        Node(members.filter { numbers[$0] == first }, cuts, from: divided + 1),
        Node(members.filter { numbers[$0] != first }, cuts, from: divided + 1), count: divided)
    }

    var leaves: [Int] {
      switch self {
      case .leaf(let index): [index]
      case .pair(let a, let b, _): a.leaves + b.leaves
      }
    }
  }

  private func dendrogram(_ stage: StageHierarchy.Stage, _ cuts: ClassCuts, top: Double) -> [String] {
    let root = Node(Array(classes.indices), cuts), order = root.leaves
    let rows = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    var lines: [String] = []
    func x(_ count: Int) -> Double { names + tree * Double(classes.count + 1 - count) / Double(max(classes.count, 2)) }
    func y(_ index: Int) -> Double { top + row * (Double(rows[index]!) + 0.5) }
    func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
      lines.append(
        "<line x1=\"\(SVG.text(x1))\" y1=\"\(SVG.text(y1))\" x2=\"\(SVG.text(x2))\" y2=\"\(SVG.text(y2))\" "
          + "stroke=\"#555555\"/>")
    }
    /// Draws a node; where its line to the right begins.
    func draw(_ node: Node) -> (x: Double, y: Double) {
      switch node {
      case .leaf(let index): return (names, y(index))
      case .pair(let a, let b, let count):
        let (first, second, here) = (draw(a), draw(b), x(count))
        line(first.x, first.y, here, first.y)
        line(second.x, second.y, here, second.y)
        line(here, first.y, here, second.y)
        return (here, (first.y + second.y) / 2)
      }
    }
    _ = draw(root)
    let colors = Palette.distinct(count: stage.clusters.count).colors
    for (cluster, members) in stage.clusters.enumerated() {
      let color = colors[cluster]
      for member in members {
        guard let index = classes.firstIndex(of: member) else { continue }
        lines.append(
          "<rect x=\"\(SVG.text(names - 14))\" y=\"\(SVG.text(y(index) - 5))\" width=\"10\" height=\"10\" "
            + "fill=\"rgb(\(color.red),\(color.green),\(color.blue))\"/>"
            + "<text x=\"\(SVG.text(names - 20))\" y=\"\(SVG.text(y(index)))\" dy=\"4\" text-anchor=\"end\">"
            + "\(SVG.escaped(member)) · \(cluster + 1)</text>")
      }
    }
    let bottom = top + row * Double(classes.count)
    for count in Set([2, stage.clusters.count, classes.count]).sorted() where count >= 2 {
      lines.append(
        "<text x=\"\(SVG.text(x(count)))\" y=\"\(SVG.text(bottom + 16))\" text-anchor=\"middle\">\(count)</text>")
    }
    lines.append(
      "<text x=\"\(SVG.text(names + tree / 2))\" y=\"\(SVG.text(bottom + 32))\" text-anchor=\"middle\">"
        + "clusters that tell them apart (nested cuts); colours: the chosen clusters</text>")
    return lines
  }

  private func plane(_ stage: StageHierarchy.Stage, _ curve: [Double], top: Double) -> [String] {
    let axis = hierarchy.axis ?? .share, final = hierarchy.finalMeanIoU ?? 0, classes = curve.count
    let left = names + tree + 110, right = width - 30, bottom = stageHeight - head - foot + top
    func x(_ share: Double) -> String { SVG.text(left + (right - left) * share) }
    func y(_ value: Double) -> String { SVG.text(bottom - (bottom - top) * value) }
    func place(_ count: Int) -> Double { axis(count, of: classes) }
    var lines: [String] = []
    for value in [0, 0.25, 0.5, 0.75, 1] {
      lines.append(
        "<line x1=\"\(x(0))\" x2=\"\(x(1))\" y1=\"\(y(value))\" y2=\"\(y(value))\" stroke=\"#dddddd\"/>"
          + "<text x=\"\(SVG.text(left - 6))\" y=\"\(y(value))\" dy=\"4\" text-anchor=\"end\">\(SVG.number(value))</text>"
      )
    }
    for count in Set([1, stage.clusters.count, classes]).sorted() {
      lines.append(
        "<text x=\"\(x(place(count)))\" y=\"\(SVG.text(bottom + 16))\" text-anchor=\"middle\">\(count)</text>")
    }
    lines.append(
      "<line x1=\"\(x(0))\" y1=\"\(y(0))\" x2=\"\(x(1))\" y2=\"\(y(final))\" stroke=\"#b3441e\" stroke-dasharray=\"5 3\"/>"
    )
    let points = curve.enumerated().map { "\(x(place($0 + 1))),\(y($1))" }.joined(separator: " ")
    lines.append("<polyline points=\"\(points)\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\"/>")
    let count = stage.clusters.count
    lines.append(
      "<circle cx=\"\(x(place(count)))\" cy=\"\(y(curve[count - 1]))\" r=\"4\" fill=\"none\" stroke=\"#1f5fa8\" "
        + "stroke-width=\"2\"/>")
    let captions = [
      "mIoU of k clusters against k (\(axis.rawValue))", "dashed: the ray to the last stage's \(SVG.number(final))",
    ]
    for (index, caption) in captions.enumerated() {
      lines.append(
        "<text x=\"\(x(0.5))\" y=\"\(SVG.text(bottom + 32 + 16 * Double(index)))\" text-anchor=\"middle\">\(caption)</text>"
      )
    }
    return lines
  }
}
