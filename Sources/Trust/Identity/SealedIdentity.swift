internal import Secrets
public import Wire

/// An identity at rest under a passphrase: its seed, sealed by XChaCha20-Poly1305 under a key that
/// Argon2id makes of the passphrase.
///
/// The cost of hashing is stored with it and bounded both ways: see ``SecretLimits``. All that is
/// stored in the clear is authenticated.
public struct SealedIdentity: Sendable, Equatable, WireCodable {
    /// The node that it is.
    public let node: NodeID
    private let cost: Passphrase.Cost
    private let salt: [UInt8]
    private let nonce: [UInt8]
    private let ciphertext: [UInt8]

    private static let ciphertextBytes = Signing.seedBytes + Passphrase.tagBytes

    /// Seals `identity` under `passphrase`, which takes about half a second and 256 MiB.
    ///
    /// - Parameter passphrase: 1 to ``TrustLimits/passphraseBytesMax`` bytes, as they are.
    /// - Throws: ``TrustError/badPassphrase``, ``TrustError/noMemoryForPassphrase``.
    public init(_ identity: Identity, passphrase: [UInt8]) throws(TrustError) {
        try self.init(identity, passphrase: passphrase, cost: .moderate)
    }

    init(_ identity: Identity, passphrase: [UInt8], cost: Passphrase.Cost) throws(TrustError) {
        node = identity.nodeID
        self.cost = cost
        salt = randomBytes(Passphrase.saltBytes)
        nonce = randomBytes(Passphrase.nonceBytes)
        let header = Self.header(node, cost, salt, nonce)
        do {
            ciphertext = try Passphrase.seal(
                identity.secretSeed, passphrase: passphrase, salt: salt, nonce: nonce, cost: cost,
                header: header)
        } catch { throw Self.error(error) }
    }

    /// The identity.
    ///
    /// - Throws: ``TrustError/wrongPassphrase``, ``TrustError/badPassphrase``,
    ///   ``TrustError/noMemoryForPassphrase``.
    public func open(passphrase: [UInt8]) throws(TrustError) -> Identity {
        let seed: SecretBytes
        do {
            seed = try Passphrase.open(
                ciphertext, passphrase: passphrase, salt: salt, nonce: nonce, cost: cost,
                header: Self.header(node, cost, salt, nonce))
        } catch { throw Self.error(error) }
        guard let identity = Identity(seed: seed), identity.nodeID == node else {
            throw .wrongPassphrase
        }
        return identity
    }

    private static func error(_ failure: Passphrase.Failure) -> TrustError {
        switch failure {
        case .badLength: .badPassphrase
        case .noMemory: .noMemoryForPassphrase
        case .notAuthentic: .wrongPassphrase
        }
    }

    private static func header(
        _ node: NodeID, _ cost: Passphrase.Cost, _ salt: [UInt8], _ nonce: [UInt8]
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 80)
        writer.writeInteger(UInt8(1))
        node.encode(to: &writer)
        writer.writeInteger(cost.memoryBytes)
        writer.writeInteger(cost.passes)
        writer.writeBytes(salt)
        writer.writeBytes(nonce)
        return writer.bytes
    }

    /// Version 1, the node, Argon2id's memory in bytes (32 bits) and passes (8), salt (16 bytes), nonce
    /// (24), the sealed seed (48).
    public func encode(to writer: inout ByteWriter) {
        writer.writeBytes(Self.header(node, cost, salt, nonce))
        writer.writeBytes(ciphertext)
    }

    /// See ``WireCodable/init(from:)``. A cost out of bounds is refused.
    public init(from reader: inout ByteReader) throws(WireError) {
        let version = try reader.readUInt8()
        guard version == 1 else {
            throw .unsupportedVersion(field: "sealed identity version", value: Int(version))
        }
        node = try NodeID(from: &reader)
        guard
            let cost = Passphrase.Cost(
                memoryBytes: try reader.readInteger(), passes: try reader.readUInt8())
        else { throw .invalid(field: "cost of the passphrase") }
        self.cost = cost
        salt = Array(try reader.readBytes(Passphrase.saltBytes))
        nonce = Array(try reader.readBytes(Passphrase.nonceBytes))
        ciphertext = Array(try reader.readBytes(Self.ciphertextBytes))
    }
}
