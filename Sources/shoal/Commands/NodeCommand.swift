public import ArgumentParser
import Foundation
public import Logging
import Node

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Run this node.", subcommands: [NodeRunCommand.self])
}

struct NodeRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run this node until it is interrupted.",
        discussion: """
            Settings come from flags, else from the environment (SHOAL_PEER_HOST, SHOAL_PEER_PORT, \
            SHOAL_HTTP_HOST, SHOAL_HTTP_PORT, SHOAL_MODELS, SHOAL_ADDRESSES, SHOAL_SEEDS, \
            SHOAL_DIAL_OUT_ONLY, SHOAL_MEMORY_MIB, SHOAL_THREADS, SHOAL_FAULTS), else from \
            config.json in the node's directory. Model \
            files in its models folder are served too.
            """)

    @OptionGroup var directory: OpenDirectoryOption
    @Option(help: "A model file to serve, or NAME=FILE. May be repeated.") var model: [String] = []
    @Option(help: "Where peers connect: an IP address of this machine, 0.0.0.0 for all.")
    var peerHost: String?
    @Option(help: "The port for peers; 0 for any.") var peerPort: UInt16?
    @Option(help: "Where HTTP is served. Anyone who reaches it can ask.") var httpHost: String?
    @Option(help: "The port for HTTP; 0 for any.") var httpPort: UInt16?
    @Option(help: "An address by which others reach this node, as HOST:PORT. May be repeated.")
    var address: [String] = []
    @Option(
        help: ArgumentHelp(
            "Where to look for members, besides the configuration's seeds. May be repeated.",
            valueName: "host:port"))
    var seed: [String] = []
    @Flag(inversion: .prefixedNo, help: "Listen for no peer; only dial out.")
    var dialOutOnly: Bool?
    @Option(
        help: ArgumentHelp(
            "Lose datagrams on purpose, as behind a firewall: drop-datagrams, or "
                + "drop-datagrams=SHARE. To try the mesh's other ways.", valueName: "fault"))
    var fault: [String] = []
    @Option(
        name: .customLong("memory-mib"),
        help: ArgumentHelp(
            "The most memory of all models together, in MiB; the least recently used leaves first.",
            valueName: "mib"))
    var memoryMiB: Int?
    @Option(help: "Threads that share a forward pass; one per processor unless given.")
    var threads: Int?
    @Option(help: "How much to log: trace, debug, info, notice, warning or error.")
    var logLevel: Logger.Level = .info

    func validate() throws {
        guard memoryMiB.map({ 1...NodeLimits.memoryMiBMax ~= $0 }) ?? true,
            threads.map({ 1...NodeLimits.threadsMax ~= $0 }) ?? true
        else {
            throw ValidationError(
                "--memory-mib is from 1 to \(NodeLimits.memoryMiBMax), --threads from 1 to "
                    + "\(NodeLimits.threadsMax).")
        }
    }

    func run() async throws {
        let state = try directory.open()
        var configuration = try state.configuration()
        let environment = ProcessInfo.processInfo.environment
        try configuration.apply(environment: environment)
        configuration.peerHost = peerHost ?? configuration.peerHost
        configuration.peerPort = peerPort ?? configuration.peerPort
        configuration.httpHost = httpHost ?? configuration.httpHost
        configuration.httpPort = httpPort ?? configuration.httpPort
        configuration.dialOutOnly = dialOutOnly ?? configuration.dialOutOnly
        configuration.memoryMiB = memoryMiB ?? configuration.memoryMiB
        configuration.threads = threads ?? configuration.threads
        configuration.models += model
        configuration.seeds += seed
        if !fault.isEmpty { configuration.faults = fault }
        if !address.isEmpty { configuration.addresses = address }
        // A fault that nobody knows must not pass for one that is there.
        _ = try configuration.parsedFaults()
        let level = logLevel
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let runtime = try NodeRuntime(
            directory: state, configuration: configuration, environment: environment,
            logger: Logger(label: "shoal")
        ) { node in
            let peers =
                node.addresses.isEmpty
                ? "dials out only" : "peers at \(node.addresses.joined(separator: ", "))"
            Output.write("\(node.name) is ready: HTTP at \(node.http)/v1, \(peers)\n")
        }
        try await runtime.run()
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
