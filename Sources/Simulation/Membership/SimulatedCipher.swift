public import Gossip
public import Wire

/// A cipher that costs next to nothing: a keyed stream of numbers, and a keyed digest as the tag.
/// Anyone who tried could break it; what it keeps is that a datagram with a changed byte, or under
/// another key, does not authenticate, and that nothing can be read from one by accident.
public struct SimulatedCipher: DatagramCipher {
    private let node: NodeID
    private let linkKey: LinkKey
    private let gateKey: UInt64
    private let meshKey: [UInt8]

    /// The cipher of a node that holds the private half of `linkKey` and the mesh's gate key.
    public init(node: NodeID, linkKey: LinkKey, gateKey: UInt64 = 1) {
        self.node = node
        self.linkKey = linkKey
        self.gateKey = gateKey
        meshKey = mixed(gateKey).bigEndianBytes
    }

    /// See ``DatagramCipher/key(sender:receiver:senderBoot:receiverBoot:peer:peerLinkKey:)``.
    public func key(
        sender: NodeID, receiver: NodeID, senderBoot: BootID, receiverBoot: BootID, peer: NodeID,
        peerLinkKey: LinkKey
    ) -> [UInt8]? {
        var digest = TraceDigest()
        // The two link keys' shared secret, the same from both ends.
        digest.add(min(linkKey, peerLinkKey).bytes)
        digest.add(max(linkKey, peerLinkKey).bytes)
        digest.add(sender.bytes)
        digest.add(receiver.bytes)
        for half in [senderBoot.high, senderBoot.low, receiverBoot.high, receiverBoot.low] {
            digest.add(half)
        }
        return (0..<4).flatMap { mixed(digest.value &+ $0).bigEndianBytes }
    }

    /// See ``DatagramCipher/seal(key:counter:header:_:)``.
    public func seal(
        key: [UInt8], counter: UInt64, header: [UInt8], _ plaintext: [UInt8]
    ) -> [UInt8] {
        let secret = Self.secret(key)
        let count = plaintext.count
        return [UInt8](unsafeUninitializedCapacity: count + DatagramLimits.tagBytes) {
            // Every byte up to `initialized` is written: the text, then the tag.
            buffer, initialized in
            plaintext.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            let whole = UnsafeMutableRawBufferPointer(buffer)
            Self.scramble(whole, count: count, secret: secret, counter: counter)
            let tag = Self.tag(whole, count: count, secret: secret, counter: counter, header)
            whole.storeBytes(of: tag.bigEndian, toByteOffset: count, as: UInt64.self)
            whole.storeBytes(of: mixed(tag).bigEndian, toByteOffset: count + 8, as: UInt64.self)
            initialized = count + DatagramLimits.tagBytes
        }
    }

    /// See ``DatagramCipher/open(key:counter:header:_:)``.
    public func open(
        key: [UInt8], counter: UInt64, header: [UInt8], _ ciphertext: [UInt8]
    ) -> [UInt8]? {
        let count = ciphertext.count - DatagramLimits.tagBytes
        guard count >= 0 else { return nil }
        let secret = Self.secret(key)
        let isGenuine = ciphertext.withUnsafeBytes { buffer in
            let tag = Self.tag(buffer, count: count, secret: secret, counter: counter, header)
            // The tag's 16 bytes follow the text: `count` + 16 is the buffer's length.
            let first = buffer.loadUnaligned(fromByteOffset: count, as: UInt64.self)
            let second = buffer.loadUnaligned(fromByteOffset: count + 8, as: UInt64.self)
            return first == tag.bigEndian && second == mixed(tag).bigEndian
        }
        guard isGenuine else { return nil }
        var plaintext = Array(ciphertext.prefix(count))
        plaintext.withUnsafeMutableBytes {
            Self.scramble($0, count: count, secret: secret, counter: counter)
        }
        return plaintext
    }

    /// See ``DatagramCipher/hint(of:)``.
    public func hint(of node: NodeID) -> [UInt8] {
        var digest = TraceDigest()
        digest.add(gateKey)
        digest.add(node.bytes)
        return digest.value.bigEndianBytes
    }

    /// See ``DatagramCipher/meshKeyID``.
    public var meshKeyID: [UInt8] { meshKey }

    private static func secret(_ key: [UInt8]) -> UInt64 {
        key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Adds the key's numbers to `count` bytes, or takes them off again.
    private static func scramble(
        _ bytes: UnsafeMutableRawBufferPointer, count: Int, secret: UInt64, counter: UInt64
    ) {
        var word = mixed(secret ^ mixed(counter))
        var offset = 0
        while offset + 8 <= count {
            word = mixed(word &+ 0x9e37_79b9_7f4a_7c15)
            let text = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            bytes.storeBytes(of: text ^ word.littleEndian, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        word = mixed(word &+ 0x9e37_79b9_7f4a_7c15)
        while offset < count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: word)
            word >>= 8
            offset += 1
        }
    }

    private static func tag(
        _ bytes: some UnsafeBytes, count: Int, secret: UInt64, counter: UInt64, _ header: [UInt8]
    ) -> UInt64 {
        var digest = TraceDigest()
        digest.add(secret)
        digest.add(counter)
        digest.add(header)
        var offset = 0
        while offset + 8 <= count {
            digest.add(bytes.word(at: offset))
            offset += 8
        }
        var rest = UInt64(count)
        while offset < count {
            rest = rest << 8 | UInt64(bytes[offset])
            offset += 1
        }
        digest.add(rest)
        return digest.value
    }
}

/// Bytes that words are read from.
private protocol UnsafeBytes {
    subscript(index: Int) -> UInt8 { get }
    func word(at offset: Int) -> UInt64
}

extension UnsafeRawBufferPointer: UnsafeBytes {
    fileprivate func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension UnsafeMutableRawBufferPointer: UnsafeBytes {
    fileprivate func word(at offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
