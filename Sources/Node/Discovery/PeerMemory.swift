public import Trust
public import Wire

/// The members that this node has known, with their addresses: by whom it finds the mesh when no
/// seed is left. Dead and departed members are kept too: they may have come back, and where
/// everyone was stopped in order, everyone left.
public struct PeerMemory: Sendable, Equatable {
    /// A member as it was last seen alive.
    public struct Entry: Sendable, Equatable {
        /// The member.
        public var node: NodeID
        /// Where it was reached: its present addresses, then earlier ones.
        public var addresses: [NetworkAddress]
        /// When it was last seen alive.
        public var lastSeen: WallTime
    }

    /// At most ``DiscoveryLimits/peersMax``, the most recently seen first.
    public private(set) var entries: [Entry] = []

    /// Remembers nobody.
    public init() {}

    /// Remembers those, seen at `now`.
    public init(_ seeds: [SeedAddress], at now: WallTime) {
        see(seeds, at: now)
    }

    /// Members are alive now, at these addresses. Whoever is not among them is not forgotten for
    /// that.
    public mutating func see(_ members: [SeedAddress], at now: WallTime) {
        var byNode = Dictionary(entries.map { ($0.node, $0) }) { first, _ in first }
        for member in members where !member.addresses.isEmpty {
            let earlier = byNode[member.node]?.addresses ?? []
            let present = member.addresses.prefix(WireLimits.addressesMax)
            let addresses = present + earlier.filter { !present.contains($0) }
            byNode[member.node] = Entry(
                node: member.node, addresses: Array(addresses.prefix(WireLimits.addressesMax)),
                lastSeen: now)
        }
        keep(Array(byNode.values), notAfter: now)
    }

    private mutating func keep(_ all: [Entry], notAfter now: WallTime) {
        var kept = all
        // A clock that was ahead for a while must not make its sightings outlast all later ones.
        for index in kept.indices { kept[index].lastSeen = min(kept[index].lastSeen, now) }
        kept.sort { ($1.lastSeen, $0.node) < ($0.lastSeen, $1.node) }
        let newest = kept.first?.lastSeen ?? now
        kept.removeAll { $0.lastSeen + DiscoveryLimits.memory < newest }
        entries = Array(kept.prefix(DiscoveryLimits.peersMax))
    }

    /// Whether what is new in `other`, the same memory later, is worth a write to disk: other
    /// members or addresses, or sightings that are much newer.
    func isStale(beside other: PeerMemory) -> Bool {
        guard entries.count == other.entries.count else { return true }
        let own = Dictionary(entries.map { ($0.node, $0) }) { first, _ in first }
        return other.entries.contains { entry in
            guard let known = own[entry.node] else { return true }
            return known.addresses != entry.addresses
                || known.lastSeen + Self.writeInterval < entry.lastSeen
        }
    }

    private static let writeInterval: Duration = .seconds(600)
}

extension PeerMemory: WireCodable {
    private static let version: UInt8 = 2

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(Self.version)
        writer.writeInteger(UInt16(entries.count))
        for entry in entries {
            SeedAddress(node: entry.node, addresses: entry.addresses).encode(to: &writer)
            entry.lastSeen.encode(to: &writer)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == Self.version else {
            throw .unsupportedVersion(field: "peer list version", value: Int(version))
        }
        let count = try reader.readCount16(field: "peers", limit: DiscoveryLimits.peersMax)
        for _ in 0..<count {
            let seed = try SeedAddress(from: &reader)
            entries.append(
                Entry(
                    node: seed.node, addresses: seed.addresses,
                    lastSeen: try WallTime(from: &reader)))
        }
    }
}

extension StateDirectory {
    /// The members of this run and earlier ones. A damaged list is no reason not to start: it is
    /// empty then.
    public func peerMemory() -> PeerMemory { Self.peerMemory(in: files) }

    static func peerMemory(in files: DirectoryFiles) -> PeerMemory {
        (try? load(files, "peers/known", "peer list", as: PeerMemory.self)) ?? PeerMemory()
    }

    /// Keeps the members for the next start.
    func save(_ memory: PeerMemory) throws(StateError) {
        try Self.save(files, "peers/known", "peer list", memory.encoded)
    }

    /// The addresses of the ticket by which the node joined; none for the first of a mesh.
    public func ticketAddresses() -> [NetworkAddress] { Self.ticketAddresses(in: files) }

    static func ticketAddresses(in files: DirectoryFiles) -> [NetworkAddress] {
        guard let bytes = try? load(files, "peers/ticket", "ticket addresses") else {
            return []
        }
        var reader = ByteReader(bytes)
        return (try? reader.readAddresses()) ?? []
    }

    /// Keeps the addresses of the ticket by which the node joins.
    func save(ticketAddresses: [NetworkAddress]) throws(StateError) {
        var writer = ByteWriter()
        writer.writeAddresses(ticketAddresses)
        try Self.save(files, "peers/ticket", "ticket addresses", writer.bytes)
    }
}
