// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "SegKernelsBenchmarks",
  products: [.executable(name: "benchmarks", targets: ["SegBenchmarks"])],
  dependencies: [
    .package(name: "SegKernels", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
  ],
  targets: [
    .target(name: "CMachine"),
    .executableTarget(
      name: "SegBenchmarks",
      dependencies: [
        "CMachine",
        .product(name: "SegKernels", package: "SegKernels"),
        .product(name: "SegImages", package: "SegKernels"),
        .product(name: "SegData", package: "SegKernels"),
        .product(name: "SegTraining", package: "SegKernels"),
        .product(name: "SegPipelines", package: "SegKernels"),
        .product(name: "_SegOperationTable", package: "SegKernels"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .enableUpcomingFeature("MemberImportVisibility")]),
  ]
)
