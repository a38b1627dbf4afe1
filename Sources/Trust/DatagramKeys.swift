import CSodium
public import Wire

/// The secret that two members' datagrams grow from: BLAKE2b keyed with the X25519 of their link
/// keys, over the mesh and both ids in order. Both compute the same.
public struct DatagramRoot: Sendable, CustomStringConvertible, CustomReflectable {
    private let root: SecretBytes

    /// The root of `ours` (whose node is `self`) and a peer's link key. A degenerate key is refused.
    public init(
        ours: LinkKeyPair, node: NodeID, theirs: LinkKey, peer: NodeID, mesh: MeshID
    ) throws(TrustError) {
        var shared = try ours.agree(with: theirs)
        defer { sodium_memzero(&shared, shared.count) }
        let (first, second) = node < peer ? (node, peer) : (peer, node)
        root = SecretBytes(
            blake2b(
                domain: "shoal datagram root v1", mesh.bytes + first.bytes + second.bytes,
                key: shared), guarded: false)
    }

    /// The key of one direction between two starts of two processes. `receiverBoot` is zero while it
    /// is not known.
    public func sendingKey(
        sender: NodeID, receiver: NodeID, senderBoot: BootID, receiverBoot: BootID
    ) -> [UInt8] {
        root.derive(
            "shoal datagram key v1",
            sender.bytes + receiver.bytes + senderBoot.bytes + receiverBoot.bytes, length: 32)
    }

    /// Never shows the key.
    public var description: String { "DatagramRoot(redacted)" }
    /// Never shows the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce: what seals a datagram.
public enum DatagramSeal {
    /// Bytes that a sealed datagram is longer than its plaintext.
    public static let tagBytes = 16

    /// Seals under a key of 32 bytes that never sees the same `counter` twice.
    public static func seal(
        key: [UInt8], counter: UInt64, header: [UInt8], _ plaintext: [UInt8]
    ) -> [UInt8] {
        precondition(key.count == 32, "a datagram key has 32 bytes")
        var output = [UInt8](repeating: 0, count: plaintext.count + tagBytes)
        crypto_aead_chacha20poly1305_ietf_encrypt(
            &output, nil, plaintext, UInt64(plaintext.count), header, UInt64(header.count), nil,
            nonce(counter), key)
        return output
    }

    /// Opens what ``seal(key:counter:header:_:)`` made.
    public static func open(
        key: [UInt8], counter: UInt64, header: [UInt8], _ ciphertext: [UInt8]
    ) throws(TrustError) -> [UInt8] {
        precondition(key.count == 32, "a datagram key has 32 bytes")
        guard ciphertext.count >= tagBytes else { throw .notAuthentic }
        let count = ciphertext.count - tagBytes
        var output = [UInt8](repeating: 0, count: max(count, 1))
        let code = crypto_aead_chacha20poly1305_ietf_decrypt(
            &output, nil, nil, ciphertext, UInt64(ciphertext.count), header, UInt64(header.count),
            nonce(counter), key)
        guard code == 0 else { throw .notAuthentic }
        return Array(output.prefix(count))
    }

    private static func nonce(_ counter: UInt64) -> [UInt8] {
        [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * $0)) }
    }
}
