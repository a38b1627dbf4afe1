import CSodium

/// An X25519 key pair.
public struct NoiseKeyPair: Sendable, CustomStringConvertible, CustomReflectable {
    /// The public key, 32 bytes.
    public let publicKey: [UInt8]
    /// The secret key, 32 bytes.
    public let secretKey: [UInt8]

    /// The pair of a secret key of 32 bytes.
    public init(secretKey: [UInt8]) throws(NoiseError) {
        guard secretKey.count == NoiseLimits.keyBytes, Primitives.ready else { throw .badKey }
        self.secretKey = secretKey
        self.publicKey = Primitives.publicKey(of: secretKey)
    }

    /// A pair whose halves need not belong together, for tests of degenerate keys.
    init(publicKey: [UInt8], secretKey: [UInt8]) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    private init(secret: [UInt8]) {
        secretKey = secret
        publicKey = Primitives.publicKey(of: secret)
    }

    /// A new pair from libsodium's random source.
    public static func generate() -> NoiseKeyPair {
        _ = Primitives.ready
        var secret = [UInt8](repeating: 0, count: NoiseLimits.keyBytes)
        randombytes_buf(&secret, secret.count)
        return NoiseKeyPair(secret: secret)
    }

    /// Never shows the secret key.
    public var description: String { "NoiseKeyPair(redacted)" }
    /// Never shows the secret key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
