// swift-tools-version: 6.2
import PackageDescription

// Built by scripts/fuzz, with the instrumentation that libFuzzer needs.
let package = Package(
  name: "SegKernelsFuzz",
  dependencies: [.package(name: "SegKernels", path: "..")],
  targets: [
    .executableTarget(
      name: "SegFuzz",
      dependencies: [.product(name: "_SegParserTargets", package: "SegKernels")],
      // libFuzzer brings main.
      swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-parse-as-library"])])
  ]
)
