public import Wire

/// Datagram keys between starts of processes: a pure state machine.
///
/// Each start draws a boot id. A peer's boot id is believed only when it comes under a key made with
/// one's own, so a recorded datagram of an earlier start proves nothing. To an unknown boot id only
/// a hello is sent, padded, and its answer is no longer than the hello: nobody can use a node to
/// amplify. No key comes from a link, so a restarted peer is reachable at once.
///
///     hello   key(sender boot, zero)          padding
///     answer  key(answerer's boot, hello's)   the hello's counter, its low 32 bits
///     data    key(sender boot, receiver boot) a packet, or nothing
///
/// A member's claim tells the boot id of its start, under its signature: where that is known, data is
/// the first that is sent, and no hello. It proves as much, since its key is made with the receiver's
/// present start; the sender proves by it that it knows that start, and the receiver by its answer.
///
/// **Restarts.** A session ends when the peer's boot id changes. The peer learns of a restart from the
/// claim of the new start or from its first datagram, and data of a session that is not known draws
/// nothing: whoever plays back recordings to a new start hastens nothing. A hello's answer draws empty
/// data, if nothing waits to be sent, which proves one's own boot id.
/// Boot ids are ordered (``Wire/Nonce128/init(generation:using:)``): a start that is not newer than
/// all that were believed is believed only when it answers a hello of now, for it may be recorded.
///
/// **Link keys.** Each side may replace its own at any time. Its sessions stand, under the keys they
/// have. The peer hears of the new key from a claim or a link, goes on under the old keys, and greets
/// with the new ones; when the answer comes it changes over, and the other side with the first
/// datagram that comes so. Two that were cut off and both replaced their keys meanwhile still have
/// their session, over which each other's claims come. Only if one of them restarted as well have
/// they no common key: then a link, which needs no earlier knowledge of keys, brings the claims.
///
/// **Gate keys.** Datagrams are of the gate key in use; who has another one is met over links.
public struct DatagramSessions: Sendable {
    /// The way a datagram comes about, which says how often a peer may be greeted.
    enum Way { case ownAccord, repeated, inReply, relay }

    struct Waiting: Sendable {
        var node: NodeID
        var due: MonotonicInstant
    }

    let nodeID: NodeID
    let boot: BootID
    var cipher: any DatagramCipher
    var meshKeyID: UInt64
    var ownHint: UInt64
    /// The gate's keys that others may still name in their datagrams, newest first.
    private var superseded: [UInt64] = []
    /// Who is known, by hint, under each of the keys: a hint has 64 bits, so that two never meet.
    /// Shared between copies until one changes it.
    private(set) var directory: [UInt64: NodeID] = [:]
    var sessions = SessionTable()
    /// The peers for which packets wait, by the time at which to look after them. Each once.
    var queue: [Waiting] = []
    /// Packets that wait, for all of them.
    var waiting = 0
    /// Where a new session's numbers begin: past those of all sessions that are gone.
    var counterBase: UInt64 = 0
    /// Whether a session was ever forgotten: a peer without one is believed only when it answers.
    private var hasForgotten = false
    var agreements = RateBucket()
    var helloAnswers = RateBucket()
    var greetings = RateBucket()
    var guesses = RateBucket()

    /// What was dropped so far.
    public internal(set) var counters = DatagramCounters()

    /// Sessions of one start of a node.
    ///
    /// - Parameters:
    ///   - boot: Fresh: see ``Wire/Nonce128/init(generation:using:)``.
    ///   - other: Whose directory of nodes to begin with; its memory is shared.
    public init(
        nodeID: NodeID, boot: BootID, cipher: any DatagramCipher,
        knowing other: DatagramSessions? = nil
    ) {
        precondition(boot != .zero, "a boot id is drawn")
        self.nodeID = nodeID
        self.boot = boot
        self.cipher = cipher
        meshKeyID = cipher.meshKeyID
        ownHint = cipher.hint(of: nodeID)
        superseded = cipher.supersededKeyIDs
        if let other, other.meshKeyID == meshKeyID, other.superseded == superseded {
            directory = other.directory
        }
    }

    // MARK: Who is known

    /// Tells of a node whose datagrams are to be heeded. Its link key is asked for when a session is
    /// made.
    public mutating func know(_ node: NodeID) {
        guard node != nodeID else { return }
        let hint = cipher.hint(of: node)
        guard directory[hint] == nil else { return }
        guard directory.count < DatagramLimits.sessionsMax * (1 + superseded.count) else {
            counters.overLimit += 1
            return
        }
        enter(node, hint)
    }

    private mutating func enter(_ node: NodeID, _ hint: UInt64) {
        directory[hint] = node
        for key in superseded { directory[cipher.hint(of: node, under: key)] = node }
    }

    /// Whether datagrams under this key are heeded: the gate's current one and those it replaced.
    /// Who was away when the key was rolled is still who its link key says it is; the gate's key
    /// only keeps strangers from being looked at.
    func heeds(keyID: UInt64) -> Bool { keyID == meshKeyID || superseded.contains(keyID) }

    /// Tells of a node and the link key that it showed just now, over a link.
    public mutating func know(_ node: NodeID, linkKey: LinkKey, at now: MonotonicInstant) {
        guard node != nodeID else { return }
        know(node)
        guard makeSession(with: node, linkKey: linkKey, at: now) else { return }
        if sessions[node]?.linkKey != linkKey { sessions[node]?.changeLinkKey(linkKey) }
    }

    /// Tells of a node's claim. If it is a newer one, its link key is taken, and with a newer
    /// generation its earlier start is over.
    public mutating func claimed(
        _ node: NodeID, linkKey: LinkKey, generation: UInt64, incarnation: UInt32
    ) {
        guard var session = sessions[node] else { return know(node) }
        if let known = session.incarnation {
            guard (generation, incarnation) > (session.generation, known) else { return }
        }
        let isNewStart = generation > session.generation
        session.generation = generation
        session.incarnation = incarnation
        if session.linkKey != linkKey { session.changeLinkKey(linkKey) }
        if isNewStart, session.boot != .zero, session.boot.high < generation {
            session.channel = nil
            session.isStale = false
        }
        sessions[node] = session
    }

    /// Compares with what is claimed, now and then: nodes that are no longer known (`linkKey` says
    /// nil) are forgotten if nothing came from them for a while, and what was recorded of them is
    /// still not believed when they come back. Where keys do not agree, the claim's is tried: a link
    /// that is slow to be told of may have shown an older one.
    ///
    /// - Parameter known: How many nodes are known. The directory is looked through only when it
    ///   holds more.
    public mutating func sweep(
        at now: MonotonicInstant, known: Int, linkKey: (NodeID) -> LinkKey?
    ) {
        for node in sessions.nodes {
            guard let session = sessions[node] else { continue }
            if let claimed = linkKey(node) {
                guard claimed != session.linkKey, session.channel == nil || session.isStale else {
                    continue
                }
                sessions[node]?.changeLinkKey(claimed)
            } else if now - session.lastUsed >= DatagramLimits.sessionIdle {
                endSession(with: node)
            }
        }
        queue.removeAll { sessions[$0.node] == nil }
        // One that was shared holds this node too.
        let entries = (directory[ownHint] == nil ? known : known + 1) * (1 + superseded.count)
        guard directory.count > entries else { return }
        let gone = directory.filter { sessions[$0.value] == nil && linkKey($0.value) == nil }
        for hint in gone.keys { directory[hint] = nil }
    }

    private mutating func endSession(with node: NodeID) {
        guard let session = sessions[node] else { return }
        counterBase = max(counterBase, session.counter)
        hasForgotten = true
        dropWaiting(for: node)
        sessions[node] = nil
    }

    /// Heeds a node's datagrams no more.
    mutating func forget(_ node: NodeID) {
        endSession(with: node)
        queue.removeAll { $0.node == node }
        directory[cipher.hint(of: node)] = nil
        for key in superseded { directory[cipher.hint(of: node, under: key)] = nil }
    }

    /// Uses `cipher` from now on: this node's link key, or the mesh's gate key, was replaced.
    public mutating func renew(cipher: any DatagramCipher) {
        self.cipher = cipher
        for node in sessions.nodes { sessions[node]?.forgetRoot() }
        guard cipher.meshKeyID != meshKeyID || cipher.supersededKeyIDs != superseded else { return }
        meshKeyID = cipher.meshKeyID
        ownHint = cipher.hint(of: nodeID)
        superseded = cipher.supersededKeyIDs
        let known = Set(directory.values)
        directory = [:]
        for node in known { enter(node, cipher.hint(of: node)) }
    }

    /// Whether what answers a peer's datagram may go to other addresses than its source.
    mutating func mayAnswerElsewhere(_ node: NodeID, at now: MonotonicInstant) -> Bool {
        sessions[node]?.elsewhere.take(DatagramLimits.answersElsewhere, at: now) ?? false
    }

    /// Whether datagrams of so many bytes may answer one of a peer's, which brought `earned` bytes.
    mutating func mayAnswer(
        _ node: NodeID, bytes: Int, earned: inout Int, at now: MonotonicInstant
    ) -> Bool {
        let rate = DatagramLimits.answerBytes
        sessions[node]?.answers.put(
            rate, earned * DatagramLimits.answerBytesPerByte, at: now)
        earned = 0
        return sessions[node]?.answers.take(rate, bytes, at: now) ?? false
    }

    /// Whether there is a session, and so no need of a link key.
    public func hasSession(with node: NodeID) -> Bool { sessions[node] != nil }

    /// Whether there are keys with a node.
    func hasKeys(with node: NodeID) -> Bool { sessions[node]?.channel != nil }

    /// Makes a session, if there is none, a key and room.
    mutating func makeSession(
        with node: NodeID, linkKey: LinkKey?, at now: MonotonicInstant
    ) -> Bool {
        if sessions[node] != nil { return true }
        guard let linkKey, node != nodeID else {
            counters.unknownSender += 1
            return false
        }
        guard sessions.count < DatagramLimits.sessionsMax else {
            counters.overLimit += 1
            return false
        }
        var session = DatagramSession(linkKey: linkKey, counter: counterBase, at: now)
        session.isForgetful = hasForgotten
        sessions[node] = session
        return true
    }

    // MARK: Sending

    /// The datagrams that carry `packet` to `node`: one of data, and a hello while the session is
    /// made, after which the packet follows. Empty for a node that is not known.
    ///
    /// - Parameters:
    ///   - means: What is claimed by the node, if there are no keys yet.
    ///   - isRelayed: Whether they go to the node through another one.
    public mutating func seal(
        _ packet: [UInt8], to node: NodeID, by means: SessionMeans = SessionMeans(),
        isRelayed: Bool = false, at now: MonotonicInstant
    ) -> [[UInt8]] {
        guard packet.count <= DatagramLimits.packetBytesMax else {
            counters.oversized += 1
            return []
        }
        var datagrams: [[UInt8]] = []
        let header = DatagramHeader(
            kind: .data, meshKeyID: meshKeyID, hint: ownHint, boot: boot, counter: 0)
        if let (datagram, isStale) = sessions[node]?.seal(packet, header, cipher: cipher) {
            datagrams.append(datagram)
            guard isStale else { return datagrams }
        } else {
            guard makeSession(with: node, linkKey: means.linkKey, at: now) else { return [] }
            if let boot = means.boot, begin(with: node, boot, at: now),
                let (datagram, _) = sessions[node]?.seal(packet, header, cipher: cipher)
            {
                return [datagram]
            }
            wait(packet, for: node, at: now)
        }
        if let hello = greet(node, isRelayed ? .relay : .ownAccord, at: now) {
            datagrams.append(hello)
        }
        return datagrams
    }

    /// A hello, unless the peer was greeted just now.
    mutating func greet(_ node: NodeID, _ way: Way, at now: MonotonicInstant) -> [UInt8]? {
        guard let root = root(with: node),
            sessions[node]?.mayGreet(way, at: now) == true
        else { return nil }
        counters.hellosSent += 1
        let key = cipher.key(
            root: root, sender: nodeID, receiver: node, senderBoot: boot, receiverBoot: .zero)
        return make(
            .hello, to: node, key: key, [UInt8](repeating: 0, count: DatagramLimits.helloBytes))
    }

    /// The secret shared with a peer that has a session.
    mutating func root(with node: NodeID) -> DatagramKey? {
        guard let session = sessions[node], !session.isUnusable else { return nil }
        if let root = session.root { return root }
        let root = cipher.root(of: node, linkKey: session.linkKey)
        sessions[node]?.root = root
        sessions[node]?.isUnusable = root == nil
        return root
    }

    mutating func make(
        _ kind: DatagramKind, to node: NodeID, key: DatagramKey, _ plaintext: [UInt8]
    ) -> [UInt8] {
        guard let counter = sessions[node]?.nextNumber() else {
            preconditionFailure("a datagram is made in a session")
        }
        let header = DatagramHeader(
            kind: kind, meshKeyID: meshKeyID, hint: ownHint, boot: boot, counter: counter)
        return header.sealed(plaintext, key: key, cipher: cipher)
    }
}
