/// Something with named parameters: a layer, a block or a whole network.
///
/// A module declares its parts under their published names, in their published order; that list alone makes the
/// state dictionary. Modules are not Sendable: one thread at a time.
public protocol Module: AnyObject {
  /// The parameters and modules that this one is made of.
  var parts: [Part] { get }

  /// Called by ``Module/setTraining(_:)`` for every module of the tree; only layers that behave differently in training care.
  func trainingChanged(to isTraining: Bool)
}

/// A module that maps one tensor to one tensor.
public protocol UnaryModule: Module {
  /// Computes the output.
  func callAsFunction(_ x: Tensor) -> Tensor
}

/// One named part of a module.
public struct Part {
  fileprivate let name: String
  fileprivate let parameter: Parameter?
  /// The modules of this part under their names, seen from the module above.
  fileprivate let modules: [(name: String, module: any Module)]

  /// A parameter; `nil` where a layer goes without, such as a convolution without bias.
  public init(_ name: String, _ parameter: Parameter?) {
    self.name = name
    self.parameter = parameter
    modules = []
  }

  /// A module; `nil` where there is none.
  public init(_ name: String, _ module: (any Module)?) {
    self.name = name
    parameter = nil
    modules = module.map { [(name, $0)] } ?? []
  }

  /// Modules numbered from 0, as `name.0`, `name.1`, …
  public init(_ name: String, _ modules: [any Module]) {
    self.name = name
    parameter = nil
    self.modules = modules.enumerated().map { ("\(name).\($0)", $1) }
  }
}

extension Module {
  public func trainingChanged(to isTraining: Bool) {}

  /// The modules right below this one, under their names.
  package var children: [(name: String, module: any Module)] { parts.flatMap(\.modules) }

  /// Every parameter under its full name, in the published order: what a PyTorch `state_dict` lists.
  public var state: [(name: String, parameter: Parameter)] {
    parts.flatMap { part in
      (part.parameter.map { [(part.name, $0)] } ?? [])
        + part.modules.flatMap { child in child.module.state.map { ("\(child.name).\($0.name)", $0.parameter) } }
    }
  }

  /// Every parameter, in the published order.
  public var parameters: [Parameter] { state.map(\.parameter) }

  /// The number of learnable scalars.
  public var parameterCount: Int { parameters.filter { $0.role == .weight }.reduce(0) { $0 + $1.value.count } }

  /// Switches the whole tree between training and evaluation. Networks start in evaluation.
  public func setTraining(_ isTraining: Bool) {
    trainingChanged(to: isTraining)
    for child in children { child.module.setTraining(isTraining) }
  }

  /// The module as a tree: names, types and the shapes of the parameters.
  public var summary: String { summary(named: "", indent: "") }

  private func summary(named name: String, indent: String) -> String {
    var lines = ["\(indent)\(name.isEmpty ? "" : name + ": ")\(Self.self) — \(parameterCount) parameters"]
    for part in parts {
      if let parameter = part.parameter { lines.append("\(indent)  \(part.name): \(parameter.shape)") }
    }
    lines += children.map { $0.module.summary(named: $0.name, indent: indent + "  ") }
    return lines.joined(separator: "\n")
  }
}
