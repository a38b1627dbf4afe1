public import Wire

/// How a member can be reached, as it found out about itself.
public enum Reachability: UInt8, Sendable, CaseIterable {
    /// At its addresses, by datagrams and links.
    case direct = 0
    /// Links can be dialled; datagrams don't arrive.
    case streamsOnly = 1
    /// Only over links that it dials itself.
    case outboundOnly = 2

    /// Whether others may dial it.
    public var acceptsLinks: Bool { self != .outboundOnly }
}

/// "I am here": where a member is, by which key it speaks, and which start of it this is.
public struct AliveClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Counts the member's starts.
    public var generation: UInt64
    /// Grows when the member refutes an accusation or changes this claim.
    public var incarnation: UInt32
    /// The lower half of its boot id, whose upper half is the generation: who knows it needs no
    /// hello before the first datagram. Zero where it is not told.
    public var bootNonce: UInt64 = 0
    /// Its key for links and datagrams.
    public var linkKey: LinkKey
    /// Until when the key is used.
    public var linkKeyNotAfter: WallTime
    /// Its certificate.
    public var certificate: CertificateTag
    /// How it can be reached.
    public var reachability: Reachability
    /// The oldest gossip version it speaks.
    public var versionOldest: UInt8
    /// The newest gossip version it speaks.
    public var versionNewest: UInt8
    /// Where it can be reached: candidates, best first.
    public var addresses: [NetworkAddress]

    /// A claim as given, for this build's versions.
    public init(
        node: NodeID, generation: UInt64, incarnation: UInt32 = 0, linkKey: LinkKey,
        linkKeyNotAfter: WallTime, certificate: CertificateTag, reachability: Reachability,
        addresses: [NetworkAddress]
    ) {
        self.node = node
        self.generation = generation
        self.incarnation = incarnation
        self.linkKey = linkKey
        self.linkKeyNotAfter = linkKeyNotAfter
        self.certificate = certificate
        self.reachability = reachability
        versionOldest = GossipVersion.supported.lowerBound
        versionNewest = GossipVersion.supported.upperBound
        self.addresses = addresses
    }

    /// The gossip versions it speaks; never empty, since a claim without any is refused.
    public var versions: ClosedRange<UInt8> {
        versionOldest...max(versionOldest, versionNewest)
    }

    /// The boot id of its start, if it is told; see ``DatagramSessions``.
    var boot: BootID? { bootNonce == 0 ? nil : BootID(high: generation, low: bootNonce) }

    /// The claim with as many of its addresses, best first, as a claim has room for.
    var fitted: Self {
        var claim = self
        claim.addresses = Array(claim.addresses.prefix(WireLimits.addressesMax))
        while Claim.Body.alive(claim).encoded.count + Claim.envelopeBytes
            > GossipLimits.aliveBytesMax,
            !claim.addresses.isEmpty
        {
            claim.addresses.removeLast()
        }
        return claim
    }

    func encode(to writer: inout ByteWriter) {
        node.encode(to: &writer)
        writer.writeInteger(generation)
        writer.writeInteger(incarnation)
        writer.writeInteger(bootNonce)
        linkKey.encode(to: &writer)
        linkKeyNotAfter.encode(to: &writer)
        certificate.encode(to: &writer)
        writer.writeInteger(reachability.rawValue)
        writer.writeInteger(versionOldest)
        writer.writeInteger(versionNewest)
        writer.writeAddresses(addresses)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        node = try NodeID(from: &reader)
        generation = try reader.readInteger()
        incarnation = try reader.readInteger()
        bootNonce = try reader.readInteger()
        linkKey = try LinkKey(from: &reader)
        linkKeyNotAfter = try WallTime(from: &reader)
        certificate = try CertificateTag(from: &reader)
        guard let reachability = Reachability(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "reachability")
        }
        self.reachability = reachability
        versionOldest = try reader.readUInt8()
        versionNewest = try reader.readUInt8()
        guard versionOldest <= versionNewest else { throw .invalid(field: "gossip versions") }
        addresses = try reader.readAddresses()
    }
}
