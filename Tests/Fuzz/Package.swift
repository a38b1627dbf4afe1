// swift-tools-version: 6.2

import PackageDescription

// A package of its own: it is built with the sanitizers, by `run`, which also links it. What it
// builds is a library, for libFuzzer brings the main function.

let package = Package(
    name: "shoal-fuzz",
    platforms: [.macOS(.v15)],
    products: [.library(name: "FuzzTargets", type: .static, targets: ["FuzzTargets"])],
    dependencies: [.package(name: "shoal", path: "../..")],
    targets: [
        .target(
            name: "FuzzTargets",
            dependencies: [.product(name: "ShoalFuzzSupport", package: "shoal")],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
            ])
    ]
)
