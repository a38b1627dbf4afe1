import Wire

@testable import Gossip

/// Chance from a seed; a failing test prints the seed.
struct TestRandom: RandomNumberGenerator, Equatable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return scrambled(state)
    }
}

func scrambled(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
}

func toyDigest(_ parts: [[UInt8]]) -> UInt64 {
    var value: UInt64 = 1
    for part in parts {
        value = scrambled(value ^ UInt64(part.count))
        for byte in part { value = scrambled(value &* 257 &+ UInt64(byte)) }
    }
    return value
}

func bytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
}

/// Signs for its node only, and counts what it checks.
struct ToyAuthority: ClaimAuthority {
    let node: NodeID

    func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8] {
        Self.signature(body, kind, node)
    }

    func verify(
        _ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID
    ) -> Bool {
        signature == Self.signature(body, kind, node)
    }

    static func signature(_ body: [UInt8], _ kind: ClaimKind, _ node: NodeID) -> [UInt8] {
        let digest = toyDigest([[kind.rawValue], node.bytes, body])
        return (0..<8).flatMap { bytes(scrambled(digest &+ UInt64($0))) }
    }
}

extension NodeID {
    /// What ``node(_:)`` made it of.
    var number: UInt64 { bytes[24...].reduce(0) { $0 << 8 | UInt64($1) } }
}

func node(_ number: UInt64) -> NodeID { NodeID(number: number) }

func tag(_ number: UInt64) -> CertificateTag { CertificateTag(high: 1, low: number) }

func address(_ number: UInt64) -> NetworkAddress {
    guard let address = NetworkAddress(host: .v4([10, 0, 0, UInt8(number % 256)]), port: 7433)
    else { preconditionFailure("four bytes and a port are an address") }
    return address
}

func aliveClaim(
    _ number: UInt64, generation: UInt64 = 1, incarnation: UInt32 = 0,
    reachability: Reachability = .direct
) -> AliveClaim {
    AliveClaim(
        node: node(number), generation: generation, incarnation: incarnation,
        linkKey: LinkKey(number: number), linkKeyNotAfter: WallTime(seconds: 1_000_000),
        certificate: tag(number), reachability: reachability, addresses: [address(number)])
}

func metadata(_ number: UInt64) -> MemberMetadata {
    MemberMetadata(
        numerics: "shoal-numerics-2", kvTypes: 3,
        models: [
            OfferedModel(
                digest: ModelDigest(number: number), name: "model-\(number)", contextLength: 512)
        ])
}

func signed(_ body: Claim.Body, by number: UInt64) -> Claim {
    Claim(body, signedBy: ToyAuthority(node: node(number)))
}

func suspectClaim(
    _ subject: UInt64, by accuser: UInt64, generation: UInt64 = 1, incarnation: UInt32 = 0,
    isVerdict: Bool = false
) -> Claim {
    var claim = SuspectClaim(
        accuser: node(accuser), subject: node(subject), generation: generation,
        incarnation: incarnation)
    claim.isVerdict = isVerdict
    return signed(.suspect(claim), by: accuser)
}

/// One core under test, fed by hand.
struct Bench {
    var core: GossipCore
    var random: TestRandom
    var now = MonotonicInstant.origin

    init(
        _ number: UInt64 = 1, reachability: Reachability = .direct,
        configuration: GossipConfiguration = GossipConfiguration(), seed: UInt64 = 1
    ) {
        core = GossipCore(
            local: aliveClaim(number, reachability: reachability), metadata: metadata(number),
            authority: ToyAuthority(node: node(number)), configuration: configuration,
            now: .origin)
        random = TestRandom(seed: seed)
    }

    mutating func give(_ input: GossipInput) -> [GossipEffect] {
        core.handle(input, at: now, using: &random)
    }

    mutating func give(
        _ claims: [Claim], from: UInt64, message: GossipMessage = .none,
        path: GossipPath = .datagram
    ) -> [GossipEffect] {
        let packet = GossipPacket.encode(message, claims: claims.map(\.encoded))
        return give(.packet(packet, from: node(from), path: path))
    }

    /// Makes a member known: its certificate, then its claim.
    mutating func admit(_ number: UInt64, reachability: Reachability = .direct) {
        _ = give(.certified(node(number), tag(number)))
        _ = give(
            [signed(.alive(aliveClaim(number, reachability: reachability)), by: number)],
            from: number)
    }

    /// Ticks as asked until `end`.
    mutating func run(until end: Duration) -> [GossipEffect] {
        var effects: [GossipEffect] = []
        let end = MonotonicInstant.origin + end
        while core.nextDeadline <= end {
            now = max(core.nextDeadline, now + .microseconds(1))
            effects += core.tick(at: now, using: &random)
        }
        now = end
        return effects
    }

    /// The answer to a member's push–pull.
    mutating func exchange(_ request: [UInt8], from number: UInt64) -> [UInt8]? {
        core.answer(request, from: node(number), at: now, using: &random).answer
    }

    /// All answer the pings among `effects`, but the silent ones.
    mutating func answer(_ effects: [GossipEffect], but silent: Set<UInt64> = []) {
        for (packet, to, path) in effects.packets where !silent.contains(where: { node($0) == to })
        {
            guard case .ping(let number) = packet.message else { continue }
            let ack = GossipPacket.encode(
                .ack(sequence: number, AckReport(load: .idle)), claims: [])
            _ = give(.packet(ack, from: to, path: path))
        }
    }

    func state(of number: UInt64) -> MemberState? { core.view(of: node(number))?.state }
}

extension [GossipEffect] {
    /// Packets sent, decoded.
    var packets: [(packet: GossipPacket, to: NodeID, path: GossipPath)] {
        compactMap { effect in
            guard case .send(let bytes, let to, let path) = effect,
                let packet = try? GossipPacket(decoding: bytes)
            else { return nil }
            return (packet, to, path)
        }
    }

    var claims: [Claim] { packets.flatMap(\.packet.claims) }

    func events(of number: UInt64) -> [MemberEvent] {
        compactMap { effect in
            guard case .changed(node(number), let event) = effect else { return nil }
            return event
        }
    }
}

extension AckReport {
    /// Of a member that has nothing to do.
    static let idle = AckReport(load: .idle)
}
