public import Trust

// What a directory holds that is no whole node: nothing, what an interrupted init or join left, or a
// node that has lost files. Each has another remedy.
extension StateDirectory {
    static func checkVersion(_ files: DirectoryFiles) throws(StateError) {
        let found = String(decoding: try files.read("VERSION").prefix(64), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard found == version else { throw .unsupportedVersion(path: files.root, found: found) }
    }

    /// Why a directory is not a node's that can be opened; nil where it may be one. `VERSION` is
    /// written first and the mesh's record last.
    static func objection(to files: DirectoryFiles) -> StateError? {
        let hasMesh = files.exists("mesh/genesis")
        if files.exists("VERSION"), hasMesh { return nil }
        if hasMesh || files.exists("node/certificate") && !files.exists("VERSION") {
            return .versionLost(path: files.root)
        }
        if PendingJoin.existsAny(in: files) { return .unfinishedJoin(path: files.root) }
        if files.exists("node/certificate") { return .missing(path: files.path("mesh/genesis")) }
        return files.exists("VERSION")
            ? .unfinished(path: files.root) : .noMesh(path: files.root)
    }

    /// Refuses a directory that belongs to a mesh already. For `shoal mesh init` and `shoal join`,
    /// before anything is written or anybody asked.
    ///
    /// - Parameter ticket: With which it is joined; what an attempt with it left is no objection.
    public static func refuseExisting(at path: String, ticket: Ticket?) throws(StateError) {
        let files = DirectoryFiles(root: path)
        if files.exists("VERSION") { try checkVersion(files) }
        switch objection(to: files) {
        case nil: break
        case .noMesh, .unfinished: return
        case .unfinishedJoin where ticket == nil: throw .unfinishedJoin(path: path)
        // With another ticket too: that attempt's key is kept beside the new one's.
        case .unfinishedJoin where !files.exists("node/certificate"): return
        case .unfinishedJoin where PendingJoin.exists(in: files, ticket: ticket): return
        case .unfinishedJoin: throw .missing(path: files.path("mesh/genesis"))
        // A certificate is written just before the mesh's record: where it lies alone, a member
        // has lost a file, and its keys must not be overwritten.
        case let reason?: throw reason
        }
        let genesis = try load(files, "mesh/genesis", "mesh record", as: Genesis.self)
        if let ticket, ticket.genesis.id != genesis.id {
            throw .otherMesh(
                path: path, name: "\(genesis.name) \(genesis.fingerprint)",
                ticket: "\(ticket.genesis.name) \(ticket.genesis.fingerprint)")
        }
        throw .alreadyInMesh(path: path, name: genesis.name, fingerprint: genesis.fingerprint)
    }

    /// Files that a crash left behind: begun, never given their name. They may hold keys.
    static func leftovers(in files: DirectoryFiles) -> [String] {
        let folders = [
            "", "mesh", "mesh/issued", "node", "tickets", "peers", "digests", "run", "joining",
        ]
        return folders.flatMap { folder in
            files.list(folder).map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
        }.filter { $0.contains(".new-") }
    }
}
