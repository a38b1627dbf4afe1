public import Secrets
public import Wire

/// A node's X25519 pair for links and datagrams. Lives at most a day, so that what was said before
/// stays sealed when a machine is taken later.
public final class LinkKeyPair: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key.
    public let publicKey: LinkKey
    /// When the key ends.
    public let notAfter: WallTime
    /// The secret key, for the handshake.
    public let secret: SecretBytes

    /// A new pair from libsodium's random source, valid for `lifetime` (at most
    /// ``TrustLimits/linkKeyLifetimeMax``) from `now`.
    public static func generate(
        now: WallTime, lifetime: Duration = TrustLimits.linkKeyLifetimeMax
    ) -> LinkKeyPair {
        LinkKeyPair(
            secret: .random(KeyAgreement.keyBytes),
            notAfter: now + min(lifetime, TrustLimits.linkKeyLifetimeMax))
    }

    /// The pair of a secret key of 32 bytes.
    public init(secret: SecretBytes, notAfter: WallTime) {
        guard let key = LinkKey(KeyAgreement.publicKey(of: secret)) else {
            preconditionFailure("32 bytes are a key")
        }
        publicKey = key
        self.notAfter = notAfter
        self.secret = secret
    }

    /// The pair of a secret key of 32 bytes, which are copied.
    public convenience init(secretKey: [UInt8], notAfter: WallTime) {
        self.init(secret: SecretBytes(secretKey), notAfter: notAfter)
    }

    /// X25519 with a peer's key; an all-zero result is refused, and so is a key that is not the one
    /// encoding of its point.
    func agree(with peer: LinkKey) throws(TrustError) -> SecretBytes {
        do { return try KeyAgreement.agree(secret, with: peer.bytes) } catch {
            throw .degenerateKey
        }
    }

    /// Never shows the secret key.
    public var description: String { "LinkKeyPair(\(publicKey))" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
