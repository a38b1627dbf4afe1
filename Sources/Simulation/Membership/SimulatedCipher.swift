public import Gossip
public import Wire

/// A cipher that costs next to nothing: a keyed stream of numbers, and a keyed digest as the tag.
/// Anyone who tried could break it; what it keeps is that a datagram with a changed byte, or under
/// another key, does not authenticate, and that nothing can be read from one by accident.
public struct SimulatedCipher: DatagramCipher {
    private let linkKey: LinkKey
    private let gateKey: UInt64
    private let isPlain: Bool

    /// The cipher of a node that holds the private half of `linkKey` and the mesh's gate key.
    ///
    /// - Parameter isPlain: Whether text is authenticated but left readable, for checkers that look
    ///   into packets.
    public init(linkKey: LinkKey, gateKey: UInt64 = 1, isPlain: Bool = false) {
        self.linkKey = linkKey
        self.gateKey = gateKey
        self.isPlain = isPlain
    }

    /// What a datagram of a plain cipher holds.
    static func plaintext(ofPlain datagram: [UInt8]) -> [UInt8] {
        Array(datagram.dropFirst(DatagramLimits.headerBytes).dropLast(DatagramLimits.tagBytes))
    }

    /// See ``DatagramCipher/root(of:linkKey:)``.
    public func root(of peer: NodeID, linkKey peerLinkKey: LinkKey) -> DatagramKey? {
        // The two link keys' shared secret, the same from both ends.
        var digest = TraceDigest()
        digest.add(min(linkKey, peerLinkKey))
        digest.add(max(linkKey, peerLinkKey))
        return DatagramKey(plain: (digest.value, 0, 0, 0))
    }

    /// See ``DatagramCipher/key(root:sender:receiver:senderBoot:receiverBoot:)``.
    public func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey {
        var digest = TraceDigest()
        digest.add(root.words.0)
        digest.add(sender)
        digest.add(receiver)
        digest.add(senderBoot.high)
        digest.add(senderBoot.low)
        digest.add(receiverBoot.high)
        digest.add(receiverBoot.low)
        return DatagramKey(plain: (digest.value, 0, 0, 0))
    }

    /// See ``DatagramCipher/seal(_:header:key:counter:)``.
    public func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
        let secret = key.words.0
        let count = datagram.count
        datagram.append(contentsOf: Self.noTag)
        datagram.withUnsafeMutableBytes { bytes in
            if !isPlain {
                Self.scramble(bytes, from: header, to: count, secret: secret, counter: counter)
            }
            let tag = Self.tag(UnsafeRawBufferPointer(bytes), count, secret, counter)
            // The 16 bytes appended lie behind `count`.
            bytes.storeBytes(of: tag.bigEndian, toByteOffset: count, as: UInt64.self)
            bytes.storeBytes(of: mixed(tag).bigEndian, toByteOffset: count + 8, as: UInt64.self)
        }
    }

    /// See ``DatagramCipher/open(_:header:key:counter:)``.
    public func open(
        _ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64
    ) -> [UInt8]? {
        let secret = key.words.0
        let count = datagram.count - DatagramLimits.tagBytes
        guard count >= header else { return nil }
        let isGenuine = datagram.withUnsafeBytes { bytes in
            let tag = Self.tag(bytes, count, secret, counter)
            // `count` and 16 bytes more are the datagram.
            let first = bytes.loadUnaligned(fromByteOffset: count, as: UInt64.self)
            let second = bytes.loadUnaligned(fromByteOffset: count + 8, as: UInt64.self)
            return first == tag.bigEndian && second == mixed(tag).bigEndian
        }
        guard isGenuine else { return nil }
        var plaintext = Array(datagram[header..<count])
        if isPlain { return plaintext }
        plaintext.withUnsafeMutableBytes {
            Self.scramble($0, from: 0, to: count - header, secret: secret, counter: counter)
        }
        return plaintext
    }

    /// See ``DatagramCipher/hint(of:)``.
    public func hint(of node: NodeID) -> UInt64 {
        var digest = TraceDigest()
        digest.add(gateKey)
        digest.add(node)
        return digest.value
    }

    /// See ``DatagramCipher/meshKeyID``.
    public var meshKeyID: UInt64 { mixed(gateKey) }

    private static let noTag = [UInt8](repeating: 0, count: DatagramLimits.tagBytes)

    /// Adds the key's numbers to some bytes, or takes them off again.
    private static func scramble(
        _ bytes: UnsafeMutableRawBufferPointer, from start: Int, to end: Int, secret: UInt64,
        counter: UInt64
    ) {
        var word = mixed(secret ^ mixed(counter))
        var offset = start
        // Words that lie whole before `end`, then what is left, byte by byte.
        while offset + 8 <= end {
            word = mixed(word &+ 0x9e37_79b9_7f4a_7c15)
            let text = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            bytes.storeBytes(of: text ^ word.littleEndian, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        word = mixed(word &+ 0x9e37_79b9_7f4a_7c15)
        while offset < end {
            bytes[offset] ^= UInt8(truncatingIfNeeded: word)
            word >>= 8
            offset += 1
        }
    }

    /// Over the first `count` bytes, header and all.
    private static func tag(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, _ secret: UInt64, _ counter: UInt64
    ) -> UInt64 {
        var digest = TraceDigest()
        digest.add(secret)
        digest.add(counter)
        digest.add(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        return digest.value
    }
}
