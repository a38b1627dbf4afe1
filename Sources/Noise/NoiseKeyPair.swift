public import Secrets

/// An X25519 key pair. The secret half is wiped when the last copy goes.
public struct NoiseKeyPair: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key, 32 bytes.
    public let publicKey: [UInt8]
    /// The secret key, 32 bytes.
    let secret: SecretBytes

    /// The pair of a secret key of 32 bytes.
    public init(secret: SecretBytes) throws(NoiseError) {
        guard secret.count == NoiseLimits.keyBytes else { throw .badKey }
        self.init(unchecked: secret)
    }

    /// The pair of a secret key of 32 bytes, which are copied: prefer ``init(secret:)``.
    public init(secretKey: [UInt8]) throws(NoiseError) {
        guard secretKey.count == NoiseLimits.keyBytes else { throw .badKey }
        self.init(unchecked: SecretBytes(secretKey, in: .pooled))
    }

    /// A pair whose halves need not belong together, for tests of degenerate keys.
    init(publicKey: [UInt8], secretKey: [UInt8]) {
        self.publicKey = publicKey
        secret = SecretBytes(secretKey, in: .pooled)
    }

    private init(unchecked secret: SecretBytes) {
        self.secret = secret
        publicKey = KeyAgreement.publicKey(of: secret)
    }

    /// A new pair from libsodium's random source.
    public static func generate() -> NoiseKeyPair {
        NoiseKeyPair(unchecked: .random(NoiseLimits.keyBytes, in: .pooled))
    }

    /// Never shows the secret key.
    public var description: String { "NoiseKeyPair(redacted)" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
