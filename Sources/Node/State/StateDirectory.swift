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
///     VERSION              shoal-state-1
///     config.json          what `shoal node run` reads
///     mesh/genesis         the mesh's first record
///     mesh/gate.key        the keys of the member lane, old and new   (secret)
///     mesh/authority.key   only where `shoal mesh init` was run       (secret)
///     mesh/issuer          the issuer's certificate, where there is one
///     node/identity.key    the node's identity                        (secret)
///     node/certificate     its certificate chain
///     node/generation      counts its starts
///     tickets/             ID.record for each ticket, ID.use-N for each use
///     peers/known          members and addresses, from this run and earlier ones
///     peers/ticket         addresses of the ticket by which the node joined
///     digests/             model digests, by the file's size and time
///     models/              models of this node, served without being named
///     joining/             only while a join is under way: the identity of its ticket (secret)
///     run/                 what the running node tells other commands, and their socket
///
/// Each file is written whole or not at all. Secrets have mode 0600 and are not read otherwise.
public struct StateDirectory: Sendable {
    /// The version of the layout above.
    public static let version = "shoal-state-1"

    let files: DirectoryFiles
    /// The mesh.
    public let genesis: Genesis
    /// The node.
    public let identity: Identity

    /// The directory's path.
    public var path: String { files.root }

    // MARK: Making one

    /// Makes a new mesh with this node as its first member, authority and issuer.
    public static func create(
        at path: String, meshName: String, nodeName: String, labels: [Label], now: WallTime
    ) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        try refuseExisting(files)
        do {
            let authority = Identity.generate()
            let identity = Identity.generate()
            let genesis = try Genesis(
                name: meshName, authority: authority.nodeID, created: now)
            let issuer = try Certificate(
                Certificate.Body(
                    kind: .issuer, mesh: genesis.id, subject: identity.nodeID, name: nodeName,
                    roles: [.issuer], labels: [], serial: randomSerial(), epoch: 1,
                    notBefore: now, notAfter: now + TrustLimits.issuerLifetimeMax,
                    issuer: authority.nodeID), signedBy: authority)
            let chain = try issue(
                to: identity.nodeID, name: nodeName, labels: labels, epoch: 1,
                roles: [.issuer, .server, .client], genesis: genesis, issuer: issuer,
                identity: identity, now: now)
            let gate = GateKeyRing.first(by: identity, certificate: issuer, mesh: genesis.id)
            try prepare(files)
            try save(files, "mesh/authority.key", "authority key", authority.seed)
            try save(files, "mesh/issuer", "issuer certificate", issuer.encoded)
            try save(files, "node/identity.key", "identity key", identity.seed)
            try adopt(files, genesis: genesis, chain: chain, gate: gate)
            return StateDirectory(files: files, genesis: genesis, identity: identity)
        } catch let error as TrustError {
            throw .trust(error)
        } catch let error as StateError {
            throw error
        } catch {
            throw .invalid("\(error)")
        }
    }

    /// Writes what a joiner was given. Nothing is there before; all is there after: the mesh's first
    /// record, by which a directory counts as initialised, is written last.
    ///
    /// - Parameter ticket: Whose attempt, if it was interrupted here before, is replaced.
    public static func create(
        at path: String, genesis: Genesis, identity: Identity,
        admission: JoinResponse.Admission, ticketAddresses: [NetworkAddress] = [], now: WallTime,
        replacing ticket: Ticket? = nil
    ) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        try refuseExisting(at: path, ticket: ticket)
        do throws(TrustError) {
            var trust = TrustState()
            try trust.merge(admission.trust, genesis: genesis)
            let member = try admission.chain.verify(genesis: genesis, at: now, trust: trust)
            guard member.nodeID == identity.nodeID else { throw .linkKeyMismatch }
            // From an inviter that the ticket vouches for, whose mesh may not have rolled for long.
            try admission.gateKey.verify(
                genesis: genesis, at: now, trust: trust, allowingExpired: true)
        } catch {
            throw .trust(error)
        }
        try prepare(files)
        try save(files, "node/identity.key", "identity key", identity.seed)
        let directory = StateDirectory(files: files, genesis: genesis, identity: identity)
        try directory.save(PeerMemory(admission.seeds, at: now))
        try directory.save(ticketAddresses: ticketAddresses)
        try adopt(
            files, genesis: genesis, chain: admission.chain, gate: GateKeyRing(admission.gateKey))
        return directory
    }

    /// Refuses a directory that belongs to a mesh already. For `shoal join`, before it says
    /// anything to anybody.
    public static func refuseExisting(at path: String, ticket: Ticket?) throws(StateError) {
        let files = DirectoryFiles(root: path)
        if files.exists("VERSION") { try checkVersion(files) }
        guard files.exists("mesh/genesis") else {
            // A certificate is written just before the mesh's record: where it lies alone, a member
            // has lost a file, and its keys must not be overwritten. Unless it is what a join left
            // that was interrupted in its last step, and that goes on.
            if files.exists("node/certificate"), !PendingJoin.exists(in: files, ticket: ticket) {
                throw .missing(path: files.path("mesh/genesis"))
            }
            return
        }
        let directory = try StateDirectory.open(at: path)
        if let ticket, ticket.genesis.id != directory.genesis.id {
            throw .otherMesh(
                path: path,
                name: "\(directory.genesis.name) \(directory.genesis.fingerprint)",
                ticket: "\(ticket.genesis.name) \(ticket.genesis.fingerprint)")
        }
        throw .alreadyInMesh(
            path: path, name: directory.genesis.name, fingerprint: directory.genesis.fingerprint)
    }

    private static func refuseExisting(_ files: DirectoryFiles) throws(StateError) {
        try refuseExisting(at: files.root, ticket: nil)
    }

    private static func prepare(_ files: DirectoryFiles) throws(StateError) {
        try files.makeDirectory()
        try files.checkRoot()
        for name in ["mesh", "node", "tickets", "peers", "digests", "models", "run"] {
            try files.makeDirectory(name)
        }
        try files.write(Array((version + "\n").utf8), to: "VERSION")
    }

    private static func adopt(
        _ files: DirectoryFiles, genesis: Genesis, chain: CertificateChain, gate: GateKeyRing
    ) throws(StateError) {
        try save(files, "mesh/gate.key", "gate key", gate.encoded)
        try save(files, "node/certificate", "certificate", chain.encoded)
        try save(files, "mesh/genesis", "mesh record", genesis.encoded)
    }

    // MARK: Opening one

    /// Opens a directory, after checking that it is one, of this version, whole, and that nobody
    /// else can read its keys.
    public static func open(at path: String) throws(StateError) -> StateDirectory {
        let files = DirectoryFiles(root: path)
        guard files.exists("VERSION") else { throw .noMesh(path: path) }
        try files.checkRoot()
        try checkVersion(files)
        guard files.exists("mesh/genesis") || files.exists("node/identity.key") else {
            throw .noMesh(path: path)
        }
        let genesis = try load(files, "mesh/genesis", "mesh record", as: Genesis.self)
        let seed = try load(files, "node/identity.key", "identity key", secret: true)
        guard let identity = Identity(seed: seed) else {
            throw .damaged(path: files.path("node/identity.key"), reason: "it is not a key")
        }
        return StateDirectory(files: files, genesis: genesis, identity: identity)
    }

    static func checkVersion(_ files: DirectoryFiles) throws(StateError) {
        let found = String(decoding: try files.read("VERSION").prefix(64), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard found == version else { throw .unsupportedVersion(path: files.root, found: found) }
    }

    /// Takes the directory for this process, until the returned lock goes.
    public func lock() throws(StateError) -> StateLock {
        do throws(StateError) {
            return try StateLock(path: files.path("run/lock"))
        } catch .inUse {
            throw .inUse(path: files.root)
        }
    }

    /// The keys of the member lane.
    public func gateKeys() throws(StateError) -> GateKeyRing {
        try Self.load(files, "mesh/gate.key", "gate key", secret: true, as: GateKeyRing.self)
    }

    /// The current key of the member lane.
    public func gateKey() throws(StateError) -> GateKey { try gateKeys().current.key }

    /// The node's certificate chain. An issuer renews its own when half its life is over.
    public func certificate(now: WallTime) throws(StateError) -> CertificateChain {
        let chain = try Self.load(
            files, "node/certificate", "certificate", as: CertificateChain.self)
        let body = chain.member.body
        guard body.subject == identity.nodeID, body.mesh == genesis.id else {
            throw .damaged(
                path: files.path("node/certificate"),
                reason: "it is another node's or another mesh's")
        }
        let half = body.notBefore.seconds / 2 + body.notAfter.seconds / 2
        guard now.seconds >= half, let issuer = try issuerCertificate() else { return chain }
        let renewed = try issue(
            to: identity.nodeID, name: body.name, labels: body.labels, epoch: body.epoch + 1,
            roles: body.roles, issuer: issuer, now: now)
        try Self.save(files, "node/certificate", "certificate", renewed.encoded)
        return renewed
    }

    /// Removes what an interrupted join may have left. For a node that starts.
    func forgetJoining() { PendingJoin.forgetAll(in: files) }

    /// The number of this start: one more than the last, on disk before it is used, so that claims
    /// of an earlier start can never outrank this one's.
    public func nextGeneration() throws(StateError) -> UInt64 {
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
        writer.writeInteger(last + 1)
        try Self.save(files, "node/generation", "generation", writer.bytes)
        return last + 1
    }

    // MARK: Issuing

    private func issuerCertificate() throws(StateError) -> Certificate? {
        guard files.exists("mesh/issuer") else { return nil }
        return try Self.load(files, "mesh/issuer", "issuer certificate", as: Certificate.self)
    }

    /// Whether this node can let others in.
    public var isIssuer: Bool { files.exists("mesh/issuer") }

    /// Certifies a member of this node's mesh, for the longest time a certificate may have.
    public func issue(
        to node: NodeID, name: String, labels: [Label], now: WallTime
    ) throws(StateError) -> CertificateChain {
        guard let issuer = try issuerCertificate() else { throw .notAnIssuer(path: path) }
        return try issue(
            to: node, name: name, labels: labels, epoch: 1, roles: [.server, .client],
            issuer: issuer, now: now)
    }

    private func issue(
        to node: NodeID, name: String, labels: [Label], epoch: UInt32, roles: Roles,
        issuer: Certificate, now: WallTime
    ) throws(StateError) -> CertificateChain {
        do {
            return try Self.issue(
                to: node, name: name, labels: labels, epoch: epoch, roles: roles,
                genesis: genesis, issuer: issuer, identity: identity, now: now)
        } catch {
            throw .trust(error)
        }
    }

    private static func issue(
        to node: NodeID, name: String, labels: [Label], epoch: UInt32, roles: Roles,
        genesis: Genesis, issuer: Certificate, identity: Identity, now: WallTime
    ) throws(TrustError) -> CertificateChain {
        let body = Certificate.Body(
            kind: .member, mesh: genesis.id, subject: node, name: name, roles: roles,
            labels: labels, serial: randomSerial(), epoch: epoch, notBefore: now,
            notAfter: now + TrustLimits.memberLifetimeMax, issuer: identity.nodeID)
        let chain = CertificateChain(
            member: try Certificate(body, signedBy: identity), issuer: issuer)
        // So that an issuer whose own time is over says so here, and not the other nodes later.
        _ = try chain.verify(genesis: genesis, at: now, trust: nil)
        return chain
    }

    private static func randomSerial() -> UInt64 {
        randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
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
        try Envelope.open(
            kind, try files.read(name, secret: secret), path: files.path(name),
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
