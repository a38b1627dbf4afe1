public import Wire

/// What a node that joins asks, inside the encrypted session of the join lane.
public struct JoinRequest: Sendable, Equatable, WireCodable {
    /// The node.
    public let node: NodeID
    /// The name it would like.
    public let name: String
    /// Its signature over the handshake's hash: it holds the key it speaks for, here and now.
    public let signature: [UInt8]

    /// The request of `identity` in the session with this hash.
    public init(
        identity: Identity, name: String, handshakeHash: [UInt8], mesh: MeshID
    ) throws(TrustError) {
        guard isValidName(name, limit: TrustLimits.nodeNameBytesMax) else {
            throw .badName(
                "'\(name)' cannot name a node: use 1 to \(TrustLimits.nodeNameBytesMax) letters, "
                    + "digits, '-', '.' or '_'")
        }
        node = identity.nodeID
        self.name = name
        signature = identity.sign(handshakeHash, domain: .join, mesh: mesh)
    }

    /// Checks that the node holds its key.
    public func verify(handshakeHash: [UInt8], mesh: MeshID) throws(TrustError) {
        guard node.verifies(signature, over: handshakeHash, domain: .join, mesh: mesh) else {
            throw .badSignature(of: "join request")
        }
    }

    /// Version 1; the node; the name with its 16-bit length; the signature over the handshake's hash in the
    /// domain ``SignatureDomain/join`` and the mesh.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        node.encode(to: &writer)
        writer.writeString16(name)
        writer.writeBytes(signature)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "join request version", value: Int(version))
        }
        node = try NodeID(from: &reader)
        name = try reader.readNodeName()
        signature = Array(try reader.readBytes(signatureBytes))
    }
}

/// A member and where it may be reached.
public struct SeedAddress: Sendable, Hashable, WireCodable {
    /// The member.
    public let node: NodeID
    /// Where it may be reached.
    public let addresses: [NetworkAddress]

    /// A seed as given.
    public init(node: NodeID, addresses: [NetworkAddress]) {
        self.node = node
        self.addresses = addresses
    }

    /// The node, the 8-bit number of its addresses and those.
    public func encode(to writer: inout ByteWriter) {
        node.encode(to: &writer)
        writer.writeAddresses(addresses)
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        node = try NodeID(from: &reader)
        addresses = try reader.readAddresses()
    }
}

extension ByteWriter {
    /// Appends at most ``TrustLimits/seedsMax`` seeds after their 16-bit number.
    mutating func writeSeeds(_ seeds: [SeedAddress]) {
        writeInteger(UInt16(seeds.count))
        for seed in seeds { seed.encode(to: &self) }
    }
}

extension ByteReader {
    mutating func readSeeds() throws(WireError) -> [SeedAddress] {
        let count = try readCount16(field: "seeds", limit: TrustLimits.seedsMax)
        var seeds: [SeedAddress] = []
        for _ in 0..<count { seeds.append(try SeedAddress(from: &self)) }
        return seeds
    }
}

/// The answer to a ``JoinRequest``.
public enum JoinResponse: Sendable, WireCodable {
    /// All that a member starts with.
    public struct Admission: Sendable {
        /// Its certificate.
        public let chain: CertificateChain
        /// The key of the member lane, with the word of who rolled it.
        public let gateKey: SignedGateKey
        /// Who is not to be trusted any more: required reading before a node serves.
        public let trust: TrustState
        /// Members to begin with.
        public let seeds: [SeedAddress]

        /// An admission as given.
        public init(
            chain: CertificateChain, gateKey: SignedGateKey, trust: TrustState,
            seeds: [SeedAddress]
        ) {
            self.chain = chain
            self.gateKey = gateKey
            self.trust = trust
            self.seeds = Array(seeds.prefix(TrustLimits.seedsMax))
        }
    }

    /// Why a node is not let in.
    public enum RefusalCode: UInt8, Sendable, CaseIterable {
        /// The ticket was used as often as it may be.
        case used = 1
        /// The ticket's time is over.
        case expired = 2
        /// The ticket was withdrawn.
        case withdrawn = 3
        /// The request itself is wrong.
        case badRequest = 4
        /// The inviter cannot issue certificates (any more).
        case cannotIssue = 5
    }

    /// Let in.
    case admitted(Admission)
    /// Not let in: why, and what to do.
    case refused(RefusalCode, message: String)

    /// 0, the chain, the signed gate key, the trust state, the 16-bit number of seeds and those; or the
    /// refusal's code and its message with a 16-bit length. The encoding of an admission holds the gate
    /// key.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .admitted(let admission):
            writer.writeInteger(UInt8(0))
            admission.chain.encode(to: &writer)
            admission.gateKey.encode(to: &writer)
            admission.trust.encode(to: &writer)
            writer.writeSeeds(admission.seeds)
        case .refused(let code, let message):
            writer.writeRefusal(code, message)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        let tag = try reader.readUInt8()
        guard tag == 0 else {
            let (code, message) = try reader.readRefusal(RefusalCode.self, tag: tag)
            self = .refused(code, message: message)
            return
        }
        let chain = try CertificateChain(from: &reader)
        let gateKey = try SignedGateKey(from: &reader)
        let trust = try TrustState(from: &reader)
        self = .admitted(
            Admission(
                chain: chain, gateKey: gateKey, trust: trust, seeds: try reader.readSeeds()))
    }
}
