import Wire

@testable import Gossip

/// A cipher with the shape of the real one and no strength: what differs gives other keys, and a
/// changed byte does not authenticate.
struct ToyCipher: DatagramCipher {
    let node: NodeID
    let linkKey: LinkKey
    var meshKeyID: UInt64 = 0x0102_0304_0506_0708
    var supersededKeyIDs: [UInt64] = []

    func root(of peer: NodeID, linkKey theirs: LinkKey) -> DatagramKey? {
        // As X25519: some keys make nothing usable, with whatever they are combined.
        if theirs == LinkKey(number: 0) { return nil }
        let shared = [linkKey.bytes, theirs.bytes].sorted { $0.lexicographicallyPrecedes($1) }
        return Self.key(toyDigest(shared))
    }

    func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey {
        Self.key(
            toyDigest([
                Self.raw(root), sender.bytes, receiver.bytes, senderBoot.bytes,
                receiverBoot.bytes,
            ]))
    }

    func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
        let stream = toyDigest([Self.raw(key), bytes(counter)])
        for index in header..<datagram.count {
            datagram[index] ^= UInt8(
                truncatingIfNeeded: scrambled(stream &+ UInt64(index - header)))
        }
        let tag = toyDigest([Self.raw(key), bytes(counter), datagram])
        datagram += bytes(tag) + bytes(scrambled(tag))
    }

    func open(_ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64) -> [UInt8]? {
        guard datagram.count >= header + 16 else { return nil }
        let tag = toyDigest([Self.raw(key), bytes(counter), Array(datagram.dropLast(16))])
        guard Array(datagram.suffix(16)) == bytes(tag) + bytes(scrambled(tag)) else { return nil }
        let stream = toyDigest([Self.raw(key), bytes(counter)])
        return datagram.dropFirst(header).dropLast(16).enumerated().map { index, byte in
            byte ^ UInt8(truncatingIfNeeded: scrambled(stream &+ UInt64(index)))
        }
    }

    func hint(of node: NodeID) -> UInt64 { hint(of: node, under: meshKeyID) }

    func hint(of node: NodeID, under keyID: UInt64) -> UInt64 {
        toyDigest([bytes(keyID), node.bytes])
    }

    private static func key(_ digest: UInt64) -> DatagramKey {
        DatagramKey(
            plain: (
                scrambled(digest), scrambled(digest &+ 1), scrambled(digest &+ 2),
                scrambled(digest &+ 3)
            ))
    }

    /// The bytes of a key, all 32 of them.
    static func raw(_ key: DatagramKey) -> [UInt8] {
        let words = key.words
        return bytes(words.0) + bytes(words.1) + bytes(words.2) + bytes(words.3)
    }
}

func boot(_ generation: UInt64, _ chance: UInt64 = 7) -> BootID {
    BootID(high: generation, low: chance)
}

func sessions(
    _ number: UInt64, boot: BootID, linkKey: UInt64? = nil, meshKeyID: UInt64? = nil
) -> DatagramSessions {
    var cipher = ToyCipher(node: node(number), linkKey: LinkKey(number: linkKey ?? number))
    if let meshKeyID { cipher.meshKeyID = meshKeyID }
    return DatagramSessions(nodeID: node(number), boot: boot, cipher: cipher)
}

extension DatagramSessions {
    /// Reads and opens in one step.
    mutating func take(
        _ datagram: [UInt8], linkKey: LinkKey? = nil, isHeeded: Bool = true,
        at now: MonotonicInstant
    ) -> Received {
        guard let arrival = read(datagram) else { return .nothing }
        return open(arrival, datagram, linkKey: linkKey, isHeeded: isHeeded, at: now)
    }

    /// Takes it in as of a claim.
    mutating func know(_ number: UInt64, key: UInt64? = nil, at now: MonotonicInstant = .origin) {
        know(node(number), linkKey: LinkKey(number: key ?? number), at: now)
    }
}

/// Two nodes that know each other, with every datagram on record.
struct Pair {
    var a: DatagramSessions
    var b: DatagramSessions
    var now = MonotonicInstant.origin
    var record: [[UInt8]] = []

    init(bootA: UInt64 = 11, bootB: UInt64 = 22) {
        a = sessions(1, boot: boot(bootA))
        b = sessions(2, boot: boot(bootB))
        introduce()
    }

    mutating func introduce() {
        a.know(2, at: now)
        b.know(1, at: now)
    }

    /// Sends from one to the other, carries replies to and fro, and returns what b got (or a).
    mutating func send(_ packet: [UInt8], fromA: Bool = true) -> [[UInt8]] {
        let sealed =
            fromA ? a.seal(packet, to: node(2), at: now) : b.seal(packet, to: node(1), at: now)
        return carry(sealed.map { ($0, fromA) })
    }

    /// Carries datagrams and what follows from them; true is towards b. Returns the packets.
    mutating func carry(_ datagrams: [(bytes: [UInt8], toB: Bool)]) -> [[UInt8]] {
        var received: [[UInt8]] = []
        var waiting = datagrams
        var steps = 0
        while !waiting.isEmpty, steps < 50 {
            steps += 1
            let (bytes, toB) = waiting.removeFirst()
            record.append(bytes)
            let got = toB ? b.take(bytes, at: now) : a.take(bytes, at: now)
            if let packet = got.packet { received.append(packet) }
            waiting += (got.replies + got.released).map { ($0, !toB) }
        }
        return steps < 50 ? received : [[0xee]]
    }
}
