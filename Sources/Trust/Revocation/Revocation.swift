public import Wire

/// A statement by the mesh's authority, or by an issuer that it certified, that a member, a
/// certificate or an issuer is no longer to be trusted.
///
/// It counts from the moment that it is seen, whatever its date says: the date is for people.
/// ``TrustState`` says which revocations are believed.
public struct Revocation: Sendable, Equatable, WireCodable {
    /// What is revoked.
    public enum Target: Sendable, Hashable {
        /// A node, whatever certificates it has or will have: for ever.
        case member(NodeID)
        /// The certificate with this serial. Its subject may be given another.
        case certificate(serial: UInt64)
        /// An issuer, for ever: every certificate that it issued is refused, its gate keys count less
        /// than any other, and of its own revocations only those with a sequence of at most
        /// `honouredThrough` still count. Only the authority may say so.
        case issuer(NodeID, honouredThrough: UInt64)
    }

    /// What is revoked.
    public let target: Target
    /// Why, for people: at most ``TrustLimits/revocationReasonBytesMax`` bytes of text without
    /// characters that control a terminal.
    public let reason: String
    /// Who says so: the authority, or an issuer.
    public let signer: NodeID
    /// Counts the signer's revocations: 1, 2, 3 and so on. An issuer that lost count (it was restored
    /// from a copy) may use a number twice; both count.
    public let sequence: UInt64
    /// When the signer says that it said so.
    public let issuedAt: WallTime
    /// The signer's Ed25519 signature over all of the above, in the domain
    /// ``SignatureDomain/revocation`` and the mesh.
    public let signature: [UInt8]
    /// The bytes that are signed: the encoding without the signature.
    let body: [UInt8]

    /// A revocation signed by `signer`. Whether it may say so is for those who read it:
    /// ``TrustState/revoke(_:reason:signedBy:genesis:at:)`` makes one that counts.
    init(
        _ target: Target, reason: String, sequence: UInt64, issuedAt: WallTime,
        signedBy signer: Identity, mesh: MeshID
    ) throws(TrustError) {
        guard Self.isReason(reason) else {
            throw .badName(
                "a reason has at most \(TrustLimits.revocationReasonBytesMax) bytes of plain text")
        }
        guard sequence > 0 else { throw .malformed(.invalid(field: "revocation sequence")) }
        guard Self.isTarget(target, of: signer.nodeID) else {
            throw .malformed(.invalid(field: "revocation target"))
        }
        self.target = target
        self.reason = reason
        self.signer = signer.nodeID
        self.sequence = sequence
        self.issuedAt = issuedAt
        body = Self.body(
            target, reason: reason, signer: signer.nodeID, sequence: sequence, issuedAt: issuedAt)
        signature = signer.sign(body, domain: .revocation, mesh: mesh)
    }

    /// Whether the signature is the signer's.
    func verifySignature(mesh: MeshID) throws(TrustError) {
        guard signer.verifies(signature, over: body, domain: .revocation, mesh: mesh) else {
            throw .badSignature(of: "revocation")
        }
    }

    /// A signer that voids its own statements would void that one too.
    private static func isTarget(_ target: Target, of signer: NodeID) -> Bool {
        if case .issuer(let node, _) = target { return node != signer }
        return true
    }

    /// Text that can be shown on a terminal as it is. The ranges are fixed, so that members of all
    /// versions agree on them: control characters, line and paragraph separators, and those that
    /// turn the direction of writing.
    private static func isReason(_ text: String) -> Bool {
        text.utf8.count <= TrustLimits.revocationReasonBytesMax
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar.value {
                case 0..<0x20, 0x7f...0x9f, 0x061c, 0x200e...0x200f, 0x2028...0x202e,
                    0x2066...0x2069:
                    false
                default: true
                }
            }
    }

    // MARK: Codec

    private static func body(
        _ target: Target, reason: String, signer: NodeID, sequence: UInt64, issuedAt: WallTime
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeInteger(UInt8(1))
        switch target {
        case .member(let node):
            writer.writeInteger(UInt8(1))
            node.encode(to: &writer)
        case .certificate(let serial):
            writer.writeInteger(UInt8(2))
            writer.writeInteger(serial)
        case .issuer(let node, let honouredThrough):
            writer.writeInteger(UInt8(3))
            node.encode(to: &writer)
            writer.writeInteger(honouredThrough)
        }
        writer.writeString16(reason)
        signer.encode(to: &writer)
        writer.writeInteger(sequence)
        issuedAt.encode(to: &writer)
        return writer.bytes
    }

    /// Version 1, the target's kind (1 member, 2 certificate, 3 issuer) and content, the reason with
    /// its 16-bit length, signer, sequence, date; then the signature.
    public func encode(to writer: inout ByteWriter) {
        writer.writeBytes(body)
        writer.writeBytes(signature)
    }

    /// See ``WireCodable/init(from:)``. The signature is not checked.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "revocation version", value: Int(version))
        }
        switch try reader.readUInt8() {
        case 1: target = .member(try NodeID(from: &reader))
        case 2: target = .certificate(serial: try reader.readInteger())
        case 3:
            let node = try NodeID(from: &reader)
            target = .issuer(node, honouredThrough: try reader.readInteger())
        default: throw .invalid(field: "revocation target")
        }
        reason = try reader.readString16(
            field: "revocation reason", limit: TrustLimits.revocationReasonBytesMax)
        guard Self.isReason(reason) else { throw .invalid(field: "revocation reason") }
        signer = try NodeID(from: &reader)
        guard Self.isTarget(target, of: signer) else {
            throw .invalid(field: "revocation target")
        }
        sequence = try reader.readInteger()
        guard sequence > 0 else { throw .invalid(field: "revocation sequence") }
        issuedAt = try WallTime(from: &reader)
        body = Self.body(
            target, reason: reason, signer: signer, sequence: sequence, issuedAt: issuedAt)
        signature = Array(try reader.readBytes(signatureBytes))
    }

    /// The order in a ``TrustState``: by signer, then sequence, then bytes. Two statements that differ
    /// in the signature alone are one.
    func precedes(_ other: Self) -> Bool {
        if signer != other.signer { return signer < other.signer }
        if sequence != other.sequence { return sequence < other.sequence }
        return body.lexicographicallyPrecedes(other.body)
    }
}

extension Revocation.Target: CustomStringConvertible {
    /// What is revoked, for people.
    public var description: String {
        switch self {
        case .member(let node): "the node \(node)"
        case .certificate(let serial): "the certificate \(String(serial, radix: 16))"
        case .issuer(let node, _): "the issuer \(node)"
        }
    }
}
