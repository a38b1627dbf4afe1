import Secrets
public import Trust
public import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Everything a node keeps on disk, in one versioned directory of mode 0700.
///
///     VERSION              shoal-state-2
///     config.json          what `shoal node run` reads
///     mesh/genesis         the mesh's first record
///     mesh/gate.key        the keys of the member lane, old and new   (secret)
///     mesh/trust           the mesh's issuers and all revocations
///     mesh/authority.key   only where `shoal mesh init` was run without --offline-authority (secret)
///     mesh/issuer          this node's issuer certificate, where there is one
///     mesh/issued/         what this node certified last for each node
///     node/identity.key    the node's identity                        (secret)
///     node/certificate     its certificate chain
///     node/generation      puts its starts in order
///     tickets/             ID.record for each ticket, ID.use-N for each use, ID.withdrawn
///     peers/known          members and addresses, from this run and earlier ones
///     peers/ticket         addresses of the ticket by which the node joined
///     digests/             model digests, by the file's size and time
///     models/              models of this node, served without being named
///     joining/             only while a join is under way: the identity of its ticket (secret)
///     run/                 what the running node tells other commands, and their socket
///
/// Each file is written whole or not at all. Secrets have mode 0600 and are not read otherwise; the
/// identity and the authority's key may be sealed under a passphrase besides.
public struct StateDirectory: Sendable {
    /// The version of the layout above.
    public static let version = "shoal-state-2"

    let files: DirectoryFiles
    /// The mesh.
    public let genesis: Genesis
    /// The node.
    public let identity: Identity

    /// The directory's path.
    public var path: String { files.root }

    // MARK: Making one

    /// Makes a new mesh with this node as its first member, authority and issuer.
    ///
    /// - Parameters:
    ///   - authorityFile: Where the authority's key goes, instead of into the directory.
    ///   - keys: How the node's and the authority's key lie on disk.
    ///   - configuration: What becomes `config.json`; nil leaves what is there.
    public static func create(
        at path: String, meshName: String, nodeName: String, labels: [Label],
        authorityFile: String? = nil, keys: KeyProtection = .none,
        configuration: NodeConfiguration? = nil, now: WallTime
    ) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        try refuseExisting(at: path, ticket: nil)
        let authority = Identity.generate()
        let identity = Identity.generate()
        let genesis: Genesis
        let issuer: Certificate
        let chain: CertificateChain
        var trust = TrustState()
        do throws(TrustError) {
            genesis = try Genesis(name: meshName, authority: authority.nodeID, created: now)
            issuer = try MeshSigner(identity: authority, certificate: nil).issuerCertificate(
                for: identity.nodeID, name: nodeName, earlier: nil, genesis: genesis, now: now)
            chain = try MeshSigner(identity: identity, certificate: issuer).chain(
                for: identity.nodeID, name: nodeName, labels: labels, roles: .founder,
                genesis: genesis, trust: nil, now: now)
            try trust.merge(TrustState(issuers: [issuer]), genesis: genesis)
        } catch {
            throw .trust(error)
        }
        let gate = GateKeyRing.first(by: identity, certificate: issuer, mesh: genesis.id)
        let key = try AuthorityKey.content(authority, genesis: genesis, keys)
        let identityFile = try KeyFile.content(identity, kind: identityKind, keys)
        // First: were it to fail afterwards, there would be a mesh without an authority.
        if let authorityFile { try AuthorityKey.write(key, toNewFile: authorityFile) }
        try prepare(files, configuration)
        if authorityFile == nil { try files.write(key, to: "mesh/authority.key") }
        try files.write(identityFile, to: "node/identity.key")
        try save(files, "mesh/issuer", "issuer certificate", issuer.encoded)
        try adopt(files, genesis: genesis, chain: chain, gate: gate, trust: trust)
        return StateDirectory(files: files, genesis: genesis, identity: identity)
    }

    /// Writes what a joiner was given. Nothing is there before; all is there after: the mesh's first
    /// record, by which a directory counts as initialised, is written last.
    ///
    /// - Parameters:
    ///   - configuration: What becomes `config.json`; nil leaves what is there.
    ///   - ticket: Whose attempt, if it was interrupted here before, is replaced.
    public static func create(
        at path: String, genesis: Genesis, identity: Identity,
        admission: JoinResponse.Admission, ticketAddresses: [NetworkAddress] = [],
        keys: KeyProtection = .none, configuration: NodeConfiguration? = nil, now: WallTime,
        replacing ticket: Ticket? = nil
    ) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        try refuseExisting(at: path, ticket: ticket)
        var trust = TrustState()
        do throws(TrustError) {
            try trust.merge(admission.trust, genesis: genesis)
            let member = try admission.chain.verify(genesis: genesis, at: now, trust: trust)
            guard member.nodeID == identity.nodeID else { throw .linkKeyMismatch }
            // From an inviter that the ticket vouches for, whose mesh may not have rolled for long.
            try admission.gateKey.verify(
                genesis: genesis, at: now, trust: trust, allowingExpired: true)
        } catch {
            throw .trust(error)
        }
        try prepare(files, configuration)
        try files.write(
            KeyFile.content(identity, kind: identityKind, keys), to: "node/identity.key")
        let directory = StateDirectory(files: files, genesis: genesis, identity: identity)
        try directory.save(PeerMemory(admission.seeds, at: now))
        try directory.save(ticketAddresses: ticketAddresses)
        try adopt(
            files, genesis: genesis, chain: admission.chain, gate: GateKeyRing(admission.gateKey),
            trust: trust)
        return directory
    }

    private static func prepare(
        _ files: DirectoryFiles, _ configuration: NodeConfiguration?
    ) throws(StateError) {
        try files.makeDirectory()
        try files.checkRoot()
        for name in [
            "mesh", "mesh/issued", "node", "tickets", "peers", "digests", "models", "run",
        ] {
            try files.makeDirectory(name)
        }
        try files.write(Array((version + "\n").utf8), to: "VERSION")
        // Before the mesh's record: a node that counts as made has the settings that it was given.
        if let configuration { try save(configuration, in: files) }
    }

    private static func adopt(
        _ files: DirectoryFiles, genesis: Genesis, chain: CertificateChain, gate: GateKeyRing,
        trust: TrustState
    ) throws(StateError) {
        try save(files, "mesh/gate.key", "gate key", gate.encoded)
        try save(files, "mesh/trust", "trust state", trust.encoded)
        try save(files, "node/certificate", "certificate", chain.encoded)
        try save(files, "mesh/genesis", "mesh record", genesis.encoded)
    }

    // MARK: Opening one

    static let identityKind = "identity key"

    /// Opens a directory, after checking that it is one, of this version, whole, and that nobody
    /// else can read its keys.
    ///
    /// - Parameter keys: Where the identity is sealed, the passphrase.
    public static func open(
        at path: String, keys: KeyProtection = .none
    ) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        if files.exists("VERSION") {
            try files.checkRoot()
            try checkVersion(files)
        }
        if let reason = objection(to: files) { throw reason }
        let genesis = try load(files, "mesh/genesis", "mesh record", as: Genesis.self)
        let found = try KeyFile.read("node/identity.key", in: files, kind: identityKind)
        let identity = try KeyFile.open(found, path: files.path("node/identity.key"), keys)
        return StateDirectory(files: files, genesis: genesis, identity: identity)
    }

    /// Takes the directory for this process, until the returned lock goes.
    public func lock() throws(StateError) -> StateLock {
        do throws(StateError) {
            return try StateLock(path: files.path("run/lock"))
        } catch .inUse {
            throw .inUse(path: files.root)
        }
    }

    /// Removes what an interrupted join may have left. For a node that starts.
    func forgetJoining() { PendingJoin.forgetAll(in: files) }

    /// The number of this start: the time in milliseconds since 1970, and more than that of the last
    /// in any case. It is on disk before it is used, so that claims of an earlier start never outrank this one's.
    ///
    /// The time, so that a directory that was restored from a backup, or lost the file, does not
    /// begin with a number that the mesh has heard already.
    public func nextGeneration(milliseconds: UInt64) throws(StateError) -> UInt64 {
        var last: UInt64 = 0
        if files.exists("node/generation") {
            let bytes = try Self.load(files, "node/generation", "generation")
            var reader = ByteReader(bytes)
            guard let value: UInt64 = try? reader.readInteger() else {
                throw .damaged(path: files.path("node/generation"), reason: "it is cut short")
            }
            last = value
        }
        guard last < .max else {
            throw .damaged(path: files.path("node/generation"), reason: "it is at its end")
        }
        var writer = ByteWriter()
        let next = max(last + 1, milliseconds)
        writer.writeInteger(next)
        try Self.save(files, "node/generation", "generation", writer.bytes)
        return next
    }

    // MARK: Files

    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        Array(blake2b(Array("shoal file v1".utf8) + bytes).prefix(8))
    }

    static func save(
        _ files: DirectoryFiles, _ name: String, _ kind: String, _ bytes: [UInt8]
    ) throws(StateError) {
        try files.write(Envelope.seal(kind, bytes, checksum: checksum), to: name)
    }

    static func sealed(_ kind: String, _ bytes: [UInt8]) -> [UInt8] {
        Envelope.seal(kind, bytes, checksum: checksum)
    }

    static func load(
        _ files: DirectoryFiles, _ name: String, _ kind: String, secret: Bool = false
    ) throws(StateError) -> [UInt8] {
        try load(files, name, oneOf: [kind], secret: secret).bytes
    }

    /// What a file holds, and of which of several kinds it is.
    static func load(
        _ files: DirectoryFiles, _ name: String, oneOf kinds: [String], secret: Bool = false
    ) throws(StateError) -> (kind: String, bytes: [UInt8]) {
        try Envelope.open(
            oneOf: kinds, try files.read(name, secret: secret), path: files.path(name),
            checksum: checksum)
    }

    static func load<T: WireCodable>(
        _ files: DirectoryFiles, _ name: String, _ kind: String, secret: Bool = false,
        as type: T.Type
    ) throws(StateError) -> T {
        let bytes = try load(files, name, kind, secret: secret)
        do { return try T(decoding: bytes) } catch {
            throw .damaged(path: files.path(name), reason: "\(error)")
        }
    }
}
