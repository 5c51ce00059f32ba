// swift-tools-version: 6.2
import PackageDescription

/// What each of the programs below is written with, and what one needs beside it.
func segKernels(_ others: String...) -> [Target.Dependency] {
  (["SegKernels", "SegImages", "SegPipelines"] + others).map { .product(name: $0, package: "SegKernels") }
}

let package = Package(
  name: "Examples",
  platforms: [.macOS(.v14)],
  dependencies: [
    .package(name: "SegKernels", path: "..", traits: []),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.0.0"),
  ],
  targets: [
    .executableTarget(
      name: "TrainOnFolder",
      dependencies: segKernels("SegFormats", "SegData", "SegTraining", "SegFFNet", "SegMetrics", "SegPretrained")),
    .executableTarget(
      name: "Serve",
      dependencies: segKernels("SegFiles") + [.product(name: "Hummingbird", package: "hummingbird")]),
    .executableTarget(name: "WatchVideo", dependencies: segKernels()),
  ]
)
