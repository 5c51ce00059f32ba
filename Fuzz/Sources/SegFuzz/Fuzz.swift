import SegParserTargets

// SegFuzz --target=TARGET [libFuzzer's options] [CORPUS…]: libFuzzer's main calls these two.

/// Set once, before the first input; C calls without context, so it stands here.
private nonisolated(unsafe) var target = ParserTarget.safetensors

/// Reads which parser is meant. libFuzzer passes over arguments that begin with two dashes, and hands them to the
/// processes that it starts.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
  let given = (0..<Int(count.pointee)).compactMap { arguments.pointee[$0].map { String(cString: $0) } }
  let names = ParserTarget.allCases.map { "--target=\($0.rawValue)" }
  guard let index = names.firstIndex(where: given.contains) else {
    fatalError("expected one of \(names.joined(separator: ", ")), found '\(given.dropFirst().joined(separator: " "))'")
  }
  target = ParserTarget.allCases[index]
  return 0
}

/// Reads one input. 0: libFuzzer may keep it for the corpus.
@_cdecl("LLVMFuzzerTestOneInput")
func readInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
