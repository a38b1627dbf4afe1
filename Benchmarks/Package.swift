// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that nobody who only uses Shoal builds it. It builds the targets that
// it measures and no server.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "shoal-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "shoal", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .executableTarget(
            name: "shoal-benchmarks",
            dependencies: [
                "MembershipFigures",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ShoalBenchmarkSupport", package: "shoal"),
            ],
            swiftSettings: strict),
        // Membership in the simulator, as curves.
        .target(
            name: "MembershipFigures",
            dependencies: [.product(name: "ShoalBenchmarkSupport", package: "shoal")],
            swiftSettings: strict),
    ]
)
