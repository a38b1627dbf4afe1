import CSodium

/// Sealing under a passphrase: Argon2id (RFC 9106) for the key, XChaCha20-Poly1305 for the bytes.
public enum Passphrase {
    /// What hashing a passphrase costs. Stored beside what it seals, so that it can grow later.
    public struct Cost: Sendable, Equatable {
        /// Bytes of memory.
        public let memoryBytes: UInt32
        /// Passes over it.
        public let passes: UInt8

        /// libsodium's "moderate": 256 MiB, three passes; about half a second.
        public static let moderate = Cost(unchecked: 256 << 20, 3)
        /// libsodium's "interactive", the least that is taken: 64 MiB, two passes.
        public static let interactive = Cost(unchecked: 64 << 20, 2)

        private init(unchecked memoryBytes: UInt32, _ passes: UInt8) {
            self.memoryBytes = memoryBytes
            self.passes = passes
        }

        /// A cost within ``SecretLimits``, or nil.
        public init?(memoryBytes: UInt32, passes: UInt8) {
            guard
                (SecretLimits.passphraseMemoryBytesMin...SecretLimits.passphraseMemoryBytesMax)
                    .contains(Int(memoryBytes)),
                (SecretLimits.passphrasePassesMin...SecretLimits.passphrasePassesMax)
                    .contains(Int(passes))
            else { return nil }
            self.init(unchecked: memoryBytes, passes)
        }
    }

    /// Why nothing was sealed or opened.
    public enum Failure: Error, Equatable, Sendable {
        /// The passphrase is empty, or longer than ``SecretLimits/passphraseBytesMax``.
        case badLength
        /// The machine did not give the memory that hashing takes.
        case noMemory
        /// It is another passphrase, or the bytes were changed.
        case notAuthentic
    }

    /// Bytes of a salt.
    public static let saltBytes = 16
    /// Bytes of a nonce, long enough to be drawn at random.
    public static let nonceBytes = 24
    /// Bytes that the ciphertext is longer than the plaintext.
    public static let tagBytes = 16

    /// Seals `plaintext` under `passphrase`, bound to `header`.
    public static func seal(
        _ plaintext: SecretBytes, passphrase: [UInt8], salt: [UInt8], nonce: [UInt8], cost: Cost,
        header: [UInt8]
    ) throws(Failure) -> [UInt8] {
        let key = try key(passphrase, salt: salt, cost: cost)
        precondition(nonce.count == nonceBytes, "a nonce has 24 bytes")
        var output = [UInt8](repeating: 0, count: plaintext.count + tagBytes)
        // The output has room for the tag; all lengths were checked.
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            &output, nil, plaintext.start, UInt64(plaintext.count), header, UInt64(header.count),
            nil, nonce, key.start)
        return output
    }

    /// Opens what ``seal(_:passphrase:salt:nonce:cost:header:)`` made of a secret that is not empty.
    public static func open(
        _ ciphertext: [UInt8], passphrase: [UInt8], salt: [UInt8], nonce: [UInt8], cost: Cost,
        header: [UInt8]
    ) throws(Failure) -> SecretBytes {
        guard ciphertext.count > tagBytes else { throw .notAuthentic }
        let key = try key(passphrase, salt: salt, cost: cost)
        precondition(nonce.count == nonceBytes, "a nonce has 24 bytes")
        return try SecretBytes(
            count: ciphertext.count - tagBytes, in: .guarded,
            write: { output throws(Failure) in
                // The output has exactly the plaintext's length.
                guard
                    crypto_aead_xchacha20poly1305_ietf_decrypt(
                        output, nil, nil, ciphertext, UInt64(ciphertext.count), header,
                        UInt64(header.count), nonce, key.start) == 0
                else { throw .notAuthentic }
            })
    }

    private static func key(
        _ passphrase: [UInt8], salt: [UInt8], cost: Cost
    ) throws(Failure) -> SecretBytes {
        precondition(salt.count == saltBytes, "a salt has 16 bytes")
        guard (1...SecretLimits.passphraseBytesMax).contains(passphrase.count), Sodium.ready else {
            throw .badLength
        }
        return try SecretBytes(
            count: Box.keyBytes, in: .guarded,
            write: { output throws(Failure) in
                // 32 bytes of output, 16 of salt; the cost is within libsodium's bounds by its type.
                let code = passphrase.withUnsafeBytes { passphrase -> CInt in
                    // Not empty, and so with an address.
                    guard let start = passphrase.assumingMemoryBound(to: CChar.self).baseAddress
                    else { return -1 }
                    return crypto_pwhash(
                        output, UInt64(Box.keyBytes), start, UInt64(passphrase.count), salt,
                        UInt64(cost.passes), Int(cost.memoryBytes), crypto_pwhash_ALG_ARGON2ID13)
                }
                guard code == 0 else { throw .noMemory }
            })
    }
}
