import Foundation
import Node
import NodeAPI
import Synchronization
import Trust
import Wire

extension Testnet {
    /// So many nodes join at once. All come from one address, from which a node lets only a few
    /// begin handshakes at a time (`LinkLimits.halfOpenPerAddressMax`).
    private static let joinsAtOnce = 3
    /// One that was turned away for that tries again so often, after this pause.
    private static let joinAttempts = 40
    private static let joinPause: Duration = .milliseconds(150)
    /// How long a node may take until it serves, and until all know all.
    private static let patience: Duration = .seconds(60)

    /// Makes a mesh and waits until each node sees all others alive. Node 1 makes the mesh; the
    /// others join it with a ticket each, as they would from other machines.
    ///
    /// When it fails, or is cancelled, no process and no file is left.
    ///
    /// - Parameter kinds: What each node is like, from the first.
    func start(
        _ kinds: [NodeKind], progress: @escaping @Sendable (String) -> Void
    ) async throws {
        let nodes = kinds.indices.map { directory.node($0 + 1) }
        try directory.create(TestnetDirectory.State(mesh: "testnet", nodes: nodes))
        let started = StartedProcesses()
        do {
            try await start(kinds, nodes, started, progress)
        } catch {
            started.end()
            try? directory.remove()
            throw error
        }
    }

    private func start(
        _ kinds: [NodeKind], _ nodes: [TestnetDirectory.Node], _ started: StartedProcesses,
        _ progress: @escaping @Sendable (String) -> Void
    ) async throws {
        guard let block = PortBlock.take(ports: 2 * nodes.count) else {
            throw CommandError(.system, "there are not enough free ports for \(nodes.count) nodes")
        }
        // Others keep out of these ports until all nodes listen.
        defer { withExtendedLifetime(block) {} }
        let configurations = kinds.enumerated().map { index, kind in
            var configuration = NodeConfiguration()
            configuration.peerHost = "127.0.0.1"
            configuration.peerPort = block.ports[2 * index]
            configuration.httpPort = block.ports[2 * index + 1]
            configuration.models = kind.models
            configuration.dialOutOnly = kind.dialOutOnly
            configuration.faults = kind.faults
            return configuration
        }
        let first = try StateDirectory.create(
            at: nodes[0].directory, meshName: "testnet", nodeName: nodes[0].name, labels: [],
            now: NodeRuntime.wallTime())
        try first.save(configurations[0])
        let inviter = try await run(nodes[0], started)
        progress("\(nodes[0].name) started")

        let addresses = inviter.addresses.compactMap { NetworkAddress($0) }
        let tickets = try (1..<nodes.count).map { _ in
            try first.createTicket(
                addresses: addresses, lifetime: .seconds(600), uses: 1, labels: [],
                now: NodeRuntime.wallTime())
        }
        try await withThrowingTaskGroup(of: String.self) { group in
            var done = 1
            func finishOne() async throws {
                guard let name = try await group.next() else { return }
                done += 1
                progress("\(name) started (\(done) of \(nodes.count))")
            }
            for index in 1..<max(1, nodes.count) {
                if index > Self.joinsAtOnce { try await finishOne() }
                let (node, ticket) = (nodes[index], tickets[index - 1])
                let configuration = configurations[index]
                group.addTask {
                    try await join(node, ticket).save(configuration)
                    try Task.checkCancellation()
                    _ = try await run(node, started)
                    return node.name
                }
            }
            while done < nodes.count { try await finishOne() }
        }
        try await waitUntilConverged(nodes)
        progress("each node sees all \(nodes.count)")
    }

    private func join(
        _ node: TestnetDirectory.Node, _ ticket: Ticket
    ) async throws -> StateDirectory {
        for _ in 1..<Self.joinAttempts {
            do {
                return try await Joining.join(
                    ticket, directory: node.directory, nodeName: node.name)
            } catch let failure as Joining.Failure where failure.isWorthRetrying {
                try await Task.sleep(for: Self.joinPause)
            }
        }
        return try await Joining.join(ticket, directory: node.directory, nodeName: node.name)
    }

    /// Starts a node's process and waits until it serves.
    private func run(
        _ node: TestnetDirectory.Node, _ started: StartedProcesses
    ) async throws -> RunningNode {
        let pid = try launch(node)
        started.add(pid)
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if let running = process(of: node) { return running }
            guard DetachedProcess.isRunning(pid) else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw failure(node, "did not start")
    }

    private func waitUntilConverged(_ nodes: [TestnetDirectory.Node]) async throws {
        let deadline = ContinuousClock.now + Self.patience
        for node in nodes {
            var seen = 0
            while true {
                guard let running = process(of: node) else { throw failure(node, "stopped") }
                let told = await status(of: running)
                seen = told?.members.count { $0.state == .alive } ?? 0
                if seen == nodes.count, told?.node.waitingReason == nil { break }
                guard ContinuousClock.now < deadline else {
                    throw failure(node, "sees \(seen) of \(nodes.count) nodes")
                }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Why the start failed, with the end of the node's log, which goes with the rest.
    private func failure(_ node: TestnetDirectory.Node, _ what: String) -> CommandError {
        let log = FileManager.default.contents(atPath: node.log).map {
            String(decoding: $0.suffix(1500), as: UTF8.self)
        }
        return CommandError(
            .unavailable, "\(node.name) \(what); the end of its log:\n\(log ?? "")")
    }
}

/// The processes of a start, for the case that it fails.
private final class StartedProcesses: Sendable {
    private let pids = Mutex<[Int32]>([])

    func add(_ pid: Int32) { pids.withLock { $0.append(pid) } }

    /// Ends them all, also those that have not said yet that they run. Blocks for the moment that
    /// takes: a task that was cancelled could not wait otherwise.
    func end() {
        let pids = pids.withLock { $0 }
        for pid in pids where DetachedProcess.isRunning(pid) { kill(pid, SIGKILL) }
        for pid in pids {
            for _ in 0..<500 where DetachedProcess.isRunning(pid) { usleep(10_000) }
        }
    }
}
