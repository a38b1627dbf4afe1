import Gossip
import Wire

/// A member that means harm: a real endpoint, and what it does besides. Several of them collude by
/// doing the same.
///
/// It acts in bursts, on an interval of its own; between them its endpoint takes part like any
/// other, but for what ``HostileCipher`` and ``intercept(_:at:)`` change in what it sends.
struct HostileMember: Sendable {
    /// Bursts come at this interval.
    static let interval: Duration = .milliseconds(20)
    /// Packets in one of them.
    static let burst = 4
    /// How many claims are kept for sending again.
    static let recordedMax = 512

    let id: NodeID
    let attacks: [Attack]
    private let authority: SimulatedAuthority
    private var random: SeededRandom
    /// Claims of others, as encoded; the oldest are overwritten in turn.
    private var recorded: [[UInt8]] = []
    private var recordings = 0
    private var lastRecording: MonotonicInstant?
    private var version: UInt32 = 1
    /// When it acts next.
    private(set) var nextDeadline: MonotonicInstant

    init(id: NodeID, attacks: [Attack], seed: UInt64, at now: MonotonicInstant) {
        self.id = id
        self.attacks = attacks
        authority = SimulatedAuthority(node: id)
        var reader = ByteReader(Array(id.bytes.suffix(8)))
        let number = (try? reader.readInteger(as: UInt64.self)) ?? 0
        random = SeededRandom(seed: seed, stream: 11 << 40 | number)
        nextDeadline = now + Self.interval
    }

    /// The cipher for its endpoint, which lies in what it seals.
    func cipher(_ honest: any DatagramCipher) -> any DatagramCipher {
        HostileCipher(base: honest, lies: lies)
    }

    private var lies: PacketLies {
        var lies = PacketLies()
        lies.inAcks = attacks.contains(.lieInAcks)
        lies.asRelay = attacks.contains(.answerForOthers)
        lies.dropsRelayed = attacks.contains(.dropRelayed)
        return lies
    }

    // MARK: What its endpoint would do

    /// What goes out of what its endpoint wants to send over links; datagrams are sealed, and were
    /// changed before.
    mutating func intercept(
        _ effects: [EndpointEffect], at now: MonotonicInstant
    ) -> [EndpointEffect] {
        effects.compactMap { effect in
            guard case .linkPacket(let bytes, let to) = effect else { return effect }
            return .linkPacket(lies.told(bytes, salt: random.next()), to: to)
        }
    }

    /// What it answers to a push–pull, instead of what its endpoint would.
    mutating func answer(_ honest: [UInt8]?) -> [UInt8]? {
        guard honest != nil, attacks.contains(.withhold), !recorded.isEmpty else { return honest }
        let claims = (0..<20).map { _ in recorded[random.index(below: recorded.count)] }
        return StateAnswer.encode(claims: claims, wanted: [random.next(), random.next()])
    }

    // MARK: What it does besides

    /// One burst, of one kind of attack.
    mutating func tick(
        of endpoint: inout GossipEndpoint, at now: MonotonicInstant
    ) -> [EndpointEffect] {
        guard now >= nextDeadline else { return [] }
        nextDeadline = now + Self.interval
        record(endpoint, at: now)
        let others = endpoint.core.memberViews.filter { $0.id != id }
        guard !others.isEmpty, !attacks.isEmpty else { return [] }
        var effects: [EndpointEffect] = []
        let attack = attacks[random.index(below: attacks.count)]
        for _ in 0..<Self.burst {
            let target = others[random.index(below: others.count)]
            let victim = others[random.index(below: others.count)]
            act(attack, on: target, about: victim, of: &endpoint, at: now, &effects)
        }
        return effects
    }

    private mutating func act(
        _ attack: Attack, on target: MemberView, about victim: MemberView,
        of endpoint: inout GossipEndpoint, at now: MonotonicInstant,
        _ effects: inout [EndpointEffect]
    ) {
        switch attack {
        case .accuseEveryone, .lieAboutIncarnations, .forgeClaims, .lieAboutOwnIncarnation,
            .inventMembers, .floodVersions, .replayClaims, .floodClaims:
            send(
                .none, claims: claims(attack, about: victim, own: endpoint.core.local),
                to: target.id, of: &endpoint, at: now, &effects)
        case .floodPings:
            send(
                .ping(sequence: UInt32(truncatingIfNeeded: random.next())), claims: [],
                to: target.id, of: &endpoint, at: now, &effects)
        case .floodForwards:
            let sealed = bytes(random.index(below: 200))
            send(
                .forward(
                    number: UInt32(truncatingIfNeeded: random.next()), to: victim.id, sealed: sealed
                ),
                claims: [], to: target.id, of: &endpoint, at: now, &effects)
        case .floodExchanges:
            effects.append(.connect(target.id, target.alive.addresses))
            effects.append(.pushPull(target.id, request()))
        case .sendGarbage:
            let garbage = bytes(random.index(below: GossipLimits.packetBytesMax))
            effects += endpoint.send(garbage, to: target.id, path: way(), at: now)
        case .answerForOthers, .lieInAcks:
            // Answers nobody asked for, and to numbers that others may have used.
            let report = AckReport(load: .idle, patience: GossipLimits.patienceMax)
            send(
                .ack(sequence: UInt32(random.index(below: 500)), report), claims: [], to: target.id,
                of: &endpoint, at: now, &effects)
            send(
                .forwarded(from: victim.id, sealed: bytes(random.index(below: 200))), claims: [],
                to: target.id, of: &endpoint, at: now, &effects)
        case .dropRelayed:
            send(
                .forwardReceipt(number: UInt32(random.index(below: 500)), accepted: true),
                claims: [],
                to: target.id, of: &endpoint, at: now, &effects)
        case .withhold: break
        }
    }

    private mutating func claims(
        _ attack: Attack, about victim: MemberView, own: AliveClaim
    ) -> [[UInt8]] {
        switch attack {
        case .replayClaims: return replayed(1 + random.index(below: 6))
        case .floodClaims: return replayed(GossipLimits.packetClaimsMax)
        case .forgeClaims: return forged(about: victim)
        case .lieAboutOwnIncarnation:
            var claim = own
            claim.incarnation = [.max, .max - 1, 0, 1 << 31][random.index(below: 4)]
            return [signed(.alive(claim))]
        case .lieAboutIncarnations:
            let ahead: [UInt32] = [.max, victim.alive.incarnation &+ 1, 1 << 31, 0]
            return [accusation(of: victim, incarnation: ahead[random.index(below: 4)])]
        case .accuseEveryone:
            return [
                signed(.alive(own)), accusation(of: victim, incarnation: victim.alive.incarnation),
            ]
        case .inventMembers: return [inventedMember()]
        case .floodVersions:
            version &+= 1
            let metadata = MemberMetadata(
                software: "\(version)", numerics: "", kvTypes: 0, models: [])
            var claim = own
            claim.incarnation &+= version
            return [
                signed(.alive(claim)),
                signed(
                    .metadata(
                        MetadataClaim(
                            node: id, generation: own.generation, version: version,
                            metadata: metadata))),
                signed(
                    .activity(
                        ActivityClaim(
                            node: id, generation: own.generation, version: version,
                            activity: MemberActivity()))),
            ]
        default: return []
        }
    }

    // MARK: Claims

    private func signed(_ body: Claim.Body) -> [UInt8] {
        Claim(body, signedBy: authority).encoded
    }

    private func accusation(of victim: MemberView, incarnation: UInt32) -> [UInt8] {
        signed(
            .suspect(
                SuspectClaim(
                    accuser: id, subject: victim.id, generation: victim.alive.generation,
                    incarnation: incarnation)))
    }

    /// In the victim's name: a new address, a departure, an accusation.
    private mutating func forged(about victim: MemberView) -> [[UInt8]] {
        var alive = victim.alive
        alive.incarnation &+= 1 + UInt32(random.index(below: 3))
        alive.addresses = []
        if random.happens(0.3) { alive.generation &+= 1 }
        return [
            signed(.alive(alive)),
            signed(.leave(LeaveClaim(node: victim.id, generation: victim.alive.generation))),
            signed(
                .metadata(
                    MetadataClaim(
                        node: victim.id, generation: victim.alive.generation, version: .max,
                        metadata: MemberMetadata(
                            software: "", numerics: "", kvTypes: 0, models: [])))),
            signed(
                .suspect(
                    SuspectClaim(
                        accuser: victim.id, subject: NodeID(number: 1 + random.next() % 8),
                        generation: 1, incarnation: 0))),
        ]
    }

    /// A node that nobody certified, with a signature that is right.
    private mutating func inventedMember() -> [UInt8] {
        let node = NodeID(number: 1 << 40 | random.next() >> 30)
        let claim = AliveClaim(
            node: node, generation: 1, linkKey: LinkKey(number: random.next()),
            linkKeyNotAfter: WallTime(seconds: 1 << 40),
            certificate: CertificateTag(high: random.next(), low: random.next()),
            reachability: .direct, addresses: [])
        return Claim(.alive(claim), signedBy: SimulatedAuthority(node: node)).encoded
    }

    private mutating func replayed(_ count: Int) -> [[UInt8]] {
        guard !recorded.isEmpty else { return [] }
        return (0..<count).map { _ in recorded[random.index(below: recorded.count)] }
    }

    /// Keeps what its own endpoint would tell one who knows nothing.
    private mutating func record(_ endpoint: GossipEndpoint, at now: MonotonicInstant) {
        if let lastRecording, now - lastRecording < .seconds(5) { return }
        lastRecording = now
        var copy = endpoint
        var chance = random
        let (answer, _) = copy.answer(
            StateSummary(entries: []).encoded(), from: id, at: now, using: &chance)
        guard let answer, let state = try? StateAnswer(decoding: answer) else { return }
        for claim in state.claims where claim.author != id {
            if recorded.count < Self.recordedMax {
                recorded.append(claim.encoded)
            } else {
                recorded[recordings % Self.recordedMax] = claim.encoded
            }
            recordings += 1
        }
    }

    // MARK: Packets

    private mutating func send(
        _ message: GossipMessage, claims: [[UInt8]], to node: NodeID,
        of endpoint: inout GossipEndpoint, at now: MonotonicInstant,
        _ effects: inout [EndpointEffect]
    ) {
        var room = GossipLimits.packetBytesMax - GossipPacket.overhead(of: message)
        var fitting: [[UInt8]] = []
        for claim in claims.prefix(GossipLimits.packetClaimsMax) where claim.count <= room {
            fitting.append(claim)
            room -= claim.count
        }
        let packet = GossipPacket.encode(message, claims: fitting)
        effects += endpoint.send(packet, to: node, path: way(), at: now)
    }

    private mutating func way() -> GossipPath { random.happens(0.7) ? .datagram : .link }

    /// A push–pull's request that knows nothing, or a great many that don't exist.
    private mutating func request() -> [UInt8] {
        guard random.happens(0.5) else { return StateSummary(entries: []).encoded() }
        var key: UInt64 = 0
        let entries = (0..<1000).map { _ in
            key &+= 1 + random.next() >> 12
            return StateSummary.Entry(key: key, fingerprint: random.next())
        }
        return StateSummary(entries: entries).encoded()
    }

    private mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}
