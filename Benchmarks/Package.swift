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
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "shoal-benchmarks",
            dependencies: [
                "LinkFigures", "MembershipFigures",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ShoalBenchmarkSupport", package: "shoal"),
            ],
            swiftSettings: strict),
        // Links over sockets, with other processes of the same program.
        .target(
            name: "LinkFigures",
            dependencies: [
                .product(name: "Logging", package: "swift-log"),
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
