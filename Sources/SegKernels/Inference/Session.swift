import CSegKernels
import Glibc
import Synchronization

extension Program {
  /// Memory in which a program runs. ``run(_:into:)-(Tensor,_)`` allocates nothing, apart from operations that have no
  /// compiled form. Not Sendable: one a thread.
  public final class Session {
    /// What is run.
    public let program: Program
    private let arena: Storage
    private let work: SharedWork
    /// The runs of kernels between which something else happens, and those things.
    private let phases: [Phase]
    /// Steps that read an input or write an output: their pointers change from run to run.
    private let openEnds: [OpenEnd]

    private enum Phase {
      case kernels(Range<Int>)
      case operation(OperationStep)
      case copy(from: Location, to: Location, count: Int)
    }

    private struct OpenEnd {
      enum Side { case x, addend, y }
      let step: Int
      let side: Side
      let location: Location
    }

    init(_ program: Program) {
      self.program = program
      // What compiling left behind makes room for the arena, whose size is no tensor's.
      BlockCache.clear()
      arena = Storage(count: program.arenaCount)
      var (bound, phases, openEnds) = ([SKMapStep](), [Phase](), [OpenEnd]())
      for step in program.steps {
        switch step {
        case .operation(let step): phases.append(.operation(step))
        case .copy(let from, let to, let count): phases.append(.copy(from: from, to: to, count: count))
        case .kernel(let kernel):
          var step = kernel.step
          step.x = arena.pointer(to: kernel.x).map { UnsafePointer($0) }
          step.addend = kernel.addend.flatMap(arena.pointer).map { UnsafePointer($0) }
          if let weights = kernel.weights { step.weights = UnsafePointer(arena.pointer(to: weights)!) }
          step.y = arena.pointer(to: kernel.y)
          if step.x == nil { openEnds.append(OpenEnd(step: bound.count, side: .x, location: kernel.x)) }
          if let addend = kernel.addend, step.addend == nil {
            openEnds.append(OpenEnd(step: bound.count, side: .addend, location: addend))
          }
          if step.y == nil { openEnds.append(OpenEnd(step: bound.count, side: .y, location: kernel.y)) }
          if case .kernels(let range) = phases.last {
            phases[phases.count - 1] = .kernels(range.lowerBound..<(bound.count + 1))
          } else {
            phases.append(.kernels(bound.count..<(bound.count + 1)))
          }
          bound.append(step)
        }
      }
      work = SharedWork(bound, scratchCount: program.scratchCount)
      self.phases = phases
      self.openEnds = openEnds
    }

    /// Runs a program of one input and one output.
    ///
    /// - Parameters:
    ///   - input: of the program's input shape.
    ///   - output: of the program's output shape; its memory is written in place if no one else refers to it.
    public func run(_ input: Tensor, into output: inout Tensor) {
      check(
        program.inputShapes.count == 1 && program.outputShapes.count == 1, "Session.run",
        "the program has \(program.inputShapes.count) inputs and \(program.outputShapes.count) outputs")
      check(
        input.shape == program.inputShapes[0] && output.shape == program.outputShapes[0], "Session.run",
        "compiled for \(program.inputShapes[0]) to \(program.outputShapes[0]), found \(input.shape), \(output.shape)")
      let input = input.rowMajor()
      if output.layout != .rowMajor { output = output.rowMajor() }
      withUnsafePointer(to: UnsafeMutablePointer(mutating: input.pointer(for: "Session.run"))) { inputs in
        withUnsafePointer(to: output.exclusivePointer()) { run(inputs, $0) }
      }
      withExtendedLifetime(input) {}
    }

    /// Runs a program and returns new tensors.
    public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] {
      check(
        inputs.map(\.shape) == program.inputShapes, "Session",
        "compiled for \(program.inputShapes), found \(inputs.map(\.shape))")
      let inputs = inputs.map { $0.rowMajor() }
      var outputs = program.outputShapes.map { Tensor(uninitialized: $0, layout: .rowMajor) }
      let sources = inputs.map { UnsafeMutablePointer(mutating: $0.pointer(for: "Session")) }
      let targets = outputs.indices.map { outputs[$0].exclusivePointer() }
      run(sources, targets)
      withExtendedLifetime(inputs) {}
      return outputs
    }

    /// Runs the program step by step, waking the threads for each: the time of every step, by its name.
    package func stepTimes(_ inputs: [Tensor]) -> [(name: String, time: Duration)] {
      let inputs = inputs.map { $0.rowMajor() }
      var outputs = program.outputShapes.map { Tensor(uninitialized: $0, layout: .rowMajor) }
      let targets = outputs.indices.map { outputs[$0].exclusivePointer() }
      var times: [Duration] = []
      let clock = ContinuousClock()
      run(inputs.map { UnsafeMutablePointer(mutating: $0.pointer(for: "Session")) }, targets) { phase, body in
        guard case .kernels(let range) = phase else { return times.append(clock.measure(body)) }
        for step in range { times.append(clock.measure { work.run(step..<(step + 1)) }) }
      }
      withExtendedLifetime(inputs) {}
      return Array(zip(program.summary, times))
    }

    /// Binds inputs and outputs and goes through the phases; `around` is there to measure them.
    private func run(
      _ inputs: UnsafePointer<UnsafeMutablePointer<Float>>, _ outputs: UnsafePointer<UnsafeMutablePointer<Float>>,
      _ around: (Phase, () -> Void) -> Void = { $1() }
    ) {
      for end in openEnds {
        let pointer = pointer(to: end.location, inputs, outputs)
        switch end.side {
        case .x: work.steps[end.step].x = UnsafePointer(pointer)
        case .addend: work.steps[end.step].addend = UnsafePointer(pointer)
        case .y: work.steps[end.step].y = pointer
        }
      }
      for phase in phases {
        around(phase) {
          switch phase {
          case .kernels(let range): work.run(range)
          case .copy(let from, let to, let count):
            pointer(to: to, inputs, outputs).update(from: pointer(to: from, inputs, outputs), count: count)
          case .operation(let step): apply(step, inputs, outputs)
          }
        }
      }
    }

    /// Applies an operation to tensors that borrow the arena's memory.
    private func apply(
      _ step: OperationStep, _ inputs: UnsafePointer<UnsafeMutablePointer<Float>>,
      _ outputs: UnsafePointer<UnsafeMutablePointer<Float>>
    ) {
      let arguments = zip(step.inputs, step.shapes).map { location, shape in
        if case .constant(let tensor) = location.memory { return tensor }
        let storage = Storage(
          borrowing: pointer(to: location, inputs, outputs), count: shape.elementCount, owner: arena)
        return Tensor(shape: shape, storage: storage)
      }
      let results = SegKernels.apply(step.operation, to: arguments)
      for (result, location) in zip(results, step.outputs) {
        result.withUnsafeBufferPointer { source in
          guard let base = source.baseAddress else { return }
          pointer(to: location, inputs, outputs).update(from: base, count: source.count)
        }
      }
    }

    private func pointer(
      to location: Location, _ inputs: UnsafePointer<UnsafeMutablePointer<Float>>,
      _ outputs: UnsafePointer<UnsafeMutablePointer<Float>>
    ) -> UnsafeMutablePointer<Float> {
      switch location.memory {
      case .input(let index): inputs[index] + location.offset
      case .output(let index): outputs[index] + location.offset
      default: arena.pointer(to: location)!
      }
    }
  }
}

extension Storage {
  /// The memory of a location in this arena, or of a constant; nil for inputs and outputs.
  fileprivate func pointer(to location: Program.Location) -> UnsafeMutablePointer<Float>? {
    switch location.memory {
    case .arena(let place): base + place + location.offset
    case .constant(let tensor): UnsafeMutablePointer(mutating: tensor.pointer(for: "Program")) + location.offset
    case .input, .output: nil
    }
  }
}
