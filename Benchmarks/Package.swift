// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that nobody who only uses Shoal builds it. It builds the targets that
// it measures and no server.

let package = Package(
    name: "shoal-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "shoal", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        // C: the loops that our figures are compared with. The compiler must neither drop a read
        // nor leave it unoptimised.
        .target(name: "CBandwidth", cSettings: [.unsafeFlags(["-O3"])]),
        .executableTarget(
            name: "shoal-benchmarks",
            dependencies: [
                "CBandwidth",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ShoalBenchmarkSupport", package: "shoal"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
            ]),
    ]
)
