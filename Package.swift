// swift-tools-version: 6.2
import PackageDescription

// One row a target: the floors of Documentation/Architecture.md. A target imports only from rows above its own.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let tools = TargetDependencyCondition.when(traits: ["Tools"])
let mpi = BuildSettingCondition.when(traits: ["MPI"])

let package = Package(
  name: "SegKernels",
  products: [
    .library(name: "SegKernels", targets: ["SegKernels"]),
    .library(name: "SegFiles", targets: ["SegFiles"]),
    .library(name: "SegFormats", targets: ["SegFormats"]),
    .library(name: "SegImages", targets: ["SegImages"]),
    .library(name: "SegONNX", targets: ["SegONNX"]),
    .library(name: "SegMetrics", targets: ["SegMetrics"]),
    .library(name: "SegPretrained", targets: ["SegPretrained"]),
    // Weights whose data are for research only: whoever uses them says so by naming this product.
    .library(name: "SegPretrainedResearch", targets: ["SegPretrainedResearch"]),
    .library(name: "SegData", targets: ["SegData"]),
    .library(name: "SegDistributed", targets: ["SegDistributed"]),
    .library(name: "SegTraining", targets: ["SegTraining"]),
    .library(name: "SegFFNet", targets: ["SegFFNet"]),
    .library(name: "SegIFA", targets: ["SegIFA"]),
    .library(name: "SegInverseForm", targets: ["SegInverseForm"]),
    .library(name: "SegHS3", targets: ["SegHS3"]),
    .library(name: "SegPISR", targets: ["SegPISR"]),
    .library(name: "SegPerceptualConsistency", targets: ["SegPerceptualConsistency"]),
    .library(name: "SegAuxAdapt", targets: ["SegAuxAdapt"]),
    .library(name: "SegXDistill", targets: ["SegXDistill"]),
    .library(name: "SegPipelines", targets: ["SegPipelines"]),
    .executable(name: "segkernels", targets: ["SegCommand"]),
    // Shared by Tests and Benchmarks; unstable, as the underscore says.
    .library(name: "_SegOperationTable", targets: ["SegOperationTable"]),
    // Shared by Tests and Fuzz.
    .library(name: "_SegParserTargets", targets: ["SegParserTargets"]),
  ],
  traits: [
    .trait(name: "Tools", description: "The command line, and recipes in YAML (swift-argument-parser, Yams)."),
    .trait(name: "MPI", description: "Training in several processes (libopenmpi-dev, or another MPI)."),
    .default(enabledTraits: ["Tools"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"]), .brew(["openblas"])]),
    .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(name: "CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    // C at -O0 is some 40 times slower, and users run plain `swift run`: the one unsafe flag of the package.
    .target(name: "CSegKernels", cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),

    // Plain functions around MPI; empty without the trait, so that the package builds where there is no MPI.
    .target(name: "CMPI", cSettings: [.define("SEGKERNELS_MPI", mpi)], linkerSettings: [.linkedLibrary("mpi", mpi)]),

    // 1
    .target(name: "SegKernels", dependencies: ["CSegKernels", "COpenBLAS"], swiftSettings: strict),
    // 2
    .target(name: "SegFiles", swiftSettings: strict),
    .target(name: "SegFormats", dependencies: ["SegKernels", "SegFiles", "CZlib"], swiftSettings: strict),
    .target(name: "SegONNX", dependencies: ["SegKernels", "SegFiles"], swiftSettings: strict),
    .target(name: "SegImages", dependencies: ["SegKernels", "SegFiles", "CPNG", "CTurboJPEG"], swiftSettings: strict),
    .target(
      name: "SegMetrics", dependencies: ["SegKernels", "SegFiles", "SegFormats", "SegImages"], swiftSettings: strict),
    .target(
      name: "CSegPretrained",
      exclude: [
        "streets-ffnet22S-half.safetensors", "streets-ffnet22S-half.md", "inverse-network.safetensors",
        "inverse-network.md", "perceptual-features.safetensors", "perceptual-features.md",
        "streets-depth.safetensors", "streets-depth.md",
      ]),
    .target(name: "SegPretrained", dependencies: ["SegFiles", "SegFormats", "CSegPretrained"], swiftSettings: strict),
    .target(
      name: "CSegPretrainedResearch", exclude: ["camvid-ffnet22S-half.safetensors", "camvid-ffnet22S-half.md"]),
    .target(
      name: "SegPretrainedResearch", dependencies: ["SegPretrained", "CSegPretrainedResearch"], swiftSettings: strict),
    // 3
    .target(
      name: "SegData", dependencies: ["SegKernels", "SegFiles", "SegImages", "SegMetrics"], swiftSettings: strict),
    .target(name: "SegDistributed", dependencies: ["SegKernels", "CMPI"], swiftSettings: strict),
    .target(
      name: "SegTraining",
      dependencies: ["SegKernels", "SegFiles", "SegFormats", "SegImages", "SegData", "SegMetrics", "SegDistributed"],
      swiftSettings: strict),
    // 4
    .target(
      name: "SegFFNet", dependencies: ["SegKernels", "SegImages", "SegData", "SegTraining"], swiftSettings: strict),
    // 5
    .target(
      name: "SegIFA",
      dependencies: ["SegKernels", "SegImages", "SegData", "SegDistributed", "SegTraining", "SegFFNet"],
      swiftSettings: strict),
    .target(
      name: "SegInverseForm",
      dependencies: [
        "SegKernels", "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegPretrained", "SegData", "SegDistributed",
        "SegTraining", "SegFFNet",
      ],
      swiftSettings: strict),
    .target(
      name: "SegPISR",
      dependencies: [
        "SegKernels", "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet",
      ],
      swiftSettings: strict),
    .target(
      name: "SegHS3",
      dependencies: ["SegKernels", "SegFiles", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet"],
      swiftSettings: strict),
    .target(
      name: "SegPerceptualConsistency",
      dependencies: [
        "SegKernels", "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegPretrained", "SegData", "SegTraining",
        "SegFFNet",
      ], swiftSettings: strict),
    .target(
      name: "SegAuxAdapt",
      dependencies: [
        "SegKernels", "SegFormats", "SegImages", "SegMetrics", "SegPretrained", "SegData", "SegTraining", "SegFFNet",
      ], swiftSettings: strict),
    .target(
      name: "SegXDistill",
      dependencies: ["SegKernels", "SegFiles", "SegImages", "SegMetrics", "SegData", "SegTraining"],
      swiftSettings: strict),
    // 6
    .target(
      name: "SegPipelines",
      dependencies: [
        "SegKernels", "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegPretrained", "SegData",
        "SegDistributed", "SegTraining", "SegFFNet", "SegIFA", "SegInverseForm", "SegPISR", "SegHS3",
        "SegONNX", "SegPerceptualConsistency",
        "SegAuxAdapt", "SegXDistill",
        .product(name: "Yams", package: "Yams", condition: tools),
      ],
      resources: [
        .embedInCode("Recipes/camvid-ffnet22S-half.yaml"), .embedInCode("Recipes/camvid-ffnet40S.yaml"),
        .embedInCode("Recipes/streets-hs3.yaml"), .embedInCode("Recipes/streets-hs3-fuse.yaml"),
        .embedInCode("Recipes/streets-consistency.yaml"),
        .embedInCode("Recipes/streets-ffnet22S-half.yaml"), .embedInCode("Recipes/streets-ifa.yaml"),
        .embedInCode("Recipes/streets-inverseform.yaml"), .embedInCode("Recipes/streets-multitask.yaml"),
        .embedInCode("Recipes/streets-panoptic-deeplab.yaml"), .embedInCode("Recipes/streets-pisr.yaml"),
        .embedInCode("Recipes/streets-maskformer.yaml"),
        .embedInCode("Recipes/streets-xdistill.yaml"),
      ],
      swiftSettings: strict),
    // 7
    .executableTarget(
      name: "SegCommand",
      dependencies: [
        "SegKernels", "SegFormats", "SegMetrics", "SegPretrained", "SegPretrainedResearch", "SegData",
        "SegDistributed", "SegTraining", "SegInverseForm", "SegPerceptualConsistency", "SegAuxAdapt", "SegPipelines",
        .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
      ],
      swiftSettings: strict),

    .target(name: "SegOperationTable", dependencies: ["SegKernels"], swiftSettings: strict),
    .target(
      name: "SegParserTargets",
      dependencies: ["SegKernels", "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegONNX", "SegPipelines"],
      path: "Tests/SegParserTargets", swiftSettings: strict),
    .target(
      name: "SegTestSupport", dependencies: ["SegKernels", "SegFormats", "SegDistributed"],
      path: "Tests/SegTestSupport",
      swiftSettings: strict),
    tests("SegKernels", ["SegFormats", "SegOperationTable"]),
    tests("SegFormats", ["SegFiles"]),
    tests("SegImages", ["SegFiles"]),
    tests("SegONNX", ["SegFiles", "SegFormats", "SegFFNet", "SegIFA"]),
    tests("SegMetrics", ["SegFiles", "SegFormats", "SegImages"]),
    tests(
      "SegPretrained",
      ["SegFormats", "SegImages", "SegMetrics", "SegPretrainedResearch", "SegData", "SegTraining", "SegPipelines"]),
    tests("SegData", ["SegFiles", "SegImages", "SegMetrics"]),
    tests("SegDistributed"),
    tests("SegTraining", ["SegDistributed", "SegFiles", "SegData", "SegImages", "SegFormats", "SegMetrics"]),
    tests("SegFFNet", ["SegFormats", "SegImages", "SegData", "SegTraining", "CMallocCounter"]),
    tests("SegIFA", ["SegFormats", "SegImages", "SegData", "SegDistributed", "SegTraining", "SegFFNet"]),
    tests(
      "SegInverseForm",
      ["SegFormats", "SegData", "SegDistributed", "SegTraining", "SegFFNet", "SegImages", "SegPretrained"]),
    tests("SegPISR", ["SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet"]),
    tests(
      "SegHS3",
      [
        "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet", "SegIFA",
        "SegInverseForm",
      ]),
    tests(
      "SegPerceptualConsistency",
      ["SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet", "SegPretrained"]),
    tests(
      "SegAuxAdapt",
      ["SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining", "SegFFNet", "SegPretrained"]),
    tests("SegXDistill", ["SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegData", "SegTraining"]),
    .target(name: "CMallocCounter", path: "Tests/CMallocCounter"),
    // Run by PackageTests to see the package stop a program.
    .executableTarget(name: "TrapProbe", dependencies: ["SegKernels"], path: "Tests/TrapProbe", swiftSettings: strict),
    .testTarget(
      name: "PackageTests", dependencies: ["SegKernels", "SegParserTargets", "SegTestSupport", "TrapProbe"],
      swiftSettings: strict),
    tests(
      "SegPipelines",
      [
        "SegFiles", "SegFormats", "SegImages", "SegMetrics", "SegPretrained", "SegData", "SegTraining", "SegFFNet",
        "SegInverseForm", "SegAuxAdapt",
      ]),
  ]
)

/// The test target of a module.
func tests(_ module: String, _ others: [String] = []) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: (["SegKernels", module, "SegTestSupport"] + others).reduce(into: []) { list, name in
      if !list.contains(where: { $0 == name }) { list.append(name) }
    }.map { .byName(name: $0) }, swiftSettings: strict)
}
