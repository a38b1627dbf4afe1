import CSodium

/// X25519 (RFC 7748).
public enum KeyAgreement {
    /// Bytes of a public or secret key and of what two of them agree on.
    public static let keyBytes = 32

    /// Why there is no agreement.
    public enum Failure: Error, Equatable, Sendable {
        /// A key has another length than ``keyBytes``.
        case badLength
        /// The peer's key is not the one encoding of its point: its number is 2^255 − 19 or more.
        /// RFC 7748 would reduce it, so that one key had several names; no honest key is so.
        case nonCanonical
        /// The result is all zero: the peer's key has low order, and anybody could compute it.
        case lowOrder
    }

    /// The public key of a secret key of 32 bytes.
    public static func publicKey(of secret: SecretBytes) -> [UInt8] {
        precondition(secret.count == keyBytes, "an X25519 key has 32 bytes")
        _ = Sodium.ready
        var output = [UInt8](repeating: 0, count: keyBytes)
        crypto_scalarmult_base(&output, secret.start)
        return output
    }

    /// Whether a public key is the one encoding of its point.
    public static func isCanonical(_ key: [UInt8]) -> Bool {
        guard key.count == keyBytes else { return false }
        // Little-endian: at least 2^255 − 19 is 0xed or more, thirty times 0xff, 0x7f or more.
        if key[31] < 0x7f { return true }
        if key[31] > 0x7f { return false }
        return key[0] < 0xed || key[1..<31].contains { $0 != 0xff }
    }

    /// What both ends come to.
    public static func agree(
        _ secret: SecretBytes, with peer: [UInt8]
    ) throws(Failure) -> SecretBytes {
        guard secret.count == keyBytes, peer.count == keyBytes else { throw .badLength }
        guard isCanonical(peer) else { throw .nonCanonical }
        return try SecretBytes(
            count: keyBytes, in: .pooled,
            write: { output throws(Failure) in
                // Three times 32 bytes, as the function demands. −1 says that the result is zero.
                guard crypto_scalarmult(output, secret.start, peer) == 0 else { throw .lowOrder }
            })
    }
}
