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
    /// This is what I do.
    case activity = 5
}

/// Signs this node's claims and checks those of others. Handed in, so that a simulation may use a
/// cheap one.
public protocol ClaimAuthority: Sendable {
    /// This node's signature, of 64 bytes, over a claim's body.
    func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8]
    /// Whether `signature` is `node`'s over `body`.
    func verify(_ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID) -> Bool
    /// What a core keeps of a genuine claim: the claim, or an equal one that is kept already. For
    /// simulations of many nodes in one process, each of which keeps every other's claims.
    func kept(_ claim: Claim) -> Claim
}

extension ClaimAuthority {
    /// The claim itself.
    public func kept(_ claim: Claim) -> Claim { claim }
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

/// "I leave": ends a generation for good.
public struct LeaveClaim: Sendable, Equatable {
    /// The member.
    public var node: NodeID
    /// The start that ends.
    public var generation: UInt64

    /// A claim as given.
    public init(node: NodeID, generation: UInt64) {
        self.node = node
        self.generation = generation
    }
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
    /// Whether the accuser has buried it: SWIM's confirm. To a node that judges for itself
    /// (``GossipFeatures/ownVerdict``) it is an accusation like any other.
    public var isVerdict = false

    /// A claim as given.
    public init(accuser: NodeID, subject: NodeID, generation: UInt64, incarnation: UInt32) {
        self.accuser = accuser
        self.subject = subject
        self.generation = generation
        self.incarnation = incarnation
    }

    func encode(to writer: inout ByteWriter) {
        accuser.encode(to: &writer)
        subject.encode(to: &writer)
        writer.writeInteger(generation)
        writer.writeInteger(incarnation)
        if isVerdict { writer.writeExtension(Self.verdictField, []) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        accuser = try NodeID(from: &reader)
        subject = try NodeID(from: &reader)
        generation = try reader.readInteger()
        incarnation = try reader.readInteger()
        var fields = ExtensionReader()
        while let field = try fields.next(from: &reader) {
            guard field.type == Self.verdictField else { continue }
            guard field.bytes.isEmpty else { throw .invalid(field: "verdict") }
            isVerdict = true
        }
    }

    private static let verdictField: UInt8 = 1
}

/// A claim with its signature: `kind u8, length u16, body, signature 64`. Immutable and shared: a
/// copy costs a reference, since the same claim is kept, queued and sent on many times.
public struct Claim: Sendable, Equatable {
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
        /// See ``ActivityClaim``.
        case activity(ActivityClaim)
    }

    private final class Storage: Sendable {
        let body: Body
        let bytes: [UInt8]

        init(_ body: Body, _ bytes: [UInt8]) {
            self.body = body
            self.bytes = bytes
        }
    }

    private let storage: Storage

    /// Kind, length and signature.
    static let envelopeBytes = 1 + 2 + GossipLimits.signatureBytes

    /// A claim signed by this node.
    public init(_ body: Body, signedBy authority: any ClaimAuthority) {
        let encoded = body.encoded
        var writer = ByteWriter(capacity: encoded.count + Self.envelopeBytes)
        writer.writeInteger(body.kind.rawValue)
        writer.writeBytes16(encoded)
        writer.writeBytes(authority.sign(encoded, kind: body.kind))
        storage = Storage(body, writer.bytes)
    }

    /// What is claimed.
    public var body: Body { storage.body }

    /// The claim's encoding.
    public var encoded: [UInt8] { storage.bytes }

    /// The signature of ``author``, 64 bytes.
    public var signature: [UInt8] { Array(storage.bytes.suffix(GossipLimits.signatureBytes)) }

    /// The same claim, by its bytes.
    public static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.storage.bytes == right.storage.bytes
    }

    /// Who must have signed it.
    public var author: NodeID {
        switch storage.body {
        case .alive(let claim): claim.node
        case .metadata(let claim): claim.node
        case .leave(let claim): claim.node
        case .suspect(let claim): claim.accuser
        case .activity(let claim): claim.node
        }
    }

    /// Whether its author signed it.
    func isGenuine(for authority: any ClaimAuthority) -> Bool {
        let bytes = storage.bytes
        return authority.verify(
            signature, over: Array(bytes[3..<bytes.count - GossipLimits.signatureBytes]),
            kind: body.kind, by: author)
    }

    /// Reads one claim; nil for one of a kind that only newer builds know, which is passed over.
    static func read(from reader: inout ByteReader) throws(WireError) -> Claim? {
        var whole = reader
        let kind = try reader.readUInt8()
        let body = try reader.readBytes16(
            field: "claim", limit: GossipLimits.claimBytesMax - envelopeBytes)
        _ = try reader.readBytes(GossipLimits.signatureBytes)
        guard let kind = ClaimKind(rawValue: kind) else { return nil }
        let length = body.count + envelopeBytes
        guard kind != .alive || length <= GossipLimits.aliveBytesMax else {
            throw .tooLarge(field: "claim", value: length, limit: GossipLimits.aliveBytesMax)
        }
        var inner = ByteReader(body)
        let decoded = try Body(kind, from: &inner)
        return Claim(decoded, bytes: Array(try whole.readBytes(length)))
    }

    private init(_ body: Body, bytes: [UInt8]) { storage = Storage(body, bytes) }

    /// Decodes a claim that fills `bytes` exactly, of a kind known to this build.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        guard let claim = try Self.read(from: &reader) else { throw .invalid(field: "claim kind") }
        try reader.expectEnd()
        self = claim
    }
}

extension Claim.Body {
    var kind: ClaimKind {
        switch self {
        case .alive: .alive
        case .metadata: .metadata
        case .leave: .leave
        case .suspect: .suspect
        case .activity: .activity
        }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 256)
        switch self {
        case .alive(let claim): claim.encode(to: &writer)
        case .metadata(let claim): claim.encode(to: &writer)
        case .activity(let claim): claim.encode(to: &writer)
        case .leave(let claim):
            claim.node.encode(to: &writer)
            writer.writeInteger(claim.generation)
        case .suspect(let claim): claim.encode(to: &writer)
        }
        return writer.bytes
    }

    init(_ kind: ClaimKind, from reader: inout ByteReader) throws(WireError) {
        switch kind {
        case .alive: self = .alive(try AliveClaim(from: &reader))
        case .metadata: self = .metadata(try MetadataClaim(from: &reader))
        case .activity: self = .activity(try ActivityClaim(from: &reader))
        case .leave:
            self = .leave(
                LeaveClaim(
                    node: try NodeID(from: &reader), generation: try reader.readInteger()))
        case .suspect: self = .suspect(try SuspectClaim(from: &reader))
        }
        try ExtensionReader.skipAll(from: &reader)
    }
}
