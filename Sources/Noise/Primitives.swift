import CSodium

/// libsodium's functions as Noise names them (section 12). Lengths are checked here, because
/// libsodium aborts the process on some that are wrong.
enum Primitives {
    /// `sodium_init` is safe to call from any thread, any number of times.
    static let ready: Bool = sodium_init() >= 0

    static func hash(_ parts: [UInt8]...) -> [UInt8] {
        let data = parts.flatMap { $0 }
        var output = [UInt8](repeating: 0, count: NoiseLimits.hashBytes)
        crypto_generichash(&output, output.count, data, UInt64(data.count), nil, 0)
        return output
    }

    /// HMAC (RFC 2104) over BLAKE2b with its 128-byte block: Noise demands HMAC proper, not
    /// BLAKE2b's own keyed mode.
    static func hmac(key: [UInt8], _ data: [UInt8]) -> [UInt8] {
        let block = 128
        var padded = key.count > block ? hash(key) : key
        padded += [UInt8](repeating: 0, count: block - padded.count)
        return hash(padded.map { $0 ^ 0x5c }, hash(padded.map { $0 ^ 0x36 }, data))
    }

    /// HKDF of section 4.3, with two or three outputs.
    static func hkdf(chainingKey: [UInt8], input: [UInt8], outputs: Int) -> [[UInt8]] {
        let secret = hmac(key: chainingKey, input)
        var previous: [UInt8] = []
        var results: [[UInt8]] = []
        for counter in 1...outputs {
            previous = hmac(key: secret, previous + [UInt8(counter)])
            results.append(previous)
        }
        return results
    }

    static func dh(secret: [UInt8], public remote: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard secret.count == NoiseLimits.keyBytes, remote.count == NoiseLimits.keyBytes else {
            throw .badKey
        }
        var output = [UInt8](repeating: 0, count: NoiseLimits.keyBytes)
        guard crypto_scalarmult(&output, secret, remote) == 0 else { throw .lowOrderKey }
        return output
    }

    static func publicKey(of secret: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: NoiseLimits.keyBytes)
        crypto_scalarmult_base(&output, secret)
        return output
    }

    /// The nonce of section 12.3: 32 zero bits, then the counter, little-endian.
    private static func nonce(_ counter: UInt64) -> [UInt8] {
        [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
    }

    static func encrypt(
        key: WipedKey, counter: UInt64, associatedData: [UInt8], _ plaintext: [UInt8]
    ) -> [UInt8] {
        let count = plaintext.count + NoiseLimits.tagBytes
        let nonce = nonce(counter)
        return [UInt8](unsafeUninitializedCapacity: count) { output, written in
            // Not nil, as the capacity is not zero. libsodium writes `plaintext.count` bytes and the
            // tag: all of `count`.
            guard let start = output.baseAddress else { return }
            _ = key.withBytes {
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    start, nil, plaintext, UInt64(plaintext.count), associatedData,
                    UInt64(associatedData.count), nil, nonce, $0)
            }
            written = count
        }
    }

    static func decrypt(
        key: WipedKey, counter: UInt64, associatedData: [UInt8], _ ciphertext: [UInt8]
    ) throws(NoiseError) -> [UInt8] {
        guard ciphertext.count >= NoiseLimits.tagBytes else { throw .badLength }
        let count = ciphertext.count - NoiseLimits.tagBytes
        let nonce = nonce(counter)
        var code: CInt = -1
        // One byte at least, so that there is a pointer for an empty plaintext.
        let plaintext = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { output, written in
            code = key.withBytes {
                crypto_aead_chacha20poly1305_ietf_decrypt(
                    output.baseAddress, nil, nil, ciphertext, UInt64(ciphertext.count),
                    associatedData, UInt64(associatedData.count), nonce, $0)
            }
            // Nothing is read of what a failure left there.
            written = code == 0 ? count : 0
        }
        guard code == 0 else { throw .notAuthentic }
        return plaintext
    }
}
