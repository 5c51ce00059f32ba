/// The processor that this runs on.
public enum Processor {
  /// Its maker's name for it; "unknown processor" where the system does not say.
  public static let name: String = {
    let line = SystemFile.lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") }
    guard let name = line?.split(separator: ":", maxSplits: 1).last else { return "unknown processor" }
    return name.split(separator: " ").joined(separator: " ")
  }()
}
