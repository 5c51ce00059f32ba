/// What a parser finds wrong. Parsers do not know the file's name; `readWeights` adds it.
struct Malformed: Error {
  let problem: String

  init(_ problem: String) { self.problem = problem }
}
