internal import Secrets
public import Wire

/// What two members tell each other about trust: all that they know, at once. What differs is
/// merged by both; see ``TrustState/merge(_:genesis:)`` and
/// ``GateKeyRing/merge(_:genesis:at:trust:)``, in this order.
public struct TrustBulletin: Sendable, WireCodable, CustomStringConvertible, CustomReflectable {
    /// Issuers and revocations.
    public let state: TrustState
    /// The current gate key; nil for who may not have it, since its own certificate is over.
    public let gateKey: SignedGateKey?
    /// Issuers, and where they may be reached: who renews certificates.
    public let seeds: [SeedAddress]

    /// A bulletin as given; seeds beyond ``TrustLimits/seedsMax`` are left out.
    public init(state: TrustState, gateKey: SignedGateKey?, seeds: [SeedAddress]) {
        self.state = state
        self.gateKey = gateKey
        self.seeds = Array(seeds.prefix(TrustLimits.seedsMax))
    }

    /// The 32 bytes by which members see whether they differ: BLAKE2b over the state's digest, and
    /// epoch and name of the gate key.
    public static func digest(state: TrustState, gateKey: GateKey) -> [UInt8] {
        var writer = ByteWriter(capacity: 80)
        writer.writeBytes(state.digest)
        writer.writeInteger(gateKey.epoch.counter)
        gateKey.epoch.issuer.encode(to: &writer)
        writer.writeBytes(gateKey.keyID)
        return blake2b(domain: "shoal trust digest v1", writer.bytes)
    }

    /// Version 1; the state; 1 and the gate key or 0; the 16-bit number of seeds and those. The
    /// encoding holds the gate key.
    public func encode(to writer: inout ByteWriter) {
        writer.writeInteger(UInt8(1))
        state.encode(to: &writer)
        writer.writeBool(gateKey != nil)
        gateKey?.encode(to: &writer)
        writer.writeSeeds(seeds)
    }

    /// See ``WireCodable/init(from:)``. No signature is checked.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "trust bulletin version", value: Int(version))
        }
        state = try TrustState(from: &reader)
        gateKey = try reader.readBool(field: "has gate key") ? SignedGateKey(from: &reader) : nil
        seeds = try reader.readSeeds()
    }

    /// Never shows the gate key.
    public var description: String {
        "TrustBulletin(\(state.revocations.count) revocations, redacted)"
    }
    /// Never shows the gate key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The first message of a stream of the trust service.
public enum TrustQuery: Sendable, Equatable, WireCodable {
    /// "This is the digest of what I know": answered by a ``TrustAnswer``, and where that is a bulletin,
    /// the asker sends its own ``TrustBulletin`` and ends.
    case exchange(digest: [UInt8])
    /// A new certificate is wanted: answered by a ``RenewalResponse``.
    case renewal(RenewalRequest)

    /// 0 and the digest's 32 bytes, or 1 and the request.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .exchange(let digest):
            precondition(digest.count == 32, "a digest has 32 bytes")
            writer.writeInteger(UInt8(0))
            writer.writeBytes(digest)
        case .renewal(let request):
            writer.writeInteger(UInt8(1))
            request.encode(to: &writer)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 0: self = .exchange(digest: Array(try reader.readBytes(32)))
        case 1: self = .renewal(try RenewalRequest(from: &reader))
        default: throw .invalid(field: "trust query")
        }
    }
}

/// The answer to ``TrustQuery/exchange(digest:)``.
public enum TrustAnswer: Sendable, WireCodable {
    /// Both know the same.
    case same
    /// What the other knows.
    case bulletin(TrustBulletin)

    /// 0, or 1 and the bulletin.
    public func encode(to writer: inout ByteWriter) {
        switch self {
        case .same: writer.writeInteger(UInt8(0))
        case .bulletin(let bulletin):
            writer.writeInteger(UInt8(1))
            bulletin.encode(to: &writer)
        }
    }

    /// See ``WireCodable/init(from:)``.
    public init(from reader: inout ByteReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 0: self = .same
        case 1: self = .bulletin(try TrustBulletin(from: &reader))
        default: throw .invalid(field: "trust answer")
        }
    }
}
