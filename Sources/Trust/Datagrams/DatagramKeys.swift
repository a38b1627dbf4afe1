public import Secrets
public import Wire

/// The secret that two members' datagrams grow from: BLAKE2b keyed with the X25519 of their link
/// keys, over the mesh and both ids in order. Both compute the same.
public enum DatagramRoot {
    /// The root of `ours` (whose node is `node`) and a peer's link key.
    ///
    /// - Throws: ``TrustError/degenerateKey`` for a key with which every X25519 is zero.
    public static func make(
        ours: LinkKeyPair, node: NodeID, theirs: LinkKey, peer: NodeID, mesh: MeshID
    ) throws(TrustError) -> SecretBytes {
        let shared = try ours.agree(with: theirs)
        let (first, second) = node < peer ? (node, peer) : (peer, node)
        return shared.derived(
            "shoal datagram root v1", mesh.bytes + first.bytes + second.bytes)
    }

    /// The key of one direction between two starts of two processes. `receiverBoot` is zero while it
    /// is not known.
    public static func sendingKey(
        root: SecretBytes, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> SecretBytes {
        var input = ByteWriter(capacity: 2 * NodeID.byteCount + 32)
        sender.encode(to: &input)
        receiver.encode(to: &input)
        senderBoot.encode(to: &input)
        receiverBoot.encode(to: &input)
        return root.derived("shoal datagram key v1", input.bytes)
    }
}

/// ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce: what seals a datagram.
public enum DatagramSeal {
    /// Bytes that a sealed datagram is longer than its plaintext.
    public static let tagBytes = Box.tagBytes

    /// Seals in place what follows the first `header` bytes, which are authenticated with it, under a
    /// key that never sees the same `counter` twice.
    public static func seal(
        _ datagram: inout [UInt8], header: Int, key: SecretBytes, counter: UInt64
    ) {
        precondition(header <= datagram.count, "a datagram has its header")
        let count = datagram.count - header
        datagram.append(contentsOf: repeatElement(0, count: tagBytes))
        datagram.withUnsafeMutableBytes { buffer in
            // The buffer holds `header + count + tagBytes` bytes; the cipher works in place.
            let body = UnsafeMutableRawBufferPointer(rebasing: buffer[header...])
            key.withUnsafeBytes {
                Box.seal(
                    UnsafeRawBufferPointer(rebasing: body[..<count]), into: body,
                    associatedData: UnsafeRawBufferPointer(rebasing: buffer[..<header]),
                    counter: counter, key: $0)
            }
        }
    }

    /// Opens what ``seal(_:header:key:counter:)`` made.
    public static func open(
        _ datagram: [UInt8], header: Int, key: SecretBytes, counter: UInt64
    ) throws(TrustError) -> [UInt8] {
        guard datagram.count >= header + tagBytes else { throw .notAuthentic }
        let count = datagram.count - header - tagBytes
        var isAuthentic = false
        let plaintext = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            datagram.withUnsafeBytes { buffer in
                // `count` bytes are written, and the output has room for them.
                isAuthentic = key.withUnsafeBytes {
                    Box.open(
                        UnsafeRawBufferPointer(rebasing: buffer[header...]),
                        into: UnsafeMutableRawBufferPointer(output),
                        associatedData: UnsafeRawBufferPointer(rebasing: buffer[..<header]),
                        counter: counter, key: $0)
                }
            }
            initialized = isAuthentic ? count : 0
        }
        guard isAuthentic else { throw .notAuthentic }
        return plaintext
    }
}
