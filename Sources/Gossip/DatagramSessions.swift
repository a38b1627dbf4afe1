public import Wire

/// The ciphers of datagrams, handed in. A key is 32 bytes.
public protocol DatagramCipher: Sendable {
    /// The key of one direction between two starts of two nodes, from the secret the two share;
    /// nil when the peer's link key is not usable. `receiverBoot` is zero while it is not known.
    func key(
        sender: NodeID, receiver: NodeID, senderBoot: BootID, receiverBoot: BootID, peer: NodeID,
        peerLinkKey: LinkKey
    ) -> [UInt8]?
    /// The ciphertext, ``DatagramLimits/tagBytes`` longer than `plaintext`.
    func seal(
        key: [UInt8], counter: UInt64, header: [UInt8], _ plaintext: [UInt8]
    ) -> [UInt8]
    /// The plaintext, or nil when it does not authenticate.
    func open(
        key: [UInt8], counter: UInt64, header: [UInt8], _ ciphertext: [UInt8]
    ) -> [UInt8]?
    /// Eight bytes that stand for `node` in a clear header, for members only.
    func hint(of node: NodeID) -> [UInt8]
    /// Eight bytes that name the key of this mesh's gate.
    var meshKeyID: [UInt8] { get }
}

/// Bounds on datagrams.
public enum DatagramLimits {
    /// The longest datagram, in bytes: it passes the smallest IPv6 path (1280) with its headers.
    public static let bytesMax = 1232
    /// Kind, mesh key id, sender hint, boot id and counter.
    public static let headerBytes = 1 + 8 + 8 + 16 + 8
    /// Bytes that authenticate.
    public static let tagBytes = 16
    /// Datagrams behind the newest that are still accepted, each once.
    public static let replayWindow: UInt64 = 64
    /// Earlier starts of a peer that are remembered, so that recordings of them are refused.
    public static let retiredBootsMax = 32
    /// Packets kept per peer while a session is being made; older ones are dropped.
    public static let queuedMax = 4
    /// The most peers with a session.
    public static let sessionsMax = 12_000
    /// Hellos answered in one second, over all peers.
    public static let helloAnswersPerSecondMax = 256
    /// Time after which a session that was only spoken to is made anew.
    public static let helloInterval: Duration = .seconds(2)
}

/// Why datagrams were dropped, counted.
public struct DatagramCounters: Sendable, Equatable {
    /// Not a datagram of this mesh and version.
    public var malformed: UInt64 = 0
    /// From nobody known.
    public var unknownSender: UInt64 = 0
    /// Did not authenticate.
    public var notAuthentic: UInt64 = 0
    /// Authentic, and seen before or too old.
    public var replayed: UInt64 = 0
    /// Over a limit of rate or number.
    public var overLimit: UInt64 = 0
}

/// Datagram keys between starts of processes: a pure state machine.
///
/// Each start draws a boot id. A peer's boot id is believed only when it comes under a key made with
/// one's own, so a recorded datagram of an earlier start proves nothing. To an unknown boot id only
/// a hello is sent, padded, and its answer is no longer than the hello: nobody can use a node to
/// amplify. No key comes from a link, so a restarted peer is reachable at once.
///
///     hello   key(sender boot, zero)          counter, padding
///     answer  key(answerer's boot, hello's)   the hello's counter
///     data    key(sender boot, receiver boot) a packet
///
/// A session ends when the peer's boot id changes, and is made anew when the peer is spoken to and
/// nothing comes back: it may have restarted.
public struct DatagramSessions: Sendable {
    private enum Kind: UInt8 {
        case hello = 1
        case answer = 2
        case data = 3
    }

    private struct Session: Sendable {
        var linkKey: LinkKey
        var hint: [UInt8]
        /// Zero until it came under a key made with our own.
        var peerBoot = BootID.zero
        var sendKey: [UInt8] = []
        var receiveKey: [UInt8] = []
        /// Starts of the peer that are over: what was recorded of them is not believed again.
        var retiredBoots: [BootID] = []
        var newest: UInt64 = 0
        var seen: UInt64 = 0
        var hasReceived = false
        var queued: [[UInt8]] = []
        var helloCounter: UInt64 = 0
        var helloSent: MonotonicInstant?
        var lastReceived: MonotonicInstant?
        var unansweredSince: MonotonicInstant?
    }

    /// What a datagram gave.
    public struct Received: Sendable, Equatable {
        /// A packet and its sender, authenticated.
        public var packet: (from: NodeID, bytes: [UInt8])?
        /// Datagrams to send back to where it came from.
        public var replies: [[UInt8]] = []

        /// Equal in all parts.
        public static func == (left: Self, right: Self) -> Bool {
            left.replies == right.replies && left.packet?.from == right.packet?.from
                && left.packet?.bytes == right.packet?.bytes
        }
    }

    private let nodeID: NodeID
    private let boot: BootID
    private var cipher: any DatagramCipher
    private var counter: UInt64 = 0
    private var sessions: [NodeID: Session] = [:]
    private var byHint: [[UInt8]: NodeID] = [:]
    private var answers = 0
    private var answersSecond: MonotonicInstant?

    /// What was dropped so far.
    public private(set) var counters = DatagramCounters()

    /// Sessions of one start of a node. `boot` is fresh and random.
    public init(nodeID: NodeID, boot: BootID, cipher: any DatagramCipher) {
        self.nodeID = nodeID
        self.boot = boot
        self.cipher = cipher
    }

    /// Tells of a member and its link key, which its signed claim gave.
    public mutating func know(_ node: NodeID, linkKey: LinkKey) {
        guard node != nodeID, sessions[node]?.linkKey != linkKey else { return }
        if sessions[node] == nil, sessions.count >= DatagramLimits.sessionsMax {
            counters.overLimit += 1
            return
        }
        let hint = cipher.hint(of: node)
        sessions[node] = Session(linkKey: linkKey, hint: hint)
        byHint[hint] = node
    }

    /// Drops all sessions and uses `cipher` from now on: this node's link key, or the mesh's gate
    /// key, was replaced.
    public mutating func renew(cipher: any DatagramCipher) {
        self.cipher = cipher
        let known = sessions.map { ($0.key, $0.value.linkKey) }
        sessions = [:]
        byHint = [:]
        for (node, linkKey) in known { know(node, linkKey: linkKey) }
    }

    /// The datagrams that carry `packet` to `node`: one of data, or a hello while the session is
    /// made, after which the packet follows. Empty for a node that is not known.
    public mutating func seal(
        _ packet: [UInt8], to node: NodeID, at now: MonotonicInstant
    ) -> [[UInt8]] {
        guard var session = sessions[node] else {
            counters.unknownSender += 1
            return []
        }
        defer { sessions[node] = session }
        var datagrams: [[UInt8]] = []
        if session.peerBoot != .zero {
            datagrams.append(
                make(.data, key: session.sendKey, packet))
            let since = session.unansweredSince ?? now
            session.unansweredSince = since
            guard now - since >= DatagramLimits.helloInterval else { return datagrams }
        } else {
            session.queued.append(packet)
            if session.queued.count > DatagramLimits.queuedMax { session.queued.removeFirst() }
        }
        if let sent = session.helloSent, now - sent < DatagramLimits.helloInterval / 4 {
            return datagrams
        }
        guard
            let key = cipher.key(
                sender: nodeID, receiver: node, senderBoot: boot, receiverBoot: .zero,
                peer: node, peerLinkKey: session.linkKey)
        else { return datagrams }
        session.helloSent = now
        session.helloCounter = counter + 1  // the number that `make` gives the hello
        // Padded, so that the answer, which says no more than its own boot id, is no longer.
        datagrams.append(make(.hello, key: key, [UInt8](repeating: 0, count: 16)))
        return datagrams
    }

    /// Takes in a datagram from anybody. What does not belong is counted and changes nothing.
    public mutating func open(_ datagram: [UInt8], at now: MonotonicInstant) -> Received {
        var reader = ByteReader(datagram)
        guard datagram.count >= DatagramLimits.headerBytes + DatagramLimits.tagBytes,
            datagram.count <= DatagramLimits.bytesMax,
            let kind = (try? reader.readUInt8()).flatMap(Kind.init),
            let meshKey = try? reader.readBytes(8), Array(meshKey) == cipher.meshKeyID,
            let hint = try? reader.readBytes(8), let senderBoot = try? BootID(from: &reader),
            let number: UInt64 = try? reader.readInteger()
        else {
            counters.malformed += 1
            return Received()
        }
        guard let sender = byHint[Array(hint)], let session = sessions[sender],
            senderBoot != .zero
        else {
            counters.unknownSender += 1
            return Received()
        }
        let header = Array(datagram[..<DatagramLimits.headerBytes])
        let ciphertext = Array(datagram[DatagramLimits.headerBytes...])
        switch kind {
        case .hello:
            return openHello(
                sender, session, senderBoot, number, header, ciphertext,
                length: datagram.count, at: now)
        case .answer:
            return openAnswer(sender, session, senderBoot, number, header, ciphertext, at: now)
        case .data:
            return openData(sender, session, senderBoot, number, header, ciphertext, at: now)
        }
    }

    private mutating func openHello(
        _ sender: NodeID, _ session: Session, _ senderBoot: BootID, _ number: UInt64,
        _ header: [UInt8], _ ciphertext: [UInt8], length: Int, at now: MonotonicInstant
    ) -> Received {
        if let second = answersSecond, now - second < .seconds(1) {
            guard answers < DatagramLimits.helloAnswersPerSecondMax else {
                counters.overLimit += 1
                return Received()
            }
            answers += 1
        } else {
            answersSecond = now
            answers = 1
        }
        guard
            let key = cipher.key(
                sender: sender, receiver: nodeID, senderBoot: senderBoot, receiverBoot: .zero,
                peer: sender, peerLinkKey: session.linkKey),
            cipher.open(key: key, counter: number, header: header, ciphertext) != nil,
            let answerKey = cipher.key(
                sender: nodeID, receiver: sender, senderBoot: boot, receiverBoot: senderBoot,
                peer: sender, peerLinkKey: session.linkKey)
        else {
            counters.notAuthentic += 1
            return Received()
        }
        // Nothing about the sender is believed yet: the hello may be a recording.
        var echo = ByteWriter()
        echo.writeInteger(number)
        let answer = make(.answer, key: answerKey, echo.bytes)
        precondition(answer.count <= length, "an answer never amplifies")
        return Received(packet: nil, replies: [answer])
    }

    private mutating func openAnswer(
        _ sender: NodeID, _ old: Session, _ senderBoot: BootID, _ number: UInt64,
        _ header: [UInt8], _ ciphertext: [UInt8], at now: MonotonicInstant
    ) -> Received {
        guard
            let keys = keys(with: sender, session: old, peerBoot: senderBoot),
            let plaintext = cipher.open(
                key: keys.receive, counter: number, header: header, ciphertext)
        else {
            counters.notAuthentic += 1
            return Received()
        }
        var echo = ByteReader(plaintext)
        guard let echoed: UInt64 = try? echo.readInteger(), echo.remaining == 0,
            old.helloSent != nil, echoed == old.helloCounter
        else {
            counters.replayed += 1
            return Received()
        }
        var session = old
        adopt(senderBoot, keys, number, &session, at: now)
        let queued = session.queued
        session.queued = []
        session.helloSent = nil
        let replies = queued.map { make(.data, key: session.sendKey, $0) }
        sessions[sender] = session
        return Received(packet: nil, replies: replies)
    }

    private mutating func openData(
        _ sender: NodeID, _ old: Session, _ senderBoot: BootID, _ number: UInt64,
        _ header: [UInt8], _ ciphertext: [UInt8], at now: MonotonicInstant
    ) -> Received {
        var session = old
        if session.peerBoot == senderBoot {
            guard !Self.isReplay(number, session) else {
                counters.replayed += 1
                return Received()
            }
            guard
                let plaintext = cipher.open(
                    key: session.receiveKey, counter: number, header: header, ciphertext)
            else {
                counters.notAuthentic += 1
                return Received()
            }
            Self.mark(number, &session)
            session.lastReceived = now
            session.unansweredSince = nil
            sessions[sender] = session
            return Received(packet: (sender, plaintext), replies: [])
        }
        // Another start of the peer: its key is made with our boot id, which only an answer to it
        // within this start of ours can have told it.
        guard !session.retiredBoots.contains(senderBoot) else {
            counters.replayed += 1
            return Received()
        }
        guard let keys = keys(with: sender, session: session, peerBoot: senderBoot),
            let plaintext = cipher.open(
                key: keys.receive, counter: number, header: header, ciphertext)
        else {
            counters.notAuthentic += 1
            return Received()
        }
        adopt(senderBoot, keys, number, &session, at: now)
        let queued = session.queued
        session.queued = []
        let replies = queued.map { make(.data, key: session.sendKey, $0) }
        sessions[sender] = session
        return Received(packet: (sender, plaintext), replies: replies)
    }

    private func keys(
        with peer: NodeID, session: Session, peerBoot: BootID
    ) -> (send: [UInt8], receive: [UInt8])? {
        guard
            let send = cipher.key(
                sender: nodeID, receiver: peer, senderBoot: boot, receiverBoot: peerBoot,
                peer: peer, peerLinkKey: session.linkKey),
            let receive = cipher.key(
                sender: peer, receiver: nodeID, senderBoot: peerBoot, receiverBoot: boot,
                peer: peer, peerLinkKey: session.linkKey)
        else { return nil }
        return (send, receive)
    }

    private func adopt(
        _ peerBoot: BootID, _ keys: (send: [UInt8], receive: [UInt8]), _ number: UInt64,
        _ session: inout Session, at now: MonotonicInstant
    ) {
        if session.peerBoot != peerBoot {
            if session.peerBoot != .zero { session.retiredBoots.append(session.peerBoot) }
            if session.retiredBoots.count > DatagramLimits.retiredBootsMax {
                session.retiredBoots.removeFirst()
            }
            session.peerBoot = peerBoot
            session.sendKey = keys.send
            session.receiveKey = keys.receive
            session.newest = 0
            session.seen = 0
            session.hasReceived = false
        }
        Self.mark(number, &session)
        session.lastReceived = now
        session.unansweredSince = nil
    }

    // MARK: The replay window (RFC 6479's idea, with one word)

    private static func isReplay(_ number: UInt64, _ session: Session) -> Bool {
        guard session.hasReceived else { return false }
        if number > session.newest { return false }
        let age = session.newest - number
        return age >= DatagramLimits.replayWindow || session.seen >> age & 1 == 1
    }

    private static func mark(_ number: UInt64, _ session: inout Session) {
        guard session.hasReceived else {
            session.hasReceived = true
            session.newest = number
            session.seen = 1
            return
        }
        if number > session.newest {
            let shift = number - session.newest
            session.seen = shift >= 64 ? 1 : session.seen << shift | 1
            session.newest = number
        } else if session.newest - number < DatagramLimits.replayWindow {
            session.seen |= 1 << (session.newest - number)
        }
    }

    private mutating func make(_ kind: Kind, key: [UInt8], _ plaintext: [UInt8]) -> [UInt8] {
        // One counter for all keys: no key sees a number twice.
        counter += 1
        var header = ByteWriter(capacity: DatagramLimits.bytesMax)
        header.writeInteger(kind.rawValue)
        header.writeBytes(cipher.meshKeyID)
        header.writeBytes(cipher.hint(of: nodeID))
        boot.encode(to: &header)
        header.writeInteger(counter)
        return header.bytes
            + cipher.seal(key: key, counter: counter, header: header.bytes, plaintext)
    }
}
