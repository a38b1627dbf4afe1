import CSodium
public import Wire

/// The secret that two members' datagrams grow from: BLAKE2b keyed with the X25519 of their link
/// keys, over the mesh and both ids in order. Both compute the same.
public enum DatagramRoot {
    /// The root of `ours` (whose node is `node`) and a peer's link key.
    ///
    /// - Throws: ``TrustError/degenerateKey`` for a key with which every X25519 is zero.
    public static func make(
        ours: LinkKeyPair, node: NodeID, theirs: LinkKey, peer: NodeID, mesh: MeshID
    ) throws(TrustError) -> SymmetricKey {
        var shared = try ours.agree(with: theirs)
        defer { sodium_memzero(&shared, shared.count) }
        let (first, second) = node < peer ? (node, peer) : (peer, node)
        return digest(
            "shoal datagram root v1", mesh.bytes + first.bytes + second.bytes, key: shared)
    }

    /// The key of one direction between two starts of two processes. `receiverBoot` is zero while it
    /// is not known.
    public static func sendingKey(
        root: SymmetricKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> SymmetricKey {
        var input = ByteWriter(capacity: 2 * NodeID.byteCount + 32)
        sender.encode(to: &input)
        receiver.encode(to: &input)
        senderBoot.encode(to: &input)
        receiverBoot.encode(to: &input)
        return digest(
            "shoal datagram key v1", input.bytes, key: root.withUnsafeBytes { Array($0) })
    }

    private static func digest(
        _ domain: String, _ input: [UInt8], key: [UInt8]
    ) -> SymmetricKey {
        guard let key = SymmetricKey(blake2b(domain: domain, input, key: key)) else {
            preconditionFailure("a digest of 32 bytes is a key")
        }
        return key
    }
}

/// ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce: what seals a datagram.
public enum DatagramSeal {
    /// Bytes that a sealed datagram is longer than its plaintext.
    public static let tagBytes = 16

    /// Seals in place what follows the first `header` bytes, which are authenticated with it, under a
    /// key that never sees the same `counter` twice.
    public static func seal(
        _ datagram: inout [UInt8], header: Int, key: SymmetricKey, counter: UInt64
    ) {
        precondition(header <= datagram.count, "a datagram has its header")
        let count = datagram.count - header
        datagram.append(contentsOf: repeatElement(0, count: tagBytes))
        datagram.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            // The buffer holds `header + count + tagBytes` bytes; the cipher works in place.
            _ = withNonceAndKey(counter, key) { nonce, key in
                crypto_aead_chacha20poly1305_ietf_encrypt(
                    start + header, nil, start + header, UInt64(count), start, UInt64(header), nil,
                    nonce, key)
            }
        }
    }

    /// Opens what ``seal(_:header:key:counter:)`` made.
    public static func open(
        _ datagram: [UInt8], header: Int, key: SymmetricKey, counter: UInt64
    ) throws(TrustError) -> [UInt8] {
        guard datagram.count >= header + tagBytes else { throw .notAuthentic }
        let count = datagram.count - header - tagBytes
        var code: CInt = -1
        let plaintext = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { output, initialized in
            datagram.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                // `count` bytes are written, and the output has room for them.
                code = withNonceAndKey(counter, key) { nonce, key in
                    crypto_aead_chacha20poly1305_ietf_decrypt(
                        output.baseAddress, nil, nil, start + header, UInt64(count + tagBytes),
                        start, UInt64(header), nonce, key)
                }
            }
            initialized = code == 0 ? count : 0
        }
        guard code == 0 else { throw .notAuthentic }
        return plaintext
    }

    private static func withNonceAndKey(
        _ counter: UInt64, _ key: SymmetricKey,
        _ body: (UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> CInt
    ) -> CInt {
        // Twelve bytes: zero, then the counter, least significant byte first.
        let nonce = (
            UInt32(0), UInt32(truncatingIfNeeded: counter).littleEndian,
            UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        )
        return withUnsafeBytes(of: nonce) { nonce in
            key.withUnsafeBytes { key in
                guard let nonce = nonce.assumingMemoryBound(to: UInt8.self).baseAddress,
                    let key = key.assumingMemoryBound(to: UInt8.self).baseAddress
                else { return -1 }
                return body(nonce, key)
            }
        }
    }
}
