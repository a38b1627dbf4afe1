import Foundation
import Node
import NodeAPI

/// A mesh of real nodes, each a process of its own, on this machine's loopback.
struct Testnet {
    let directory: TestnetDirectory
    /// The program that the nodes run: this one.
    let executable: String

    init(directory: TestnetDirectory) {
        self.directory = directory
        executable = Bundle.main.executablePath ?? CommandLine.arguments[0]
    }

    /// What a node of a testnet is like.
    struct NodeKind {
        /// Its models, as paths or `NAME=PATH`.
        var models: [String] = []
        /// It listens for no peer.
        var dialOutOnly = false
        /// What goes wrong at it on purpose; see `TransportFault`.
        var faults: [String] = []
    }

    /// Starts a node's process, and returns its number.
    func launch(_ node: TestnetDirectory.Node) throws -> Int32 {
        try DetachedProcess.spawn(
            executable: executable,
            arguments: ["node", "run", "--dir", node.directory, "--log-level", "debug"],
            environment: ProcessInfo.processInfo.environment.filter {
                !$0.key.hasPrefix("SHOAL_") || $0.key == "SHOAL_ISA"
            }, logPath: node.log)
    }

    /// The process of a node, if it runs.
    func process(of node: TestnetDirectory.Node) -> RunningNode? {
        guard let running = StateDirectory.runningNode(at: node.directory),
            DetachedProcess.isRunning(running)
        else { return nil }
        return running
    }

    /// The mesh as a node sees it; nil when it does not answer.
    func status(of node: RunningNode) async -> NodeStatus? {
        guard let body = try? await NodeClient(node).get("/shoal/v1/status") else {
            return nil
        }
        return try? JSONDecoder().decode(NodeStatus.self, from: body)
    }

    /// Stops all nodes: asks, then after a while insists.
    func stop(_ nodes: [TestnetDirectory.Node]) async {
        let running = nodes.compactMap(process)
        for node in running { kill(node.pid, SIGTERM) }
        for _ in 0..<150 where running.contains(where: DetachedProcess.isRunning) {
            // A caller that is cancelled stops the nodes all the same, but does not wait as long.
            try? await Task.sleep(for: .milliseconds(100))
        }
        for node in running where DetachedProcess.isRunning(node) { kill(node.pid, SIGKILL) }
    }
}
