import CSodium
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
    /// A cookie, by a member that asks to be let past a crowd of strangers.
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
public let signatureBytes = 64

/// A node's Ed25519 key pair: its identity for ever. The same type holds the authority's key.
///
/// The secret half lies in guarded memory and is wiped when the last reference goes.
public final class Identity: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key, which is the node's name.
    public let nodeID: NodeID
    private let secret: SecretBytes

    /// The identity that follows from a seed of 32 bytes.
    public init?(seed: [UInt8]) {
        guard Sodium.ready, seed.count == Int(crypto_sign_SEEDBYTES) else { return nil }
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        defer { sodium_memzero(&secretKey, secretKey.count) }
        guard crypto_sign_seed_keypair(&publicKey, &secretKey, seed) == 0,
            let nodeID = NodeID(publicKey)
        else { return nil }
        self.nodeID = nodeID
        self.secret = SecretBytes(secretKey)
    }

    /// A new identity from libsodium's random source.
    public static func generate() -> Identity {
        guard let identity = Identity(seed: randomBytes(Int(crypto_sign_SEEDBYTES))) else {
            preconditionFailure("a seed of the right length makes a key pair")
        }
        return identity
    }

    /// The 32 bytes to keep: everything follows from them.
    public var seed: [UInt8] { secret.prefix(32) }

    /// A signature over `bytes`, bound to `domain` and `mesh`.
    public func sign(_ bytes: [UInt8], domain: SignatureDomain, mesh: MeshID) -> [UInt8] {
        let message = signedBytes(bytes, domain: domain, mesh: mesh)
        var signature = [UInt8](repeating: 0, count: signatureBytes)
        secret.withBytes { key in
            _ = crypto_sign_detached(&signature, nil, message, UInt64(message.count), key)
        }
        return signature
    }

    /// Never shows the secret key.
    public var description: String { "Identity(\(nodeID))" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: ["nodeID": nodeID]) }
}

private func signedBytes(_ bytes: [UInt8], domain: SignatureDomain, mesh: MeshID) -> [UInt8] {
    Array(domain.rawValue.utf8) + [0] + mesh.bytes + bytes
}

extension NodeID {
    /// Whether `signature` is this key's over `bytes` in `domain` and `mesh`. libsodium refuses
    /// keys of low order and signatures that are not canonical.
    public func verifies(
        _ signature: [UInt8], over bytes: [UInt8], domain: SignatureDomain, mesh: MeshID
    ) -> Bool {
        guard Sodium.ready, signature.count == signatureBytes else { return false }
        let message = signedBytes(bytes, domain: domain, mesh: mesh)
        return crypto_sign_verify_detached(
            signature, message, UInt64(message.count), self.bytes) == 0
    }
}

/// Secret bytes that are wiped when the last reference goes.
final class SecretBytes: Sendable, Equatable {
    // Written once in `init` and only read after; the class owns the allocation until `deinit`.
    private nonisolated(unsafe) let memory: UnsafePointer<UInt8>
    private let guarded: Bool
    let count: Int

    /// - Parameter guarded: Whether they lie in memory of libsodium's: locked where the system
    ///   allows it, and fenced by pages that nobody may touch. That costs four pages and several
    ///   system calls, so what exists once per peer goes without.
    init(_ bytes: [UInt8], guarded: Bool = true) {
        precondition(!bytes.isEmpty, "a secret is not empty")
        let size = bytes.count
        guard let raw = guarded ? Sodium.ready ? sodium_malloc(size) : nil : malloc(size) else {
            preconditionFailure("no memory for a key")
        }
        // `raw` has room for `size` bytes and does not overlap the array.
        let memory = raw.bindMemory(to: UInt8.self, capacity: size)
        for (index, byte) in bytes.enumerated() { (memory + index).initialize(to: byte) }
        if guarded { sodium_mprotect_readonly(raw) }
        self.memory = UnsafePointer(memory)
        self.guarded = guarded
        self.count = size
    }

    deinit {
        let raw = UnsafeMutableRawPointer(mutating: memory)
        if guarded {
            sodium_free(raw)
        } else {
            sodium_memzero(raw, count)
            free(raw)
        }
    }

    /// The bytes, valid while `body` runs.
    func withBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R { body(memory) }

    /// A copy of the first `count` bytes.
    func prefix(_ count: Int) -> [UInt8] {
        Array(UnsafeBufferPointer(start: memory, count: min(count, self.count)))
    }

    /// What follows from the secret for one purpose: BLAKE2b keyed with it over the purpose's name
    /// and `context`, cut to `length` bytes of at most 64.
    func derive(_ domain: String, _ context: [UInt8] = [], length: Int) -> [UInt8] {
        var key = prefix(count)
        defer { sodium_memzero(&key, key.count) }
        // libsodium makes no BLAKE2b digest of fewer than 16 bytes.
        return Array(
            blake2b(domain: domain, context, key: key, length: max(length, 16)).prefix(length))
    }

    /// Compares in constant time.
    static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        left.count == right.count && sodium_memcmp(left.memory, right.memory, left.count) == 0
    }
}
