import Foundation
import Node
import NodeAPI
import Trust
import Wire

/// A mesh of real nodes, each a process of its own, on this machine's loopback.
struct Testnet {
    let directory: TestnetDirectory
    /// The program that the nodes run: this one.
    let executable: String

    /// Ports are looked for from here.
    static let basePort: UInt16 = 17_400

    init(directory: TestnetDirectory) {
        self.directory = directory
        executable = Bundle.main.executablePath ?? CommandLine.arguments[0]
    }

    /// What a node of a testnet is like beside its models.
    struct NodeKind: Codable, Equatable {
        /// It listens for no peer.
        var dialOutOnly = false
        /// What goes wrong at it on purpose; see `TransportFault`.
        var faults: [String] = []
    }

    /// Makes a mesh of `count` nodes and waits until each sees all others alive. Node 1 makes the
    /// mesh; the others join it with a ticket each, as they would from other machines.
    ///
    /// - Parameters:
    ///   - models: For each node, from the first, its models as paths or `NAME=PATH`.
    ///   - kinds: For each node, what it is like.
    func start(
        count: Int, models: [[String]], kinds: [NodeKind], progress: (String) -> Void
    ) async throws {
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: directory.path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let nodes = (1...count).map(directory.node)
        try directory.save(TestnetDirectory.State(mesh: "testnet", nodes: nodes))
        let ports = FreePorts.find(count: 2 * count, from: Self.basePort)
        guard ports.count == 2 * count else {
            throw CommandError(.system, "there are not enough free ports for \(count) nodes")
        }
        let now = NodeRuntime.wallTime
        var first: StateDirectory?
        for (index, node) in nodes.enumerated() {
            let state: StateDirectory
            if let first {
                guard let running = StateDirectory.runningNode(at: nodes[0].directory) else {
                    throw CommandError(.unavailable, "node-1 stopped: see \(nodes[0].log)")
                }
                let ticket = try first.createTicket(
                    addresses: running.addresses.compactMap { NetworkAddress($0) },
                    lifetime: .seconds(300), uses: 1, labels: [], now: now())
                state = try await Joining.join(
                    ticket, directory: node.directory, nodeName: node.name)
            } else {
                state = try StateDirectory.create(
                    at: node.directory, meshName: "testnet", nodeName: node.name, labels: [],
                    now: now())
                first = state
            }
            var configuration = NodeConfiguration()
            configuration.peerHost = "127.0.0.1"
            configuration.peerPort = ports[2 * index]
            configuration.httpPort = ports[2 * index + 1]
            configuration.models = models[index]
            configuration.dialOutOnly = kinds[index].dialOutOnly
            configuration.faults = kinds[index].faults
            try state.save(configuration)
            try launch(node)
            if index == 0 { try await waitUntilReady(node) }
            progress("\(node.name) started")
        }
        for node in nodes { try await waitUntilReady(node) }
        try await waitUntilConverged(nodes)
    }

    /// Starts a node's process.
    func launch(_ node: TestnetDirectory.Node) throws {
        _ = try DetachedProcess.spawn(
            executable: executable,
            arguments: ["node", "run", "--dir", node.directory, "--log-level", "debug"],
            environment: ProcessInfo.processInfo.environment.filter {
                !$0.key.hasPrefix("SHOAL_") || $0.key == "SHOAL_ISA"
            }, logPath: node.log)
    }

    /// The process of a node, if it runs.
    func process(of node: TestnetDirectory.Node) -> RunningNode? {
        guard let running = StateDirectory.runningNode(at: node.directory),
            DetachedProcess.isRunning(running.pid)
        else { return nil }
        return running
    }

    private func waitUntilReady(_ node: TestnetDirectory.Node) async throws {
        for _ in 0..<600 {
            if process(of: node) != nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let log = FileManager.default.contents(atPath: node.log).map {
            String(decoding: $0.suffix(1500), as: UTF8.self)
        }
        throw CommandError(
            .unavailable, "\(node.name) did not start; the end of \(node.log):\n\(log ?? "")")
    }

    private func waitUntilConverged(_ nodes: [TestnetDirectory.Node]) async throws {
        for node in nodes {
            var seen = 0
            for _ in 0..<600 {
                guard let running = process(of: node) else {
                    throw CommandError(.unavailable, "\(node.name) stopped: see \(node.log)")
                }
                let status = try? await NodeClient(baseURL: running.http)
                    .get("/shoal/v1/status")
                let members = status.flatMap {
                    try? JSONDecoder().decode(NodeStatus.self, from: $0)
                }?.members
                seen = members?.count { $0.state == .alive } ?? 0
                if seen == nodes.count { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            guard seen == nodes.count else {
                throw CommandError(
                    .unavailable,
                    "\(node.name) sees \(seen) of \(nodes.count) nodes after 30 s: see \(node.log)")
            }
        }
    }

    /// Stops all nodes: asks, then after a while insists.
    func stop(_ nodes: [TestnetDirectory.Node]) async throws {
        let running = nodes.compactMap(process)
        for node in running { kill(node.pid, SIGTERM) }
        for _ in 0..<150 where running.contains(where: { DetachedProcess.isRunning($0.pid) }) {
            try await Task.sleep(for: .milliseconds(100))
        }
        for node in running where DetachedProcess.isRunning(node.pid) { kill(node.pid, SIGKILL) }
    }
}
