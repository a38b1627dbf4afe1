import CSodium

/// ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce: 32 zero bits, then the counter, least
/// significant byte first (Noise, section 12.3). What seals records of links and datagrams alike.
///
/// A key must never see one counter twice; that is the caller's to see to. Everything works in
/// memory of the caller's: nothing is allocated or copied.
public enum Box {
    /// Bytes that authenticate a ciphertext, which is so much longer than its plaintext.
    public static let tagBytes = 16
    /// Bytes of a key.
    public static let keyBytes = 32

    /// Seals `plaintext` into the first `plaintext.count + tagBytes` bytes of `output`, which may
    /// begin at the plaintext's own address but overlap it in no other way.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, counter: UInt64, key: UnsafeRawBufferPointer
    ) {
        precondition(
            output.count - tagBytes >= plaintext.count && key.count == keyBytes,
            "the output has room for the tag, and the key has its length")
        withNonce(counter) { nonce in
            // Neither buffer is empty, so that both have an address; lengths were checked above.
            // libsodium refuses only plaintexts of 2^38 bytes, which no caller here can hold.
            guard let start = output.bindMemory(to: UInt8.self).baseAddress, let nonce,
                let key = bytes(key)
            else { return }
            crypto_aead_chacha20poly1305_ietf_encrypt(
                start, nil, bytes(plaintext), UInt64(plaintext.count), bytes(associatedData),
                UInt64(associatedData.count), nil, nonce, key)
        }
    }

    /// Opens `ciphertext` into the first `ciphertext.count - tagBytes` bytes of `output`, which may
    /// begin at the ciphertext's own address. False when it does not authenticate or is shorter than
    /// a tag; `output` holds nothing of meaning then.
    public static func open(
        _ ciphertext: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, counter: UInt64, key: UnsafeRawBufferPointer
    ) -> Bool {
        guard ciphertext.count >= tagBytes else { return false }
        precondition(
            output.count >= ciphertext.count - tagBytes && key.count == keyBytes,
            "the output has room for the plaintext, and the key has its length")
        return withNonce(counter) { nonce in
            guard let start = bytes(ciphertext), let nonce, let key = bytes(key) else {
                return false
            }
            // For an empty plaintext the output may have no address: libsodium then only verifies.
            return crypto_aead_chacha20poly1305_ietf_decrypt(
                output.bindMemory(to: UInt8.self).baseAddress, nil, nil, start,
                UInt64(ciphertext.count), bytes(associatedData), UInt64(associatedData.count),
                nonce, key) == 0
        }
    }

    private static func bytes(_ buffer: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }

    private static func withNonce<R>(
        _ counter: UInt64, _ body: (UnsafePointer<UInt8>?) -> R
    ) -> R {
        let nonce = (
            UInt32(0), UInt32(truncatingIfNeeded: counter).littleEndian,
            UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        )
        // Three words without padding are the 12 bytes of a nonce.
        return withUnsafeBytes(of: nonce) { body(bytes($0)) }
    }
}
