// swift-tools-version: 6.2
import PackageDescription

// The core alone: without traits nothing is fetched, and libopenblas-dev is all that has to be installed.
let package = Package(
  name: "Core",
  dependencies: [.package(name: "SegKernels", path: "../..", traits: [])],
  targets: [.executableTarget(name: "Core", dependencies: [.product(name: "SegKernels", package: "SegKernels")])]
)
