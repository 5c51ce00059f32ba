import SegFiles

/// What the first line of a YUV4MPEG2 stream says: `YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg`.
public struct Y4MHeader: Sendable, Hashable {
  /// How many chroma samples there are.
  public enum Chroma: String, Sendable, Hashable, CaseIterable {
    /// One for two columns and two rows.
    case c420 = "420"
    /// One for two columns.
    case c422 = "422"
    /// One a pixel.
    case c444 = "444"
    /// None: grey, or labels.
    case mono
  }

  /// Columns.
  public var width: Int
  /// Rows.
  public var height: Int
  /// How many chroma samples there are.
  public var chroma: Chroma
  /// Whether samples span 0…255; otherwise luma spans 16…235 and chroma 16…240.
  public var isFullRange = false
  /// Frames in so many seconds.
  public var frameRate: (frames: Int, seconds: Int)?
  /// Interlacing, aspect and comments, as they stood.
  public var others: [String] = []

  /// A stream of given size.
  public init(width: Int, height: Int, chroma: Chroma) {
    self.width = width
    self.height = height
    self.chroma = chroma
  }

  /// Reads the words of a header line behind `YUV4MPEG2`.
  ///
  /// - Throws: `FileError` for sizes that are missing or too large, and samples of other kinds.
  init(words: [Substring], name: String, maximumPixels: Int) throws {
    func failure(_ problem: String) -> FileError { FileError(path: name, problem: problem) }
    var size: (width: Int?, height: Int?) = (nil, nil), chroma = Chroma.c420
    for word in words {
      let value = word.dropFirst()
      switch word.first {
      case "W": size.width = Int(value)
      case "H": size.height = Int(value)
      case "F":
        let parts = value.split(separator: ":").map { Int($0) }
        if parts.count == 2, let frames = parts[0], let seconds = parts[1] { frameRate = (frames, seconds) }
      case "C":
        guard let known = Y4MHeader.chroma(String(value)) else {
          throw failure("expected 8-bit samples of 4:2:0, 4:2:2, 4:4:4 or grey, found C\(String(value).printable)")
        }
        chroma = known
      case "X" where word == "XCOLORRANGE=FULL": isFullRange = true
      case "X" where word == "XCOLORRANGE=LIMITED": isFullRange = false
      default: others.append(String(word))
      }
    }
    guard let width = size.width, let height = size.height, width > 0, height > 0 else {
      throw failure("expected a Y4M header with W and H, found \(words.joined(separator: " ").quoted)")
    }
    let (area, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, area <= maximumPixels else {
      throw failure("expected frames of at most \(maximumPixels) pixels, found \(width)x\(height)")
    }
    (self.width, self.height, self.chroma) = (width, height, chroma)
  }

  /// `420jpeg`, `420mpeg2` and `420paldv` differ in where chroma lies by half a pixel, which is not looked at.
  private static func chroma(_ text: String) -> Chroma? {
    ["420", "420jpeg", "420mpeg2", "420paldv"].contains(text) ? .c420 : Chroma(rawValue: text)
  }

  /// The first line, without its end.
  public var line: String {
    var words = ["YUV4MPEG2", "W\(width)", "H\(height)"]
    if let frameRate { words.append("F\(frameRate.frames):\(frameRate.seconds)") }
    words += others.filter { !$0.hasPrefix("X") }
    words.append("C" + (chroma == .c420 ? "420jpeg" : chroma.rawValue))
    words.append("XCOLORRANGE=" + (isFullRange ? "FULL" : "LIMITED"))
    return (words + others.filter { $0.hasPrefix("X") }).joined(separator: " ")
  }

  /// How many columns and rows share a chroma sample; nil without chroma.
  var chromaStep: (columns: Int, rows: Int)? {
    switch chroma {
    case .c420: (2, 2)
    case .c422: (2, 1)
    case .c444: (1, 1)
    case .mono: nil
    }
  }

  /// Columns and rows of each chroma plane: odd sizes round up.
  var chromaSize: (width: Int, height: Int) {
    guard let step = chromaStep else { return (0, 0) }
    return ((width + step.columns - 1) / step.columns, (height + step.rows - 1) / step.rows)
  }

  /// Bytes of a frame.
  var frameBytes: Int { width * height + 2 * chromaSize.width * chromaSize.height }

  public static func == (a: Y4MHeader, b: Y4MHeader) -> Bool { a.line == b.line }
  public func hash(into hasher: inout Hasher) { hasher.combine(line) }
}
