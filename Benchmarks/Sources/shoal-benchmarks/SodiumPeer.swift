import CSodium
import Mesh

/// What libsodium does alone: the bound of the links.
struct SodiumPeer {
    private let key = Self.random(Int(crypto_aead_chacha20poly1305_ietf_KEYBYTES))
    private var nonce = [UInt8](
        repeating: 0, count: Int(crypto_aead_chacha20poly1305_ietf_NPUBBYTES))
    private let plaintext = Self.random(LinkLimits.recordPlaintextBytesMax)
    private var ciphertext = [UInt8](repeating: 0, count: LinkLimits.recordBytesMax)
    private var opened = [UInt8](repeating: 0, count: LinkLimits.recordPlaintextBytesMax)

    private static func random(_ count: Int) -> [UInt8] {
        _ = sodium_init()
        var bytes = [UInt8](repeating: 0, count: count)
        randombytes_buf(&bytes, count)
        return bytes
    }

    /// Seconds in which ChaCha20-Poly1305 seals and opens `bytes` bytes in messages of 16 KiB.
    mutating func transfer(bytes: Int) throws -> (seal: Double, open: Double) {
        let messages = bytes / plaintext.count
        let count = UInt64(plaintext.count)
        let begin = Clock.processor()
        for message in 0..<messages {
            nonce[4] = UInt8(truncatingIfNeeded: message)
            crypto_aead_chacha20poly1305_ietf_encrypt(
                &ciphertext, nil, plaintext, count, nil, 0, nil, nonce, key)
        }
        let sealed = Clock.processor()
        for _ in 0..<messages {
            let code = crypto_aead_chacha20poly1305_ietf_decrypt(
                &opened, nil, nil, ciphertext, UInt64(ciphertext.count), nil, 0, nonce, key)
            guard code == 0 else { throw BenchmarkError.wrongResult("a message that is not whole") }
        }
        return (sealed - begin, Clock.processor() - sealed)
    }

    /// Seconds of the public-key operations of `count` handshakes, both sides: at each an
    /// ephemeral key, three Diffie–Hellman results, and the signatures of the peer's link key and
    /// of its certificate.
    mutating func publicKeyOperations(of count: Int) throws -> Double {
        let secret = Self.random(Int(crypto_scalarmult_SCALARBYTES))
        var point = [UInt8](repeating: 0, count: Int(crypto_scalarmult_BYTES))
        var shared = point
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
        let message = Self.random(200)  // about a certificate
        crypto_sign_keypair(&publicKey, &secretKey)
        crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
        var isRight = true
        let begin = Clock.processor()
        for _ in 0..<2 * count {
            crypto_scalarmult_base(&point, secret)
            for _ in 0..<3 where crypto_scalarmult(&shared, secret, point) != 0 { isRight = false }
            for _ in 0..<2 {
                let code = crypto_sign_verify_detached(
                    signature, message, UInt64(message.count), publicKey)
                if code != 0 { isRight = false }
            }
        }
        let seconds = Clock.processor() - begin
        guard isRight else { throw BenchmarkError.wrongResult("libsodium's own results") }
        return seconds
    }
}
