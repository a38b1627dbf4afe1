import Foundation

/// What a running node tells the commands of its machine, in `run/node.json`.
public struct RunningNode: Codable, Sendable {
    /// Its process.
    public var pid: Int32
    /// When that process started (``ProcessStart``): another may have its number later.
    public var processStart: UInt64?
    /// Its name.
    public var name: String
    /// Its id, in hexadecimal.
    public var id: String
    /// Where HTTP is served, as `http://HOST:PORT`.
    public var http: String
    /// The Unix socket on which the same is served to commands of this machine; nil where the
    /// system has none.
    public var socket: String?
    /// Where peers reach it.
    public var addresses: [String]

    /// As given.
    public init(
        pid: Int32, processStart: UInt64?, name: String, id: String, http: String,
        socket: String? = nil, addresses: [String]
    ) {
        self.pid = pid
        self.processStart = processStart
        self.name = name
        self.id = id
        self.http = http
        self.socket = socket
        self.addresses = addresses
    }
}

extension StateDirectory {
    /// What the node of the directory at `path` told when it started; nil when none runs or it
    /// stopped in order. It may have died since.
    public static func runningNode(at path: String) -> RunningNode? {
        let files = DirectoryFiles(root: path)
        guard let bytes = try? files.read("run/node.json") else { return nil }
        return try? JSONDecoder().decode(RunningNode.self, from: Data(bytes))
    }

    func save(_ node: RunningNode) throws(StateError) {
        guard let data = try? JSONEncoder().encode(node) else {
            throw .invalid("the node's state cannot be written as JSON")
        }
        try files.write(Array(data), to: "run/node.json")
    }

    /// Makes a place for the socket of the node that starts.
    func prepareSocket() -> String? {
        CommandSocket.prepare(in: files, earlier: Self.runningNode(at: path))
    }

    /// The node has stopped in order: nothing of `run/` but the lock is left.
    func removeRunningNode(socket: String?) {
        files.remove("run/node.json")
        if let socket { CommandSocket.remove(socket, of: files) }
    }
}
