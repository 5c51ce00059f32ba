import Foundation
import SegFiles
import SegFormats
import XCTest

final class AtomicFileTests: XCTestCase {
  private func write(_ text: String, to url: URL, overwrite: Bool) throws {
    try writeAtomically(to: url.path, overwrite: overwrite) { try $0.write(Array(text.utf8)) }
  }

  func testAnExistingFileIsKeptUnlessAsked() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.txt")
      try write("one", to: url, overwrite: false)
      assertFails(named: "a.txt", "exists already") { try write("two", to: url, overwrite: false) }
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "one")
      try write("two", to: url, overwrite: true)
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "two")
      XCTAssertEqual(try names(in: folder), ["a.txt"])
    }
  }

  func testAFileThatAppearsMeanwhileIsKept() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.txt")
      assertFails(named: "a.txt", "exists already") {
        try writeAtomically(to: url.path, overwrite: false) { _ in try Data("other".utf8).write(to: url) }
      }
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "other")
      XCTAssertEqual(try names(in: folder), ["a.txt"])
    }
  }

  func testAFailingWriterLeavesNothing() throws {
    struct Interrupted: Error {}
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.txt")
      try write("old", to: url, overwrite: false)
      for name in ["a.txt", "b.txt"] {
        XCTAssertThrowsError(
          try writeAtomically(to: folder.appendingPathComponent(name).path, overwrite: true) { sink in
            try sink.write([1, 2, 3])
            throw Interrupted()
          }
        ) { XCTAssert($0 is Interrupted) }
      }
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "old")
      XCTAssertEqual(try names(in: folder), ["a.txt"])
    }
  }

  func testAFullDisk() throws {
    let full = open("/dev/full", O_WRONLY)
    guard full >= 0 else { throw XCTSkip("no /dev/full here") }
    defer { close(full) }
    assertFails(named: "x.npy", "cannot write: No space left") {
      try FileSink(descriptor: full, path: "x.npy").write([1])
    }
    // The whole way, with a limit on the size of files in the place of a small disk.
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.bin")
      try write("old", to: url, overwrite: false)
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let former = (limit.rlim_cur, signal(SIGXFSZ, SIG_IGN))
      limit.rlim_cur = 1 << 20
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let result = Result {
        try writeAtomically(to: url.path, overwrite: true) { try $0.write([UInt8](repeating: 1, count: 3 << 20)) }
      }
      limit.rlim_cur = former.0
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      signal(SIGXFSZ, former.1)
      assertFails(named: "a.bin", "cannot write: File too large") { try result.get() }
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "old")
      XCTAssertEqual(try names(in: folder), ["a.bin"])
    }
  }

  func testFoldersThatCannotBeWrittenTo() throws {
    try withTemporaryFolder { folder in
      assertFails(named: "none/a.txt", "cannot create a file in its folder") {
        try write("x", to: folder.appendingPathComponent("none/a.txt"), overwrite: false)
      }
      assertFails(named: folder.lastPathComponent, "exists already") { try write("x", to: folder, overwrite: false) }
      assertFails(named: folder.lastPathComponent, "expected a regular file") {
        try write("x", to: folder, overwrite: true)
      }
      assertFails(named: "/dev/full", "expected a regular file") {
        try write("x", to: URL(fileURLWithPath: "/dev/full"), overwrite: true)
      }
      // Nobody can create files there, not even root, for whom permissions mean nothing.
      assertFails(named: "a.txt", "cannot create a file in its folder") {
        try write("x", to: URL(fileURLWithPath: "/proc/self/a.txt"), overwrite: false)
      }
      guard geteuid() != 0 else { return }
      chmod(folder.path, 0o555)
      assertFails(named: "a.txt", "Permission denied") {
        try write("x", to: folder.appendingPathComponent("a.txt"), overwrite: false)
      }
      chmod(folder.path, 0o755)
      XCTAssertEqual(try names(in: folder), [])
    }
  }

  func testLinksAreFollowedAndPermissionsKept() throws {
    try withTemporaryFolder { folder in
      let (real, link) = (folder.appendingPathComponent("real"), folder.appendingPathComponent("link"))
      try write("one", to: real, overwrite: false)
      chmod(real.path, 0o640)
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: real)
      try write("two", to: link, overwrite: true)
      XCTAssertEqual(try String(contentsOf: real, encoding: .utf8), "two")
      XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: link.path), real.path)
      let attributes = try FileManager.default.attributesOfItem(atPath: real.path)
      XCTAssertEqual(attributes[.posixPermissions] as? Int, 0o640)
    }
  }
}
