import CSodium

/// Ed25519 (RFC 8032).
public enum Signing {
    /// Bytes of a seed, from which a key pair follows.
    public static let seedBytes = 32
    /// Bytes of a public key.
    public static let publicKeyBytes = 32
    /// Bytes of a signature.
    public static let signatureBytes = 64

    /// The pair of a seed: the public key, and the secret key as libsodium keeps it, whose first
    /// half is the seed. Nil for a seed of another length.
    public static func keyPair(seed: SecretBytes) -> (publicKey: [UInt8], secret: SecretBytes)? {
        guard Sodium.ready, seed.count == seedBytes else { return nil }
        var publicKey = [UInt8](repeating: 0, count: publicKeyBytes)
        let secret = SecretBytes(
            count: seedBytes + publicKeyBytes, in: .guarded,
            // 64 bytes, as the function writes.
            write: { _ = crypto_sign_seed_keypair(&publicKey, $0, seed.start) })
        return (publicKey, secret)
    }

    /// The signature of a key that ``keyPair(seed:)`` made.
    public static func sign(_ message: [UInt8], with secret: SecretBytes) -> [UInt8] {
        precondition(
            secret.count == seedBytes + publicKeyBytes, "an Ed25519 secret key has 64 bytes")
        var signature = [UInt8](repeating: 0, count: signatureBytes)
        crypto_sign_detached(&signature, nil, message, UInt64(message.count), secret.start)
        return signature
    }

    /// Whether `signature` is `publicKey`'s over `message`. libsodium refuses keys of low order and
    /// signatures that are not canonical; other lengths are refused here.
    public static func verifies(
        _ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]
    ) -> Bool {
        guard Sodium.ready, signature.count == signatureBytes, publicKey.count == publicKeyBytes
        else { return false }
        return crypto_sign_verify_detached(
            signature, message, UInt64(message.count), publicKey) == 0
    }
}
