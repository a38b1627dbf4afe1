import ArgumentParser
import Foundation
import Node

struct TestnetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "testnet",
        abstract: "A local mesh of real nodes, to try things on.",
        subcommands: [
            TestnetUpCommand.self, TestnetDownCommand.self, TestnetStatusCommand.self,
            TestnetKillCommand.self, TestnetLogsCommand.self,
        ])
}

struct TestnetOption: ParsableArguments {
    @Option(
        name: .customLong("dir"),
        help: ArgumentHelp("The testnet's directory.", valueName: "path"))
    var directory = TestnetDirectory.defaultPath

    var testnet: Testnet { Testnet(directory: TestnetDirectory(path: Paths.absolute(directory))) }

    /// The testnet and what its directory holds.
    func existing() throws -> (Testnet, TestnetDirectory.State) {
        let testnet = testnet
        guard let state = try testnet.directory.load() else {
            throw CommandError(
                .configuration,
                "there is no testnet in \(testnet.directory.path): start one with `shoal testnet up`"
            )
        }
        return (testnet, state)
    }

    func node(_ name: String) throws -> (Testnet, TestnetDirectory.Node) {
        let (testnet, state) = try existing()
        guard let node = state.nodes.first(where: { $0.name == name }) else {
            throw CommandError(
                .usage,
                "there is no '\(name)'; there are: \(state.nodes.map(\.name).joined(separator: ", "))"
            )
        }
        return (testnet, node)
    }
}

struct TestnetUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a local mesh.",
        discussion: """
            Each node is a process of its own with its own directory, keys and ports on 127.0.0.1. \
            Unless models are placed by --model, node-1 holds none and every other node holds the \
            demo models of testnet/models, so that what node-1 is asked is answered elsewhere.

            The last nodes of the mesh can be made hard to reach, to see that the others reach them \
            all the same: by --dial-out-only the last of all, by --drop-datagrams those before them.

            When a start fails or is interrupted, no process and no file is left.
            """)

    @OptionGroup var option: TestnetOption
    @Option(help: "How many nodes.") var nodes = 3
    @Option(
        help: ArgumentHelp(
            "A model, for every node but the first; node-N:FILE for one node. May be repeated.",
            valueName: "file"))
    var model: [String] = []
    @Option(
        help: ArgumentHelp(
            "How many nodes listen for no peer, as behind NAT: the last ones.", valueName: "count"))
    var dialOutOnly = 0
    @Option(
        help: ArgumentHelp(
            "How many nodes lose all their datagrams, as behind a firewall: those before.",
            valueName: "count"))
    var dropDatagrams = 0
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...TestnetDirectory.nodesMax).contains(nodes) else {
            throw ValidationError("--nodes is from 1 to \(TestnetDirectory.nodesMax).")
        }
        guard dialOutOnly >= 0, dropDatagrams >= 0, dialOutOnly + dropDatagrams < nodes else {
            throw ValidationError(
                "--dial-out-only and --drop-datagrams together are fewer than --nodes: "
                    + "node-1, which lets the others in, is reached by all means.")
        }
    }

    /// What each node is like, from the first.
    private func kinds() throws -> [Testnet.NodeKind] {
        try placement().enumerated().map { index, models in
            let isDiallingOut = index >= nodes - dialOutOnly
            let isDropping = !isDiallingOut && index >= nodes - dialOutOnly - dropDatagrams
            return Testnet.NodeKind(
                models: models, dialOutOnly: isDiallingOut,
                faults: isDropping ? ["drop-datagrams"] : [])
        }
    }

    func run() async throws {
        let testnet = option.testnet
        if let state = try testnet.directory.load() {
            let running = state.nodes.filter { testnet.process(of: $0) != nil }
            throw CommandError(
                .configuration,
                "there is a testnet in \(testnet.directory.path) already, \(running.count) of "
                    + "\(state.nodes.count) nodes running: stop it with `shoal testnet down`")
        }
        let kinds = try kinds()
        let start = Task { try await testnet.start(kinds) { Output.note($0) } }
        let signals = Self.onInterruption { start.cancel() }
        defer { signals.forEach { $0.cancel() } }
        do {
            try await start.value
        } catch {
            guard start.isCancelled else { throw error }
            throw CommandError(.temporary, "interrupted: nothing is left of the testnet")
        }
        try await TestnetStatusCommand.print(testnet, json: json)
    }

    /// Calls `action` on the signals by which people and programs end a command.
    private static func onInterruption(
        _ action: @escaping @Sendable () -> Void
    ) -> [any DispatchSourceSignal] {
        [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: action)
            source.resume()
            return source
        }
    }

    /// The models of each node.
    private func placement() throws -> [[String]] {
        var placed = [[String]](repeating: [], count: nodes)
        for specification in model.isEmpty ? try Self.demoModels() : model {
            if specification.hasPrefix("node-"), let colon = specification.firstIndex(of: ":") {
                guard let number = Int(specification[..<colon].dropFirst(5)),
                    (1...nodes).contains(number)
                else {
                    throw CommandError(.usage, "--model \(specification): there is no such node")
                }
                let file = String(specification[specification.index(after: colon)...])
                placed[number - 1].append(Paths.absolute(file))
            } else {
                for index in placed.indices where index > 0 || nodes == 1 {
                    placed[index].append(Paths.absolute(specification))
                }
            }
        }
        for file in Set(placed.flatMap { $0 })
        where !FileManager.default.isReadableFile(atPath: file) {
            throw CommandError(.noInput, "\(file): cannot be read")
        }
        return placed
    }

    /// The demo models: in `testnet/models` here, or beside the place where this program was built.
    private static func demoModels() throws -> [String] {
        var places = [FileManager.default.currentDirectoryPath]
        var parent = URL(fileURLWithPath: Bundle.main.executablePath ?? "/")
            .resolvingSymlinksInPath()
        for _ in 0..<6 {
            parent.deleteLastPathComponent()
            places.append(parent.path)
        }
        for place in places {
            let folder = place + "/testnet/models"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let models = names.filter { $0.hasSuffix(".gguf") }.sorted()
            if !models.isEmpty { return models.map { "\(folder)/\($0)" } }
        }
        throw CommandError(
            .noInput, "the demo models (testnet/models) are not here: name models by --model FILE")
    }
}

struct TestnetDownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the local mesh and remove its directory.")

    @OptionGroup var option: TestnetOption
    @Flag(help: "Keep the directory, with logs.") var keep = false
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        var stopped: [String]
        var removed: String?
    }

    func run() async throws {
        let (testnet, state) = try option.existing()
        let running = state.nodes.filter { testnet.process(of: $0) != nil }.map(\.name)
        await testnet.stop(state.nodes)
        if !keep { try testnet.directory.remove() }
        if json {
            return try Output.json(
                Report(stopped: running, removed: keep ? nil : testnet.directory.path))
        }
        Output.write(
            "Stopped \(running.isEmpty ? "nothing that ran" : running.joined(separator: ", "))"
                + (keep ? "" : "; removed \(testnet.directory.path)") + ".\n")
    }
}

struct TestnetStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The processes of the local mesh.",
        discussion: "For the mesh as its members see it: `shoal status`.")

    @OptionGroup var option: TestnetOption
    @Flag(help: "Print JSON.") var json = false

    private struct Row: Encodable {
        var name: String
        var running: Bool
        var pid: Int32?
        var http: String?
        var addresses: [String]
        var dial_out_only: Bool
        var faults: [String]
        var models: [String]
        var log: String

        var peers: String {
            let reached = dial_out_only ? "dials out only" : addresses.joined(separator: ",")
            return ([reached.isEmpty ? "-" : reached] + faults).joined(separator: ", ")
        }
    }

    func run() async throws {
        _ = try option.existing()
        try await Self.print(option.testnet, json: json)
    }

    static func print(_ testnet: Testnet, json: Bool) async throws {
        let rows = try (testnet.directory.load()?.nodes ?? []).map { node in
            let running = testnet.process(of: node)
            let state = try? StateDirectory.open(at: node.directory)
            let configuration = (try? state?.configuration()) ?? NodeConfiguration()
            return Row(
                name: node.name, running: running != nil, pid: running?.pid, http: running?.http,
                addresses: running?.addresses ?? [], dial_out_only: configuration.dialOutOnly,
                faults: configuration.faults,
                models: configuration.models.map { ($0 as NSString).lastPathComponent },
                log: node.log)
        }
        if json { return try Output.json(["nodes": rows]) }
        Output.write(
            Output.table(
                ["NODE", "PROCESS", "HTTP", "PEERS", "MODELS"],
                rows.map {
                    [
                        $0.name, $0.pid.map { "running, \($0)" } ?? "not running", $0.http ?? "-",
                        $0.peers,
                        $0.models.isEmpty ? "-" : $0.models.joined(separator: ","),
                    ]
                }))
    }
}

struct TestnetKillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kill a node at once, as a power cut would (SIGKILL).")

    @Argument(help: "The node, such as node-3.") var name: String
    @OptionGroup var option: TestnetOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let (testnet, node) = try option.node(name)
        guard let running = testnet.process(of: node) else {
            throw CommandError(.unavailable, "\(name) is not running")
        }
        guard kill(running.pid, SIGKILL) == 0 else {
            throw CommandError(.system, "\(name): \(String(cString: strerror(errno)))")
        }
        if json { return try Output.json(["killed": name]) }
        Output.write("Killed \(name). `shoal status` shows when the others notice.\n")
    }
}

struct TestnetLogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "The end of a node's log.")

    @Argument(help: "The node, such as node-3.") var name: String
    @OptionGroup var option: TestnetOption
    @Option(help: "How many lines.") var lines = 50
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...100_000).contains(lines) else {
            throw ValidationError("--lines is from 1 to 100000.")
        }
    }

    func run() async throws {
        let (_, node) = try option.node(name)
        guard let data = FileManager.default.contents(atPath: node.log) else {
            throw CommandError(.noInput, "\(node.log): cannot be read")
        }
        let all = String(decoding: data, as: UTF8.self).split(separator: "\n")
        let end = all.suffix(lines).map(String.init)
        if json { return try Output.json(["lines": end]) }
        Output.write(end.joined(separator: "\n") + "\n")
    }
}
