// swift-tools-version: 6.2

import PackageDescription

// One executable over small targets. The module map, with what each target may import, is in
// README.md; the pure cores (Wire, Gossip, Mesh, Tokenizer, Sampling, Grammar, Simulation) import no
// Foundation, NIO, logging or clock.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdTesting = product(name: "HummingbirdTesting", package: "hummingbird")
    static let httpClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let logging = product(name: "Logging", package: "swift-log")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioFoundation = product(name: "NIOFoundationCompat", package: "swift-nio")
    static let nioHTTP = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let serviceLifecycle = product(
        name: "ServiceLifecycle", package: "swift-service-lifecycle")
}

/// A target in Swift 6 mode with the package's settings.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one target; `Fixtures` beside them holds data with its origin and licence.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], fixtures: Bool = false
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies,
        resources: fixtures ? [.copy("Fixtures")] : [], swiftSettings: strict)
}

let package = Package(
    name: "shoal",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "shoal", targets: ["shoal"]),
        .library(
            name: "ShoalBenchmarkSupport",
            targets: [
                "Engine", "Gossip", "Kernels", "Mesh", "MeshTransport", "Model", "Noise",
                "Secrets", "Simulation", "Trust", "Wire",
            ]),
        // What `Tests/Fuzz` feeds.
        .library(
            name: "ShoalFuzzSupport",
            targets: [
                "Engine", "GGUF", "Gossip", "Grammar", "Jinja", "Kernels", "Mesh", "Model", "Noise",
                "OpenAIAPI", "Sampling", "Secrets", "Tokenizer", "Trust", "Wire",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.25.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        // C: the system's libsodium, and the kernels. Kernels are optimised in debug builds
        // too: an unoptimised forward pass would make every test that runs a model crawl.
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .target(
            name: "CKernels",
            cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),

        // What differs between systems
        module("Platform"),

        // Inference
        module("GGUF"),
        module("Kernels", ["CKernels"]),
        module("Quantisation", ["GGUF", "Kernels"]),
        module("Jinja"),
        module("Tokenizer", ["Jinja"]),
        module("Sampling"),
        module("Grammar", ["Sampling"]),
        module("Model", ["GGUF", "Kernels"]),
        module(
            "Engine",
            ["GGUF", "Grammar", "Kernels", "Model", "Platform", "Tokenizer", "Sampling"]),

        // The mesh: pure cores, then their shells
        module("Wire"),
        module("Secrets", ["CSodium"]),
        module("Noise", ["Secrets"]),
        module("Trust", ["Secrets", "Wire"]),
        module("Gossip", ["Wire"]),
        module("Mesh", ["Wire", "Gossip", "Noise", "Secrets", "Trust"]),
        module(
            "MeshTransport",
            [
                "Mesh", "Gossip", "Noise", "Platform", "Secrets", "Trust", "Wire", .nioCore,
                .nioPosix,
                .logging,
            ]),
        module("Simulation", ["Wire", "Gossip", "Mesh"]),

        // The node
        module("OpenAIAPI"),
        module("NodeAPI", ["OpenAIAPI", .hummingbird, .logging, .nioCore, .serviceLifecycle]),
        module(
            "Node",
            [
                "Engine", "Gossip", "Kernels", "Mesh", "MeshTransport", "Model", "NodeAPI",
                "Platform", "Sampling", "Secrets", "Tokenizer", "Trust", "Wire", .logging, .nioCore,
                .nioPosix,
                .serviceLifecycle, .unixSignals,
            ]),
        .executableTarget(
            name: "shoal",
            dependencies: [
                "Engine", "GGUF", "Kernels", "Mesh", "Model", "Node", "NodeAPI", "OpenAIAPI",
                "Quantisation", "Secrets", "Simulation", "Tokenizer", "Trust", "Wire",
                .argumentParser, .httpClient, .logging, .nioCore, .nioFoundation, .nioHTTP,
            ],
            swiftSettings: strict),

        tests("Wire", ["Wire"]),
        tests("GGUF", ["GGUF"], fixtures: true),
        tests("Kernels", ["Kernels"], fixtures: true),
        tests("Quantisation", ["GGUF", "Kernels", "Quantisation"], fixtures: true),
        tests("Model", ["GGUF", "Kernels", "Model"], fixtures: true),
        tests("Jinja", ["Jinja", "Tokenizer"], fixtures: true),
        tests("Tokenizer", ["Tokenizer", "GGUF"], fixtures: true),
        tests("Sampling", ["Sampling"]),
        tests("Grammar", ["Grammar", "Sampling"]),
        tests(
            "Engine", ["Engine", "GGUF", "Kernels", "Model", "Sampling", "Tokenizer"],
            fixtures: true),
        tests("Secrets", ["Secrets"]),
        tests("Noise", ["Noise", "Secrets"], fixtures: true),
        tests("Trust", ["Secrets", "Trust", "Wire"]),
        tests("Gossip", ["Gossip", "Wire"]),
        tests("Mesh", ["Gossip", "Mesh", "Noise", "Secrets", "Trust", "Wire"]),
        tests(
            "MeshTransport",
            [
                "MeshTransport", "Gossip", "Mesh", "Noise", "Platform", "Secrets", "Trust", "Wire",
                .logging, .nioCore, .nioPosix,
            ]),
        tests("Simulation", ["Simulation", "Gossip", "Mesh", "Wire"]),
        tests("OpenAIAPI", ["OpenAIAPI"]),
        tests(
            "NodeAPI",
            ["NodeAPI", "OpenAIAPI", .hummingbird, .hummingbirdTesting, .logging, .nioCore]),
        tests(
            "Node",
            ["Gossip", "Mesh", "MeshTransport", "Node", "NodeAPI", "Trust", "Wire", .logging]),
        tests("shoal", ["shoal"]),
    ]
)
