import Foundation

/// A local testnet's directory: `testnet.json`, and a state directory and a log for each node.
struct TestnetDirectory {
    /// Where a testnet is unless told otherwise.
    static let defaultPath = ".shoal-testnet"
    /// The most nodes of a testnet.
    static let nodesMax = 64

    struct Node: Codable {
        var name: String
        /// Its state directory, as an absolute path.
        var directory: String
        var log: String
    }

    struct State: Codable {
        var version = 1
        var mesh: String
        var nodes: [Node]
    }

    let path: String

    private var file: String { path + "/testnet.json" }

    /// What the directory holds, or nil when there is no testnet.
    func load() throws -> State? {
        guard let data = FileManager.default.contents(atPath: file) else { return nil }
        guard let state = try? JSONDecoder().decode(State.self, from: data), state.version == 1
        else { throw CommandError(.configuration, "\(file) is damaged: remove \(path)") }
        return state
    }

    /// Makes the directory for a new testnet, which must hold nothing that removing the testnet
    /// would take with it.
    func create(_ state: State) throws {
        let manager = FileManager.default
        if let found = try? manager.contentsOfDirectory(atPath: path), !found.isEmpty {
            throw CommandError(
                .configuration, "\(path) holds other files: name a new directory by --dir")
        }
        try manager.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try save(state)
    }

    private func save(_ state: State) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(state).write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    func node(_ name: Int) -> Node {
        Node(
            name: "node-\(name)", directory: "\(path)/node-\(name)",
            log: "\(path)/node-\(name).log")
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }
}
