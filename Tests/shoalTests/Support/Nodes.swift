import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tests that start real processes of the program. One at a time: they share the machine's ports
/// and cores.
@Suite(.serialized) struct ProcessTests {}

/// What `shoal query --json` prints.
struct QueryReport: Decodable {
    struct Info: Decodable {
        var node: String
        var reason: String
        var attempts: Int
        var through: String?
    }

    struct Usage: Decodable {
        var prompt_tokens: Int
        var completion_tokens: Int
    }

    var text: String
    var finish_reason: String
    var model: String
    var usage: Usage
    var shoal: Info
}

/// What `shoal status --json` prints.
struct StatusReport: Decodable {
    struct Member: Decodable {
        var name: String
        var state: String
        var reachability: String
        var path: String?
        var generation: UInt64
        var incarnation: UInt32
        var models: [String]
        var software: String?
        var speeds: [Speed]
        var cached_prefixes: Int
        var load: Load?
    }

    struct Speed: Decodable {
        var model: String
        var prefill_tokens_per_second: Double
        var decode_tokens_per_second: Double
    }

    struct Load: Decodable {
        var queued: Int
        var running: Int
        var free_kv_tokens: Int
    }

    struct Model: Decodable {
        struct Rung: Decodable, Equatable {
            var alias: String
            var rung: Int
        }

        var id: String
        var format: String
        var rungs: [Rung]
    }

    struct Discovery: Decodable {
        struct Place: Decodable {
            var address: String
            var outcome: String
            var reason: String?
        }

        var alone: Bool
        var places: [Place]
    }

    struct Node: Decodable {
        var roles: [String]
        var gate_key_epoch: Int?
        var waiting_reason: String?
        var said_revoked: [SaidRevoked]?

        struct SaidRevoked: Decodable {
            var by: String
        }
    }

    struct Link: Decodable {
        var peer: String
        var through: String?
    }

    var node: Node
    var links: [Link]
    var members: [Member]
    var models: [Model]
    var counters: [String: UInt64]
    var discovery: Discovery?

    func member(_ name: String) -> Member? { members.first { $0.name == name } }

    func state(of name: String) -> String? { members.first { $0.name == name }?.state }
}

/// A node that runs by itself, in a directory of its place.
struct RunningNode {
    let name: String
    let directory: String
    let command: StartedCommand
    /// As `http://127.0.0.1:PORT`.
    let http: String
    /// Nil for a node that only dials out.
    let peerPort: UInt16?

    /// Kills it as a power cut would.
    func kill() async throws {
        command.send(SIGKILL)
        try await eventually("\(name) ends") { !command.isRunning }
    }

    /// Stops it in order.
    func stop() async throws -> Outcome {
        command.send(SIGTERM)
        return try await command.outcome()
    }
}

extension Place {
    /// Where new nodes listen: ports that the system chooses.
    private static let listening = [
        "--peer-host", "127.0.0.1", "--peer-port", "0", "--http-port", "0",
    ]

    /// Makes a mesh in the directory `name`, with a node of that name.
    @discardableResult
    func makeMesh(_ name: String) async throws -> Outcome {
        let outcome = try await start(
            ["mesh", "init", "--dir", path(name), "--node-name", name, "--name", "mesh-of-\(name)"]
                + Self.listening + ["--json"]
        ).outcome()
        guard outcome.status == 0 else { throw Problem("it failed: \(outcome)") }
        return outcome
    }

    /// A ticket of the node `inviter`, in a file.
    func ticket(of inviter: RunningNode, _ options: String...) async throws -> String {
        let outcome = try await start(
            ["invite", "create", "--dir", inviter.directory] + options
        ).outcome()
        guard outcome.status == 0 else { throw Problem("it failed: \(outcome)") }
        return try write(outcome.output, to: "ticket-\(UUID().uuidString.prefix(8))")
    }

    /// Tries to join with a ticket file, as `name` in the directory of that name.
    func join(_ ticket: String, as name: String, input: String? = nil) async throws -> Outcome {
        try await start(
            ["join", ticket, "--yes", "--dir", path(name), "--node-name", name] + Self.listening
                + ["--json"], input: input
        ).outcome()
    }

    /// Runs the node of the directory `name` until it is ready.
    func run(
        _ name: String, _ options: [String] = [], runner: [String] = []
    ) async throws -> RunningNode {
        let command = try start(["node", "run", "--dir", path(name)] + options, runner: runner)
        struct Told: Decodable {
            var pid: Int32
            var http: String
            var addresses: [String]
        }
        var told: Told?
        try await eventually("\(name) is ready\n\(command.errors)") {
            guard command.isRunning else {
                throw Problem("\(name) ended: \(try await command.outcome())")
            }
            let data = FileManager.default.contents(atPath: path(name) + "/run/node.json")
            told = data.flatMap { try? JSONDecoder().decode(Told.self, from: $0) }
            return told?.pid == command.pid && command.output.contains("is ready")
        }
        let node = try #require(told)
        let port = node.addresses.first?.split(separator: ":").last.flatMap { UInt16($0) }
        return RunningNode(
            name: name, directory: path(name), command: command, http: node.http, peerPort: port)
    }

    /// Makes a mesh and runs its first node.
    func runMesh(_ name: String, _ options: [String] = []) async throws -> RunningNode {
        try await makeMesh(name)
        return try await run(name, options)
    }

    /// The mesh as a node sees it; asked of the node itself, since tests ask often.
    func status(_ node: RunningNode) async throws -> StatusReport {
        let answer = try await HTTPAnswer.of(node.http, "/shoal/v1/status")
        return try JSONDecoder().decode(StatusReport.self, from: Data(answer.body.utf8))
    }

    /// Waits until `node` sees `other` in `state`, with the demo model if one is asked for.
    func wait(
        for other: String, toBe state: String, at node: RunningNode, offering model: String? = nil
    ) async throws {
        try await eventually("\(node.name) sees \(other) \(state)\n\(node.command.errors)") {
            try await status(node).members.contains {
                $0.name == other && $0.state == state
                    && (model == nil || $0.models.contains(model ?? ""))
            }
        }
    }
}
