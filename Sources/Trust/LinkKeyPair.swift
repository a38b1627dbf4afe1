import CSodium
public import Wire

/// A node's X25519 pair for links and datagrams. Lives at most a day, so that what was said before
/// stays sealed when a machine is taken later.
public final class LinkKeyPair: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key.
    public let publicKey: LinkKey
    /// When the key ends.
    public let notAfter: WallTime
    private let secret: SecretBytes

    /// A new pair from libsodium's random source, valid for `lifetime` (at most
    /// ``TrustLimits/linkKeyLifetimeMax``) from `now`.
    public static func generate(
        now: WallTime, lifetime: Duration = TrustLimits.linkKeyLifetimeMax
    ) -> LinkKeyPair {
        LinkKeyPair(
            secretKey: randomBytes(32),
            notAfter: now + min(lifetime, TrustLimits.linkKeyLifetimeMax))
    }

    /// The pair of a secret key of 32 bytes.
    public init(secretKey: [UInt8], notAfter: WallTime) {
        _ = Sodium.ready
        precondition(secretKey.count == 32, "an X25519 key has 32 bytes")
        var publicKey = [UInt8](repeating: 0, count: 32)
        crypto_scalarmult_base(&publicKey, secretKey)
        guard let key = LinkKey(publicKey) else { preconditionFailure("32 bytes are a key") }
        self.publicKey = key
        self.notAfter = notAfter
        self.secret = SecretBytes(secretKey)
    }

    /// The secret key, for the handshake. Not to be kept.
    public var secretKey: [UInt8] { secret.prefix(32) }

    /// X25519 with a peer's key; an all-zero result is refused.
    func agree(with peer: LinkKey) throws(TrustError) -> [UInt8] {
        var shared = [UInt8](repeating: 0, count: 32)
        let code = secret.withBytes {
            crypto_scalarmult(&shared, $0, peer.bytes)
        }
        guard code == 0 else { throw .degenerateKey }
        return shared
    }

    /// Never shows the secret key.
    public var description: String { "LinkKeyPair(\(publicKey))" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
