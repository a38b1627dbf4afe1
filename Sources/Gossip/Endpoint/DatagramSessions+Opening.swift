public import Wire

extension DatagramSessions {
    /// The clear part of a datagram that is perhaps a member's.
    public struct Arrival: Sendable {
        let header: DatagramHeader
        /// Who it says it is from. Nothing is proved yet.
        public let claimedSender: NodeID
    }

    /// What a datagram gave.
    public struct Received: Sendable, Equatable {
        /// Who it is from, when that is proved, by a first copy or a further one.
        public var sender: NodeID?
        /// Whether it is a further copy, which anybody can send from anywhere.
        public var isCopy = false
        /// The packet in it.
        public var packet: [UInt8]?
        /// Datagrams to send back to where it came from, and nowhere else: the sender has proved
        /// nothing, or nothing new. Together no longer than what came.
        public var replies: [[UInt8]] = []
        /// Datagrams for the sender that waited for this one.
        public var released: [[UInt8]] = []
        /// Whether it counts against what its source may send without proof.
        public var isUnproven = false

        static let nothing = Received()
        static let unproven = Received(isUnproven: true)
    }

    /// Reads the clear part of what came from anybody. Nil for what is not of this mesh, not of this
    /// version or from nobody known: counted, and nothing else.
    public mutating func read(_ datagram: [UInt8]) -> Arrival? {
        let header: DatagramHeader
        do { header = try DatagramHeader(of: datagram) } catch {
            switch error {
            case .malformed: counters.malformed += 1
            case .unknownVersion: counters.unknownVersion += 1
            }
            return nil
        }
        guard heeds(keyID: header.meshKeyID) else {
            counters.malformed += 1
            return nil
        }
        guard let sender = directory[header.hint], sender != nodeID else {
            counters.unknownSender += 1
            return nil
        }
        return Arrival(header: header, claimedSender: sender)
    }

    /// Takes in a datagram whose clear part was read. What does not authenticate is counted and
    /// changes no more than that.
    ///
    /// - Parameters:
    ///   - linkKey: The claimed sender's, if there is no session yet.
    ///   - isHeeded: Whether its source has not used up what it may send without proof. What only a
    ///     peer of now can have sent, or is cheap to check, is heeded all the same.
    public mutating func open(
        _ arrival: Arrival, _ datagram: [UInt8], linkKey: LinkKey? = nil, isHeeded: Bool = true,
        at now: MonotonicInstant
    ) -> Received {
        let sender = arrival.claimedSender
        let header = arrival.header
        if header.kind == .data,
            let receipt = sessions[sender]?.receive(datagram, header, cipher: cipher, at: now),
            let received = received(receipt, from: sender)
        {
            return received
        }
        guard makeSession(with: sender, linkKey: linkKey, at: now),
            let session = sessions[sender]
        else { return .unproven }
        switch header.kind {
        case .hello: return openHello(header, session, datagram, from: sender, isHeeded, at: now)
        case .answer: return openAnswer(header, session, datagram, from: sender, at: now)
        case .data: return openData(header, session, datagram, from: sender, isHeeded, at: now)
        }
    }

    // MARK: Hello

    private mutating func openHello(
        _ header: DatagramHeader, _ session: DatagramSession, _ datagram: [UInt8],
        from sender: NodeID, _ isHeeded: Bool, at now: MonotonicInstant
    ) -> Received {
        let isNews = session.isNews(header)
        let isHeeded =
            isNews
            ? isHeeded || guesses.take(DatagramLimits.guesses, at: now)
            : isHeeded && helloAnswers.hasRoom(DatagramLimits.helloAnswers, at: now)
        guard isHeeded else {
            counters.overLimit += 1
            return .unproven
        }
        guard let root = rootForStranger(sender, at: now),
            let plaintext = open(
                datagram, header,
                key: cipher.key(
                    root: root, sender: sender, receiver: nodeID, senderBoot: header.boot,
                    receiverBoot: .zero)),
            plaintext.count == DatagramLimits.helloBytes
        else {
            counters.notAuthentic += 1
            return .unproven
        }
        if isNews {
            sessions[sender]?.heardBoot = header.boot
            sessions[sender]?.heardHello = header.counter
        } else {
            _ = helloAnswers.take(DatagramLimits.helloAnswers, at: now)
        }
        // Nothing about the sender is believed yet: the hello may be a recording.
        var echo = ByteWriter(capacity: DatagramLimits.helloBytes)
        echo.writeInteger(UInt32(truncatingIfNeeded: header.counter))
        let key = cipher.key(
            root: root, sender: nodeID, receiver: sender, senderBoot: boot,
            receiverBoot: header.boot)
        let answer = make(.answer, to: sender, key: key, echo.bytes)
        precondition(answer.count <= datagram.count, "an answer never amplifies")
        return Received(replies: [answer], isUnproven: !isNews)
    }

    // MARK: Answer

    private mutating func openAnswer(
        _ header: DatagramHeader, _ session: DatagramSession, _ datagram: [UInt8],
        from sender: NodeID, at now: MonotonicInstant
    ) -> Received {
        guard session.greeting != nil else {
            // Perhaps a further copy of the answer that was awaited: it tells of an address.
            if header.boot == session.boot, let channel = session.channel,
                open(datagram, header, key: channel.receive) != nil
            {
                counters.replayed += 1
                return Received(sender: sender, isCopy: true)
            }
            counters.replayed += 1
            return .unproven
        }
        guard let keys = keys(with: sender, boot: header.boot, at: now),
            let plaintext = open(datagram, header, key: keys.receive)
        else {
            counters.notAuthentic += 1
            return .unproven
        }
        var echo = ByteReader(plaintext)
        guard let echoed: UInt32 = try? echo.readInteger(), echo.remaining == 0,
            session.awaits(echoed, at: now), mark(header, from: sender, isAnswer: true)
        else {
            counters.replayed += 1
            return .unproven
        }
        adopt(keys, from: sender, at: now)
        return Received(sender: sender, released: release(to: sender, orNothing: true, at: now))
    }

    // MARK: Data

    private mutating func openData(
        _ header: DatagramHeader, _ session: DatagramSession, _ datagram: [UInt8],
        from sender: NodeID, _ isHeeded: Bool, at now: MonotonicInstant
    ) -> Received {
        // Another start of the peer, or the same under a newer link key: its key is made with our
        // boot id, which only an answer to it within this start of ours can have told it.
        let isKnown = header.boot == session.boot
        let isNewer = session.isNewer(header.boot)
        if isKnown, session.channel != nil, !session.mayChange {
            // No key can have changed: it is damaged or made up, and asks for nothing.
            counters.notAuthentic += 1
            return .unproven
        }
        guard
            isHeeded || (isNewer || isKnown) && guesses.take(DatagramLimits.guesses, at: now)
        else {
            counters.overLimit += 1
            return .unproven
        }
        guard let keys = keys(with: sender, boot: header.boot, at: now),
            let plaintext = open(datagram, header, key: keys.receive)
        else {
            // Perhaps this node restarted, and the peer does not know: it hears of it with the claim of
            // this start, or the first datagram that this node sends it. What comes from anybody
            // hastens neither.
            counters.notAuthentic += 1
            return .unproven
        }
        guard isKnown || isNewer else {
            counters.replayed += 1
            // A recording, or the peer's generation was set back: then there is a session with a start
            // of it that is over, or was one, and only an answer to a hello ends that.
            guard session.channel != nil || session.isForgetful else { return .unproven }
            return greeted(sender, datagram, isHeeded, at: now)
        }
        guard mark(header, from: sender, isAnswer: false) else {
            counters.replayed += 1
            return .unproven
        }
        adopt(keys, from: sender, at: now)
        var received = Received(sender: sender)
        if !plaintext.isEmpty {
            if sessions[sender]?.rate.take(DatagramLimits.packetsPerMember, at: now) == true {
                received.packet = plaintext
            } else {
                counters.overMemberLimit += 1
            }
        }
        received.released = release(to: sender, orNothing: false, at: now)
        return received
    }

    /// What follows from data under a session's keys; nil when it is not under them.
    private mutating func received(
        _ receipt: DatagramSession.Receipt, from sender: NodeID
    ) -> Received? {
        switch receipt {
        case .packet(let packet): return Received(sender: sender, packet: packet)
        case .empty: return Received(sender: sender)
        case .duplicate:
            counters.replayed += 1
            return Received(sender: sender, isCopy: true)
        case .tooOld:
            counters.replayed += 1
            return .unproven
        case .overLimit:
            counters.overMemberLimit += 1
            return Received(sender: sender)
        case .foreign: return nil
        }
    }

    /// A hello to who may have started at an earlier generation, with no more bytes than it sent.
    private mutating func greeted(
        _ sender: NodeID, _ datagram: [UInt8], _ isHeeded: Bool, at now: MonotonicInstant
    ) -> Received {
        let length =
            DatagramLimits.headerBytes + DatagramLimits.helloBytes + DatagramLimits.tagBytes
        guard isHeeded, length <= datagram.count,
            greetings.hasRoom(DatagramLimits.greetings, at: now),
            let hello = greet(sender, .inReply, at: now)
        else { return .unproven }
        _ = greetings.take(DatagramLimits.greetings, at: now)
        return Received(replies: [hello], isUnproven: true)
    }
}
