import Wire

@testable import Gossip

/// Endpoints wired in memory, with a clock and cuts, and every datagram on record.
struct Wires {
    /// Whether claims tell no boot ids, so that sessions begin with hellos.
    var hidesBoots = false
    struct Sent {
        var bytes: [UInt8]
        var from: NetworkAddress
        var to: NetworkAddress
    }

    var endpoints: [UInt64: GossipEndpoint] = [:]
    var addresses: [NetworkAddress: UInt64] = [:]
    var randoms: [UInt64: TestRandom] = [:]
    var now = MonotonicInstant.origin
    /// Pairs between which no datagram passes.
    var cuts: [Set<UInt64>] = []
    /// Nodes that no datagram arrives at.
    var deaf: Set<UInt64> = []
    /// Ordered pairs with an open link.
    var links: Set<[UInt64]> = []
    var record: [Sent] = []
    var events: [UInt64: [(node: NodeID, event: MemberEvent)]] = [:]
    /// What becomes of a datagram on its way: replaces it by any number of others.
    var meddler: ((Sent) -> [Sent])?

    /// Starts a node, or starts it anew.
    mutating func start(
        _ number: UInt64, generation: UInt64 = 1, linkKey: UInt64? = nil, at place: UInt64? = nil,
        reachability: Reachability = .direct
    ) {
        var claim = aliveClaim(number, generation: generation, reachability: reachability)
        claim.linkKey = LinkKey(number: linkKey ?? number)
        claim.addresses = [address(place ?? number)]
        addresses = addresses.filter { $0.value != number }
        addresses[address(place ?? number)] = number
        var random = TestRandom(seed: number << 32 | generation)
        let core = GossipCore(
            local: claim, metadata: metadata(number), authority: ToyAuthority(node: node(number)),
            now: now)
        endpoints[number] = GossipEndpoint(
            core: core,
            sessions: DatagramSessions(
                nodeID: node(number), boot: BootID(generation: generation, using: &random),
                cipher: ToyCipher(node: node(number), linkKey: claim.linkKey)),
            hasSocket: true)
        randoms[number] = random
    }

    /// Makes all know all, by their present claims.
    mutating func introduce() {
        for number in endpoints.keys.sorted() {
            for other in endpoints.keys.sorted() where other != number { tell(number, of: other) }
        }
    }

    /// Makes one know another by its present claim, as if it came over a link.
    mutating func tell(_ number: UInt64, of other: UInt64) {
        guard var claim = endpoints[other]?.core.local else { return }
        if hidesBoots { claim.bootNonce = 0 }
        give(number, .certified(node(other), claim.certificate))
        let packet = GossipPacket.encode(.none, claims: [signed(.alive(claim), by: other).encoded])
        give(number, .packet(packet, from: node(other), path: .link))
    }

    mutating func link(_ a: UInt64, _ b: UInt64) {
        links.formUnion([[a, b], [b, a]])
        give(a, .linkOpened(node(b), tag(b), isInbound: false))
        give(b, .linkOpened(node(a), tag(a), isInbound: true))
    }

    mutating func give(_ number: UInt64, _ input: GossipInput) {
        guard var random = randoms[number] else { return }
        let effects = endpoints[number]?.handle(input, at: now, using: &random) ?? []
        randoms[number] = random
        perform(effects, of: number)
    }

    mutating func deliver(_ datagram: [UInt8], to number: UInt64, from source: NetworkAddress) {
        guard var random = randoms[number] else { return }
        let effects =
            endpoints[number]?.receive(datagram, from: source, at: now, using: &random) ?? []
        randoms[number] = random
        perform(effects, of: number)
    }

    /// Sends a packet as the core would.
    mutating func send(
        _ packet: [UInt8], from number: UInt64, to other: UInt64, path: GossipPath = .datagram
    ) {
        let effects = endpoints[number]?.send(packet, to: node(other), path: path, at: now) ?? []
        perform(effects, of: number)
    }

    private mutating func perform(_ effects: [EndpointEffect], of number: UInt64) {
        guard let own = addresses.first(where: { $0.value == number })?.key else { return }
        for effect in effects {
            switch effect {
            case .datagram(let bytes, let to):
                let sent = Sent(bytes: bytes, from: own, to: to)
                record.append(sent)
                for sent in meddler?(sent) ?? [sent] {
                    guard let other = addresses[sent.to] else { continue }
                    let source = addresses[sent.from] ?? 0
                    guard !cuts.contains([source, other]), !deaf.contains(other) else { continue }
                    deliver(sent.bytes, to: other, from: sent.from)
                }
            case .linkPacket(let packet, let to):
                for other in endpoints.keys.sorted()
                where node(other) == to && links.contains([number, other]) {
                    give(other, .packet(packet, from: node(number), path: .link))
                }
            case .changed(let subject, let event):
                events[number, default: []].append((subject, event))
            case .connect, .pushPull, .fetchCertificate: break
            }
        }
    }

    /// Runs everybody's timers for a while.
    mutating func run(_ duration: Duration) {
        let end = now + duration
        while true {
            let next = endpoints.map { ($0.value.nextDeadline, $0.key) }.min { $0 < $1 }
            guard let (due, number) = next, due <= end, var random = randoms[number] else { break }
            now = max(now, due)
            let effects = endpoints[number]?.tick(at: now, using: &random) ?? []
            randoms[number] = random
            perform(effects, of: number)
            if let after = endpoints[number]?.nextDeadline, after <= now {
                now = now + .milliseconds(1)
            }
        }
        now = end
    }

    func state(_ observer: UInt64, of number: UInt64) -> MemberState? {
        endpoints[observer]?.core.view(of: node(number))?.state
    }

    func counters(_ number: UInt64) -> DatagramCounters {
        endpoints[number]?.counters.datagrams ?? DatagramCounters()
    }

    /// What a node believes and holds, to compare before and after.
    func holdings(_ number: UInt64) -> (views: [MemberView], sizes: EndpointSizes?) {
        (endpoints[number]?.core.memberViews ?? [], endpoints[number]?.sizes)
    }
}
