public import Secrets
public import Wire

/// What a signature is about. Each has a name of its own in what is signed, so that a signature
/// made for one purpose is worthless for another.
public enum SignatureDomain: String, Sendable, CaseIterable {
    /// A certificate.
    case certificate = "shoal certificate v1"
    /// A link key, by its owner.
    case linkKey = "shoal link key v1"
    /// The handshake's hash, by a node that joins.
    case join = "shoal join v1"
    /// A revocation.
    case revocation = "shoal revocation v1"
    /// A gate key, by who rolled it.
    case gateKey = "shoal gate key v1"
    /// A cookie of a crowded peer, by who wants in.
    case cookie = "shoal cookie v1"
    /// A gossip claim: I am alive.
    case claimAlive = "shoal claim alive v1"
    /// A gossip claim: this is what I offer.
    case claimMetadata = "shoal claim metadata v1"
    /// A gossip claim: this is what I do.
    case claimActivity = "shoal claim activity v1"
    /// A gossip claim: I leave.
    case claimLeave = "shoal claim leave v1"
    /// A gossip claim: I suspect another.
    case claimSuspect = "shoal claim suspect v1"
}

/// Bytes of an Ed25519 signature.
public let signatureBytes = Signing.signatureBytes

/// A node's Ed25519 key pair: its identity for ever. The same type holds the authority's key.
///
/// The secret half lies in guarded memory and is wiped when the last reference goes.
public final class Identity: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key, which is the node's name.
    public let nodeID: NodeID
    private let secret: SecretBytes

    /// The identity that follows from a seed of 32 bytes.
    public init?(seed: SecretBytes) {
        guard let (publicKey, secret) = Signing.keyPair(seed: seed),
            let nodeID = NodeID(publicKey)
        else { return nil }
        self.nodeID = nodeID
        self.secret = secret
    }

    /// The identity that follows from a seed of 32 bytes, which are copied.
    public convenience init?(seed: [UInt8]) {
        guard seed.count == Signing.seedBytes else { return nil }
        self.init(seed: SecretBytes(seed))
    }

    /// A new identity from libsodium's random source.
    public static func generate() -> Identity {
        guard let identity = Identity(seed: SecretBytes.random(Signing.seedBytes)) else {
            preconditionFailure("a seed of the right length makes a key pair")
        }
        return identity
    }

    /// The 32 bytes to keep: everything follows from them.
    public var secretSeed: SecretBytes {
        // The secret key begins with its seed.
        secret.withUnsafeBytes {
            SecretBytes(UnsafeRawBufferPointer(rebasing: $0[..<Signing.seedBytes]))
        }
    }

    /// A copy of ``secretSeed``, which the caller wipes.
    public var seed: [UInt8] { secretSeed.copy() }

    /// A signature over `bytes`, bound to `domain` and `mesh`.
    public func sign(_ bytes: [UInt8], domain: SignatureDomain, mesh: MeshID) -> [UInt8] {
        Signing.sign(signedBytes(bytes, domain: domain, mesh: mesh), with: secret)
    }

    /// Never shows the secret key.
    public var description: String { "Identity(\(nodeID))" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: ["nodeID": nodeID]) }
}

/// What is signed: the domain's name, a zero byte, the mesh's id, the bytes.
private func signedBytes(_ bytes: [UInt8], domain: SignatureDomain, mesh: MeshID) -> [UInt8] {
    Array(domain.rawValue.utf8) + [0] + mesh.bytes + bytes
}

extension NodeID {
    /// Whether `signature` is this key's over `bytes` in `domain` and `mesh`. libsodium refuses
    /// keys of low order and signatures that are not canonical.
    public func verifies(
        _ signature: [UInt8], over bytes: [UInt8], domain: SignatureDomain, mesh: MeshID
    ) -> Bool {
        Signing.verifies(
            signature, of: signedBytes(bytes, domain: domain, mesh: mesh), by: self.bytes)
    }
}
