internal import Noise
public import Secrets
public import Trust
public import Wire

/// Judges connections before anything expensive is done for them: what stands between the port and
/// the handshakes.
///
/// 1. A connection whose first 60 bytes are not a preamble that opens a lane here and a message 1
///    that its key authenticates is closed without a word. That takes hashing, no Diffie–Hellman.
/// 2. So is one whose message 1 was seen before: a replay.
/// 3. While there is room, it is admitted: at most ``AdmissionLimits/openRoom`` handshakes that are
///    not over, ``AdmissionLimits/openRoomPerSource`` from one source,
///    ``AdmissionLimits/diffieHellmanPerSecond``.
/// 4. Else a joiner is admitted by its ticket's own small share, or closed; and a member is asked
///    for its name: it gets a cookie, and signs it (``CookieAnswer``). Who is a member, was not
///    revoked and does not ask too often is admitted past the crowd. Who replays another's first
///    message can't sign; a former member has no chain that holds; a member that floods is known
///    by name.
///
/// A pure state machine over numbers of connections; sockets are the shell's. Everything it holds is
/// bounded by ``AdmissionLimits``.
public struct Doorman: Sendable {
    private struct SilentState: Sendable {
        var buffer: [UInt8] = []
    }

    private let genesis: Genesis
    private var keys: LaneKeys
    private var trust: TrustState
    private let cookies: CookieMaker
    private var random: CrowdGenerator
    /// Stands in for this node's keys where message 1 is read: it involves neither.
    private let unusedKey: NoiseKeyPair

    private var silent = WaitingRoom<SilentState>(capacity: AdmissionLimits.silentMax)
    private var challenged = WaitingRoom<ChallengedState>(capacity: AdmissionLimits.challengedMax)
    private var rooms = AdmissionRooms()
    private var replays = ReplayCache()
    private var chains = TwoGenerations<CertificateDigest, VerifiedMember>(
        perGeneration: AdmissionLimits.chainsPerGeneration)

    private static let diffieHellman = RateLimit(
        perSecond: AdmissionLimits.diffieHellmanPerSecond,
        burst: AdmissionLimits.openRoom * AdmissionLimits.diffieHellmanPerHandshake)
    private static let verification = RateLimit(
        perSecond: AdmissionLimits.verificationsPerSecond,
        burst: AdmissionLimits.verificationsPerSecond / 10)
    private var diffieHellmanUse = RateUse()
    private var verificationUse = RateUse()
    private var verificationsBySource = RateTable<AdmissionSource>(
        perSecond: AdmissionLimits.verificationsPerSourcePerSecond,
        burst: AdmissionLimits.verificationsPerSourcePerSecond / 10)
    private var admissionsByMember = RateTable<NodeID>(
        perSecond: AdmissionLimits.memberAdmissionsPerSecond,
        burst: AdmissionLimits.memberAdmissionsBurst)
    private var admissionsByTicket = RateTable<[UInt8]>(
        perSecond: AdmissionLimits.joinAdmissionsPerSecond,
        burst: AdmissionLimits.joinAdmissionsPerSecond)

    /// What came so far.
    public private(set) var counters = AdmissionCounters()

    /// A door that nobody has come to.
    ///
    /// - Parameter secret: 32 random bytes, never told to anyone: what cookies are made with.
    public init(genesis: Genesis, keys: LaneKeys, trust: TrustState, secret: SecretBytes) {
        self.genesis = genesis
        self.keys = keys
        self.trust = trust
        cookies = CookieMaker(secret: secret)
        let seed = secret.derive("shoal crowd v1", length: 8)
        random = CrowdGenerator(seed: seed.reduce(0) { $0 << 8 | UInt64($1) })
        unusedKey = .generate()
    }

    /// Keys or revocations have changed. Who speaks from now on is judged by the new ones.
    public mutating func update(keys: LaneKeys, trust: TrustState) {
        self.keys = keys
        if trust != self.trust {
            self.trust = trust
            chains = TwoGenerations(perGeneration: AdmissionLimits.chainsPerGeneration)
        }
    }

    /// Connections that wait at the door.
    public var waiting: Int { silent.count + challenged.count }

    /// Handshakes that were admitted and are not over.
    public var halfOpen: Int { rooms.count }

    // MARK: Coming and going

    /// A connection was accepted. Its number is the caller's and is never used again.
    ///
    /// - Returns: Whom to close so that there is place for it.
    public mutating func arrived(
        _ connection: UInt64, from source: AdmissionSource, at now: MonotonicInstant
    ) -> [AdmissionEffect] {
        counters.arrived += 1
        let entry = WaitingRoom<SilentState>.Entry(
            connection: connection, source: source, arrivedAt: now, state: SilentState())
        return silent.insert(entry, using: &random).map { [refuse($0, .crowdedOut)] } ?? []
    }

    /// A connection is gone: it was closed by its peer while it waited, or its handshake is over,
    /// whatever its outcome.
    public mutating func released(_ connection: UInt64) {
        _ = silent.remove(connection)
        _ = challenged.remove(connection)
        rooms.release(connection)
    }

    /// Closes those whose time is over.
    public mutating func tick(at now: MonotonicInstant) -> [AdmissionEffect] {
        let oldest = now - LinkLimits.handshakeDeadline
        let late = silent.arrived(by: oldest) + challenged.arrived(by: oldest)
        return late.map { close($0, .late) }
    }

    private mutating func close(
        _ connection: UInt64, _ reason: AdmissionRefusal
    ) -> AdmissionEffect {
        released(connection)
        return refuse(connection, reason)
    }

    private mutating func refuse(
        _ connection: UInt64, _ reason: AdmissionRefusal
    ) -> AdmissionEffect {
        counters.refused[reason, default: 0] += 1
        return .close(connection, reason)
    }

    // MARK: First messages

    /// Bytes came on a connection that waits at the door. Those of others are ignored.
    public mutating func receive(
        _ bytes: [UInt8], on connection: UInt64, at now: MonotonicInstant, wall: WallTime
    ) -> [AdmissionEffect] {
        if let entry = silent[connection] {
            return receiveFirst(entry.state.buffer + bytes, entry, at: now)
        }
        if let entry = challenged[connection] {
            return receiveAnswer(entry.state.buffer + bytes, entry, at: now, wall: wall)
        }
        return []
    }

    private mutating func receiveFirst(
        _ bytes: [UInt8], _ entry: WaitingRoom<SilentState>.Entry, at now: MonotonicInstant
    ) -> [AdmissionEffect] {
        let connection = entry.connection
        // Each part is judged as soon as it is there.
        let header = LinkLimits.preambleBytes + 2
        let whole = header + LinkLimits.firstMessageBytes
        guard bytes.count >= LinkLimits.preambleBytes else {
            silent.update(connection) { $0.buffer = bytes }
            return []
        }
        guard let preamble = try? LinkPreamble(decoding: bytes.prefix(LinkLimits.preambleBytes)),
            let key = keys.key(for: preamble), bytes.count <= whole,
            bytes.count < header
                || Int(bytes[header - 2]) << 8 | Int(bytes[header - 1])
                    == LinkLimits.firstMessageBytes
        else { return [close(connection, .unknownLane)] }
        guard bytes.count == whole else {
            silent.update(connection) { $0.buffer = bytes }
            return []
        }
        _ = silent.remove(connection)
        let message = Array(bytes[header...])
        // A look-up is cheaper than a check, and only what was authentic is remembered.
        guard !replays.contains(message) else { return [refuse(connection, .replayed)] }
        guard isAuthentic(message, preamble, key) else {
            return [refuse(connection, .notAuthentic)]
        }
        replays.insert(message, at: now)
        let place = AdmissionRooms.Place.open(entry.source)
        let handshake = AdmissionLimits.diffieHellmanPerHandshake
        if rooms.has(place), diffieHellmanUse.take(handshake, of: Self.diffieHellman, at: now) {
            rooms.take(place, for: connection)
            counters.admittedByRoom += 1
            return [
                .admit(
                    AdmittedConnection(
                        connection: connection, preamble: preamble, firstMessage: message,
                        preSharedKey: key, reason: .room, arrivedAt: entry.arrivedAt))
            ]
        }
        return preamble.lane == .join
            ? admitJoiner(entry, preamble, message, key, at: now)
            : challenge(entry, preamble, message, key, at: now)
    }

    /// Whether the pre-shared key authenticates message 1. No Diffie–Hellman is in it.
    private func isAuthentic(_ message: [UInt8], _ preamble: LinkPreamble, _ key: SecretBytes)
        -> Bool
    {
        do {
            var noise = try NoiseHandshake(
                pattern: .xxpsk0, role: .responder, prologue: preamble.prologue(mesh: genesis.id),
                staticKey: unusedKey, preSharedKeys: [key], ephemeral: unusedKey)
            return try noise.readMessage(message).isEmpty
        } catch { return false }
    }

    private mutating func admitJoiner(
        _ entry: WaitingRoom<SilentState>.Entry, _ preamble: LinkPreamble, _ message: [UInt8],
        _ key: SecretBytes, at now: MonotonicInstant
    ) -> [AdmissionEffect] {
        let place = AdmissionRooms.Place.join(keyID: preamble.keyID)
        guard rooms.has(place), admissionsByTicket.take(by: preamble.keyID, at: now) else {
            return [refuse(entry.connection, .ticketBusy)]
        }
        rooms.take(place, for: entry.connection)
        counters.admittedByTicket += 1
        return [
            .admit(
                AdmittedConnection(
                    connection: entry.connection, preamble: preamble, firstMessage: message,
                    preSharedKey: key, reason: .ticket, arrivedAt: entry.arrivedAt))
        ]
    }

    // MARK: Cookies

    private mutating func challenge(
        _ entry: WaitingRoom<SilentState>.Entry, _ preamble: LinkPreamble, _ message: [UInt8],
        _ key: SecretBytes, at now: MonotonicInstant
    ) -> [AdmissionEffect] {
        let seal = CookieSeal(
            preSharedKey: key, prologue: preamble.prologue(mesh: genesis.id), firstMessage: message)
        let asker = WaitingRoom<ChallengedState>.Entry(
            connection: entry.connection, source: entry.source, arrivedAt: entry.arrivedAt,
            state: ChallengedState(
                preamble: preamble, firstMessage: message, preSharedKey: key, seal: seal))
        let (cookie, salt) = cookies.make(asker, period: CookieMaker.period(now))
        var frame = ByteWriter(capacity: 2 + LinkLimits.challengeBytes)
        frame.writeBytes16(seal.sealChallenge(cookie: cookie, salt: salt))
        counters.challenged += 1
        var effects: [AdmissionEffect] = []
        if let evicted = challenged.insert(asker, using: &random) {
            effects.append(refuse(evicted, .crowdedOut))
        }
        return effects + [.send(frame.bytes, on: entry.connection)]
    }

    private mutating func receiveAnswer(
        _ bytes: [UInt8], _ entry: WaitingRoom<ChallengedState>.Entry, at now: MonotonicInstant,
        wall: WallTime
    ) -> [AdmissionEffect] {
        let connection = entry.connection
        if bytes.count >= 2 {
            let length = Int(bytes[0]) << 8 | Int(bytes[1])
            guard length > LinkLimits.cookieBytes + LinkLimits.recordTagBytes,
                length <= LinkLimits.handshakeMessageBytesMax, bytes.count <= 2 + length
            else { return [close(connection, .badAnswer)] }
            if bytes.count == 2 + length {
                _ = challenged.remove(connection)
                return [judge(Array(bytes.dropFirst(2)), entry, at: now, wall: wall)]
            }
        }
        challenged.update(connection) { $0.buffer = bytes }
        return []
    }

    private mutating func judge(
        _ sealed: [UInt8], _ entry: WaitingRoom<ChallengedState>.Entry, at now: MonotonicInstant,
        wall: WallTime
    ) -> AdmissionEffect {
        let period = CookieMaker.period(now)
        var opened: CookieAnswer?
        for period in [period, period - 1] where opened == nil {
            opened = entry.state.seal.openAnswer(
                sealed, cookie: cookies.make(entry, period: period).cookie)
        }
        guard let answer = opened else { return refuse(entry.connection, .badAnswer) }
        let node = answer.chain.member.body.subject
        let place = AdmissionRooms.Place.member(node)
        // Only looked at: another's name must not use up what is its own.
        guard rooms.has(place), admissionsByMember.allows(by: node, at: now) else {
            return refuse(entry.connection, .memberBusy)
        }
        let known = chains[answer.chain.digest]
        // The cookie's signature, and those of a chain that was not seen lately.
        let cost = 1 + (known != nil ? 0 : answer.chain.issuer == nil ? 1 : 2)
        guard verificationUse.allows(cost, of: Self.verification, at: now),
            verificationsBySource.take(cost, by: entry.source, at: now),
            verificationUse.take(cost, of: Self.verification, at: now)
        else { return refuse(entry.connection, .busy) }
        guard
            let member = known
                ?? (try? answer.chain.verify(
                    genesis: genesis, at: wall, trust: trust, allowingExpired: true)),
            entry.state.preamble.lane == .catchUp || wall < member.notAfter
        else { return refuse(entry.connection, .notAMember) }
        chains.set(member, for: member.digest)
        guard
            node.verifies(answer.signature, over: answer.cookie, domain: .cookie, mesh: genesis.id)
        else { return refuse(entry.connection, .badAnswer) }
        _ = admissionsByMember.take(by: node, at: now)
        rooms.take(place, for: entry.connection)
        counters.admittedByName += 1
        return .admit(
            AdmittedConnection(
                connection: entry.connection, preamble: entry.state.preamble,
                firstMessage: entry.state.firstMessage, preSharedKey: entry.state.preSharedKey,
                reason: .member(node), arrivedAt: entry.arrivedAt))
    }
}
