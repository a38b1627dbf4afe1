public import Wire

/// What a node's claim gives to make a session by.
public struct SessionMeans: Sendable {
    /// Its link key.
    public var linkKey: LinkKey?
    /// The boot id of its start.
    public var boot: BootID?

    /// What is known; nil for what is not.
    public init(linkKey: LinkKey? = nil, boot: BootID? = nil) {
        self.linkKey = linkKey
        self.boot = boot
    }
}

/// The keys of sessions.
extension DatagramSessions {
    /// Makes keys with the start of a peer that its claim tells of, unless one as new was believed
    /// already, or its numbers may have been forgotten.
    mutating func begin(with peer: NodeID, _ boot: BootID, at now: MonotonicInstant) -> Bool {
        guard let session = sessions[peer], session.channel == nil, session.isNewer(boot),
            root(with: peer) != nil, let keys = keys(with: peer, boot: boot, at: now)
        else { return false }
        sessions[peer]?.boot = boot
        sessions[peer]?.window = ReplayWindow()
        sessions[peer]?.newestStart = boot.high
        adopt(keys, from: peer, at: now)
        return true
    }

    /// The secret shared with the peer. A Diffie–Hellman is the one slow thing that a stranger can ask
    /// for: once per member and key, and so many a second.
    mutating func rootForStranger(
        _ sender: NodeID, at now: MonotonicInstant
    ) -> DatagramKey? {
        guard let session = sessions[sender], session.root == nil, !session.isUnusable else {
            return sessions[sender]?.root
        }
        guard agreements.take(DatagramLimits.agreementsPerSecond, at: now) else {
            counters.overLimit += 1
            return nil
        }
        return root(with: sender)
    }

    func open(
        _ datagram: [UInt8], _ header: DatagramHeader, key: DatagramKey
    ) -> [UInt8]? {
        cipher.open(
            datagram, header: DatagramLimits.headerBytes, key: key, counter: header.counter)
    }

    mutating func keys(
        with peer: NodeID, boot peerBoot: BootID, at now: MonotonicInstant
    ) -> DatagramSession.Channel? {
        guard let root = rootForStranger(peer, at: now) else { return nil }
        return DatagramSession.Channel(
            send: cipher.key(
                root: root, sender: nodeID, receiver: peer, senderBoot: boot,
                receiverBoot: peerBoot),
            receive: cipher.key(
                root: root, sender: peer, receiver: nodeID, senderBoot: peerBoot,
                receiverBoot: boot))
    }

    /// Takes in the number of a datagram that authenticated under other keys than the session's. A
    /// start's numbers go on when its keys change, so the window does too.
    mutating func mark(
        _ header: DatagramHeader, from sender: NodeID, isAnswer: Bool
    ) -> Bool {
        guard var session = sessions[sender] else { return false }
        if session.boot != header.boot {
            session.boot = header.boot
            session.window = ReplayWindow()
            session.channel = nil
            // A session whose predecessor was forgotten goes on believing answers only.
            session.newestStart = max(session.newestStart, header.boot.high)
        }
        guard session.window.mark(header.counter) else { return false }
        sessions[sender] = session
        return true
    }

    mutating func adopt(
        _ keys: DatagramSession.Channel, from sender: NodeID, at now: MonotonicInstant
    ) {
        var keys = keys
        if let old = sessions[sender]?.channel {
            let isSame = cipher.isSame(old.receive, keys.receive)
            keys.previous = isSame ? old.previous : old.receive
            keys.previousUntil = isSame ? old.previousUntil : nil
        }
        counters.sessionsMade += 1
        sessions[sender]?.channel = keys
        sessions[sender]?.isStale = false
        sessions[sender]?.mayChange = false
        sessions[sender]?.greeting = nil
        sessions[sender]?.lastUsed = now
    }

    /// What waited for the session; else, if asked for, empty data.
    mutating func release(
        to node: NodeID, orNothing: Bool, at now: MonotonicInstant
    ) -> [[UInt8]] {
        guard let session = sessions[node], let channel = session.channel else { return [] }
        var packets = takeWaiting(for: node)
        if now - session.waitingSince >= DatagramLimits.waitingLifetime {
            counters.waitedInVain += UInt64(packets.count)
            packets = []
        }
        if packets.isEmpty, orNothing { packets = [[]] }
        return packets.map { make(.data, to: node, key: channel.send, $0) }
    }
}
