/// Stops the program with the operation's name when a programmer's promise is broken.
///
/// `precondition` says nothing in release builds; a shape mistake must name itself there too.
@inline(__always)
package func check(_ condition: Bool, _ operation: String, _ message: @autoclosure () -> String) {
  if !condition { misuse(operation, message()) }
}

/// The trap behind `check`.
package func misuse(_ operation: String, _ message: String) -> Never {
  fatalError("\(operation): \(message)")
}
