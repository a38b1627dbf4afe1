public import Wire

/// The kinds of claim; each is signed in a domain of its own.
public enum ClaimKind: UInt8, Sendable, CaseIterable {
    /// I am here.
    case alive = 1
    /// This is what I offer.
    case metadata = 2
    /// I leave.
    case leave = 3
    /// I cannot reach another.
    case suspect = 4
}

/// Signs this node's claims and checks those of others. Handed in, so that a simulation may use a
/// cheap one.
public protocol ClaimAuthority: Sendable {
    /// This node's signature, of 64 bytes, over a claim's body.
    func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8]
    /// Whether `signature` is `node`'s over `body`.
    func verify(_ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID) -> Bool
}

/// The first 16 bytes of a certificate chain's digest: what a claim has room for.
public typealias CertificateTag = Nonce128<IdentifierKind.Certificate>

extension CertificateDigest {
    /// The digest's first 16 bytes.
    public var tag: CertificateTag {
        var reader = ByteReader(bytes)
        guard let tag = try? CertificateTag(from: &reader) else {
            preconditionFailure("32 bytes hold 16")
        }
        return tag
    }
}

/// How a member can be reached.
public enum Reachability: UInt8, Sendable, CaseIterable {
    /// At its addresses, by datagrams and links.
    case direct = 0
    /// Only over links that it dials itself.
    case outboundOnly = 1
}

/// "I am here": where a member is, by which key it speaks, and which start of it this is.
public struct AliveClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Counts the member's starts.
    public var generation: UInt64
    /// Grows when the member refutes an accusation or changes this claim.
    public var incarnation: UInt32
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
        versionOldest = GossipPacket.version
        versionNewest = GossipPacket.version
        self.addresses = addresses
    }

    /// The claim with as many of its addresses, best first, as a claim has room for.
    var fitted: Self {
        var claim = self
        claim.addresses = Array(claim.addresses.prefix(WireLimits.addressesMax))
        while Claim.Body.alive(claim).encoded.count + GossipLimits.signatureBytes
            > GossipLimits.aliveBytesMax,
            !claim.addresses.isEmpty
        {
            claim.addresses.removeLast()
        }
        return claim
    }
}

/// What a model is for.
public enum ModelTask: UInt8, Sendable, CaseIterable {
    /// Continues text.
    case generation = 0
    /// Turns text into vectors.
    case embedding = 1
}

/// A model that a member offers.
public struct OfferedModel: Sendable, Hashable {
    /// The model.
    public var digest: ModelDigest
    /// What it is called.
    public var name: String
    /// Its context, in tokens.
    public var contextLength: UInt32
    /// What it is for.
    public var task: ModelTask

    /// An offer as given.
    public init(
        digest: ModelDigest, name: String, contextLength: UInt32, task: ModelTask = .generation
    ) {
        self.digest = digest
        self.name = name
        self.contextLength = contextLength
        self.task = task
    }
}

/// What a member offers.
public struct MemberMetadata: Sendable, Equatable {
    /// The rules its arithmetic follows.
    public var numerics: String
    /// The KV cache types it can use: bit n for type n.
    public var kvTypes: UInt8
    /// How busy it is, roughly: 0 idle to 255 full. Precise load rides on acks.
    public var coarseLoad: UInt8
    /// Its models.
    public var models: [OfferedModel]

    /// Metadata as given.
    public init(numerics: String, kvTypes: UInt8, coarseLoad: UInt8 = 0, models: [OfferedModel]) {
        self.numerics = numerics
        self.kvTypes = kvTypes
        self.coarseLoad = coarseLoad
        self.models = models
    }

    /// Whether it fits in a claim; what does not is refused where models are configured.
    public var isWithinLimits: Bool {
        models.count <= GossipLimits.modelsMax
            && numerics.utf8.count <= GossipLimits.numericsBytesMax
            && models.allSatisfy {
                (1...GossipLimits.modelNameBytesMax).contains($0.name.utf8.count)
                    && $0.name.isPrintable
            }
    }
}

/// "This is what I offer", with a version that grows within a generation.
public struct MetadataClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// Which start of it.
    public var generation: UInt64
    /// Which of its metadata.
    public var version: UInt32
    /// What it offers.
    public var metadata: MemberMetadata
}

/// "I leave": ends a generation for good.
public struct LeaveClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// The start that ends.
    public var generation: UInt64
}

/// "I cannot reach this member": an accusation of one claim of its subject.
public struct SuspectClaim: Sendable, Equatable {
    /// Who says so.
    public var accuser: NodeID
    /// Of whom.
    public var subject: NodeID
    /// Which start of the subject.
    public var generation: UInt64
    /// Which incarnation of it.
    public var incarnation: UInt32
}

/// A claim with its signature.
public struct Claim: Sendable, Equatable, WireCodable {
    /// What is claimed.
    public enum Body: Sendable, Equatable {
        /// See ``AliveClaim``.
        case alive(AliveClaim)
        /// See ``MetadataClaim``.
        case metadata(MetadataClaim)
        /// See ``LeaveClaim``.
        case leave(LeaveClaim)
        /// See ``SuspectClaim``.
        case suspect(SuspectClaim)
    }

    /// What is claimed.
    public let body: Body
    /// The body's encoding and the signature of ``author``, 64 bytes: kept, since a claim is made
    /// once and passed on often.
    private let bytes: [UInt8]

    /// A claim signed by this node.
    public init(_ body: Body, signedBy authority: any ClaimAuthority) {
        self.body = body
        let encoded = body.encoded
        bytes = encoded + authority.sign(encoded, kind: body.kind)
    }

    /// The claim's encoding.
    public var encoded: [UInt8] { bytes }

    /// The signature of ``author``, 64 bytes.
    public var signature: [UInt8] { Array(bytes.suffix(GossipLimits.signatureBytes)) }

    /// Who must have signed it.
    public var author: NodeID {
        switch body {
        case .alive(let claim): claim.node
        case .metadata(let claim): claim.node
        case .leave(let claim): claim.node
        case .suspect(let claim): claim.accuser
        }
    }

    /// Whether its author signed it.
    func isGenuine(for authority: any ClaimAuthority) -> Bool {
        authority.verify(
            signature, over: Array(bytes.dropLast(GossipLimits.signatureBytes)), kind: body.kind,
            by: author)
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeBytes(bytes)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        var whole = reader
        body = try Body(from: &reader)
        _ = try reader.readBytes(GossipLimits.signatureBytes)
        let limit =
            body.kind == .alive ? GossipLimits.aliveBytesMax : GossipLimits.claimBytesMax
        let length = reader.consumed - whole.consumed
        bytes = Array(try whole.readBytes(length))
        guard length <= limit else {
            throw .tooLarge(field: "claim", value: length, limit: limit)
        }
    }
}

extension Claim.Body: WireCodable {
    var kind: ClaimKind {
        switch self {
        case .alive: .alive
        case .metadata: .metadata
        case .leave: .leave
        case .suspect: .suspect
        }
    }

    /// See ``WireCodable/encode(to:)``.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(kind.rawValue)
        switch self {
        case .alive(let claim):
            claim.node.encode(to: &writer)
            writer.writeInteger(claim.generation)
            writer.writeInteger(claim.incarnation)
            claim.linkKey.encode(to: &writer)
            claim.linkKeyNotAfter.encode(to: &writer)
            claim.certificate.encode(to: &writer)
            writer.writeInteger(claim.reachability.rawValue)
            writer.writeInteger(claim.versionOldest)
            writer.writeInteger(claim.versionNewest)
            writer.writeAddresses(claim.addresses)
        case .metadata(let claim):
            claim.node.encode(to: &writer)
            writer.writeInteger(claim.generation)
            writer.writeInteger(claim.version)
            writer.writeString16(claim.metadata.numerics)
            writer.writeInteger(claim.metadata.kvTypes)
            writer.writeInteger(claim.metadata.coarseLoad)
            writer.writeInteger(UInt8(claim.metadata.models.count))
            for model in claim.metadata.models {
                model.digest.encode(to: &writer)
                writer.writeString16(model.name)
                writer.writeInteger(model.contextLength)
                writer.writeInteger(model.task.rawValue)
            }
        case .leave(let claim):
            claim.node.encode(to: &writer)
            writer.writeInteger(claim.generation)
        case .suspect(let claim):
            claim.accuser.encode(to: &writer)
            claim.subject.encode(to: &writer)
            writer.writeInteger(claim.generation)
            writer.writeInteger(claim.incarnation)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        guard let kind = ClaimKind(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "claim kind")
        }
        switch kind {
        case .alive: self = .alive(try Self.readAlive(from: &reader))
        case .metadata: self = .metadata(try Self.readMetadata(from: &reader))
        case .leave:
            self = .leave(
                LeaveClaim(
                    node: try NodeID(from: &reader), generation: try reader.readInteger()))
        case .suspect:
            self = .suspect(
                SuspectClaim(
                    accuser: try NodeID(from: &reader), subject: try NodeID(from: &reader),
                    generation: try reader.readInteger(), incarnation: try reader.readInteger()))
        }
    }

    private static func readAlive(from reader: inout ByteReader) throws(WireError) -> AliveClaim {
        let node = try NodeID(from: &reader)
        let generation: UInt64 = try reader.readInteger()
        let incarnation: UInt32 = try reader.readInteger()
        let linkKey = try LinkKey(from: &reader)
        let notAfter = try WallTime(from: &reader)
        let certificate = try CertificateTag(from: &reader)
        guard let reachability = Reachability(rawValue: try reader.readUInt8()) else {
            throw .invalid(field: "reachability")
        }
        let oldest = try reader.readUInt8()
        let newest = try reader.readUInt8()
        guard oldest <= newest else { throw .invalid(field: "gossip versions") }
        var claim = AliveClaim(
            node: node, generation: generation, incarnation: incarnation, linkKey: linkKey,
            linkKeyNotAfter: notAfter, certificate: certificate, reachability: reachability,
            addresses: try reader.readAddresses())
        claim.versionOldest = oldest
        claim.versionNewest = newest
        return claim
    }

    private static func readMetadata(
        from reader: inout ByteReader
    ) throws(WireError) -> MetadataClaim {
        let node = try NodeID(from: &reader)
        let generation: UInt64 = try reader.readInteger()
        let version: UInt32 = try reader.readInteger()
        let numerics = try reader.readString16(
            field: "numerics id", limit: GossipLimits.numericsBytesMax)
        let kvTypes = try reader.readUInt8()
        let load = try reader.readUInt8()
        let count = Int(try reader.readUInt8())
        guard count <= GossipLimits.modelsMax else {
            throw .tooLarge(field: "models", value: count, limit: GossipLimits.modelsMax)
        }
        var models: [OfferedModel] = []
        for _ in 0..<count {
            let digest = try ModelDigest(from: &reader)
            let name = try reader.readString16(
                field: "model name", limit: GossipLimits.modelNameBytesMax)
            guard !name.isEmpty, name.isPrintable
            else { throw .invalid(field: "model name") }
            let contextLength: UInt32 = try reader.readInteger()
            guard let task = ModelTask(rawValue: try reader.readUInt8()) else {
                throw .invalid(field: "model task")
            }
            models.append(
                OfferedModel(
                    digest: digest, name: name, contextLength: contextLength, task: task))
        }
        return MetadataClaim(
            node: node, generation: generation, version: version,
            metadata: MemberMetadata(
                numerics: numerics, kvTypes: kvTypes, coarseLoad: load, models: models))
    }
}

extension String {
    /// Whether it has no control characters: names from outside are printed on terminals.
    var isPrintable: Bool {
        unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
    }
}
