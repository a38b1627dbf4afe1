import Gossip
import Wire

/// A node under test and a member that it knows, both real, with a cipher and signatures that cost
/// nothing and let much through.
struct GossipPair: Sendable {
    enum Said: Sendable { case datagram, packet, request, answer }

    static let node = NodeID(number: 1)
    static let peer = NodeID(number: 2)
    static let third = NodeID(number: 3)

    private var endpoints: [GossipEndpoint] = []
    /// The member's keys, once more, to seal what no honest member would.
    var peerSessions: DatagramSessions
    private var random = FuzzRandom(state: 1)
    private(set) var now = MonotonicInstant.origin
    /// What was said, if it is wanted.
    private(set) var record: [(said: Said, bytes: [UInt8])]?

    /// Two nodes that have exchanged all they know; made once.
    static let introduced = GossipPair()

    init(recording: Bool = false) {
        record = recording ? [] : nil
        peerSessions = Self.sessions(of: 2, start: 2)
        for number in 1...2 as ClosedRange<UInt64> {
            let core = GossipCore(
                local: Self.claim(number),
                metadata: MemberMetadata(
                    software: "shoal", numerics: "shoal-numerics-2", kvTypes: 3,
                    models: [
                        OfferedModel(
                            digest: ModelDigest(number: number), name: "model",
                            contextLength: 512, task: .generation, format: "Q4_K_M",
                            rungs: [])
                    ]),
                authority: FuzzAuthority(), now: now)
            endpoints.append(
                GossipEndpoint(
                    core: core, sessions: Self.sessions(of: number, start: 1), hasSocket: true))
        }
        for number in 1...3 as ClosedRange<UInt64> {
            for index in 0..<2 where number != UInt64(index + 1) {
                apply(.certified(NodeID(number: number), Self.tag(number)), index)
            }
        }
        apply(.linkOpened(Self.peer, Self.tag(2), isInbound: false), 0)
        apply(.linkOpened(Self.node, Self.tag(1), isInbound: true), 1)
        for _ in 0..<10 { wait(.milliseconds(200)) }
        precondition(
            endpoints.allSatisfy { $0.core.memberViews.count == 1 }, "they know each other")
        // The member starts anew, as far as datagrams go: from now on they are the input's.
        peerSessions.know(Self.node, linkKey: LinkKey(number: 1), at: now)
        for hello in peerSessions.seal([0], to: Self.node, at: now) { receive(hello) }
    }

    private static func tag(_ number: UInt64) -> CertificateTag {
        CertificateTag(high: 0, low: number)
    }

    private static func address(_ number: UInt64) -> NetworkAddress {
        guard
            let address = NetworkAddress(
                host: .v4([10, 0, 0, UInt8(truncatingIfNeeded: number)]), port: 7433)
        else { preconditionFailure("four bytes and a port are an address") }
        return address
    }

    private static func claim(_ number: UInt64) -> AliveClaim {
        AliveClaim(
            node: NodeID(number: number), generation: 1, linkKey: LinkKey(number: number),
            linkKeyNotAfter: WallTime(seconds: 1_000_000), certificate: tag(number),
            reachability: .direct, addresses: [address(number)])
    }

    private static func sessions(of number: UInt64, start: UInt64) -> DatagramSessions {
        DatagramSessions(
            nodeID: NodeID(number: number), boot: BootID(high: start, low: number),
            cipher: FuzzCipher(own: number))
    }

    // MARK: What happens to the node under test

    mutating func receive(_ datagram: [UInt8]) { deliver(datagram, to: 0) }

    mutating func give(_ input: GossipInput) { apply(input, 0) }

    mutating func answer(_ request: [UInt8]) {
        let (_, effects) = endpoints[0].answer(
            request, from: Self.peer, at: now, using: &random)
        perform(effects, of: 0)
    }

    mutating func wait(_ duration: Duration) {
        now = now + duration
        for index in endpoints.indices {
            perform(endpoints[index].tick(at: now, using: &random), of: index)
        }
    }

    /// The bounds that hold whatever was said.
    func check() {
        let sizes = endpoints[0].sizes
        precondition(sizes.gossip.members <= GossipLimits.membersMax)
        precondition(sizes.gossip.pending <= GossipLimits.pendingMax)
        precondition(sizes.gossip.broadcasts <= GossipLimits.broadcastsMax)
        precondition(sizes.gossip.accusers <= GossipLimits.accusersMax)
        precondition(sizes.sessions <= DatagramLimits.sessionsMax)
        precondition(sizes.directory <= DatagramLimits.sessionsMax)
        precondition(sizes.waitingPeers <= DatagramLimits.waitingPeersMax)
        precondition(sizes.waitingPackets <= sizes.waitingPeers * DatagramLimits.waitingMax)
        precondition(sizes.sourceBuckets <= DatagramLimits.sourceBuckets)
        precondition(sizes.addresses <= AddressLimits.placesMax)
        precondition(sizes.addressReports <= AddressLimits.reportsMax)
    }

    // MARK: Wires

    private mutating func apply(_ input: GossipInput, _ index: Int) {
        perform(endpoints[index].handle(input, at: now, using: &random), of: index)
    }

    private mutating func deliver(_ datagram: [UInt8], to index: Int) {
        record?.append((.datagram, datagram))
        let source = Self.address(UInt64(2 - index))
        let effects = endpoints[index].receive(datagram, from: source, at: now, using: &random)
        perform(effects, of: index)
        // Two that answer each other for ever are cut off by the limits on members, in time.
    }

    private mutating func perform(_ effects: [EndpointEffect], of index: Int) {
        let other = 1 - index
        for effect in effects {
            switch effect {
            case .datagram(let bytes, let address):
                precondition(bytes.count <= DatagramLimits.bytesMax, "a datagram is too long")
                guard address == Self.address(UInt64(other + 1)) else { continue }
                if index == 0 {
                    let arrival = peerSessions.read(bytes)
                    let received = arrival.map { peerSessions.open($0, bytes, at: now) }
                    for answer in received?.released ?? [] { deliver(answer, to: 0) }
                }
                deliver(bytes, to: other)
            case .linkPacket(let packet, let node):
                precondition(packet.count <= GossipLimits.packetBytesMax, "a packet is too long")
                guard node == NodeID(number: UInt64(other + 1)) else { continue }
                record?.append((.packet, packet))
                apply(.packet(packet, from: NodeID(number: UInt64(index + 1)), path: .link), other)
            case .pushPull(let node, let request):
                guard node == NodeID(number: UInt64(other + 1)) else { continue }
                record?.append((.request, request))
                let (answer, followed) = endpoints[other].answer(
                    request, from: NodeID(number: UInt64(index + 1)), at: now, using: &random)
                perform(followed, of: other)
                guard let answer else { continue }
                record?.append((.answer, answer))
                apply(.exchanged(answer, from: node), index)
            case .connect, .fetchCertificate, .changed: break
            }
        }
    }
}

/// The numbers of SplitMix64.
struct FuzzRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// Signatures that hold when their first byte is even: a fuzzer finds both ways.
private struct FuzzAuthority: ClaimAuthority {
    func sign(_ body: [UInt8], kind: ClaimKind) -> [UInt8] {
        [UInt8](repeating: 0, count: GossipLimits.signatureBytes)
    }

    func verify(
        _ signature: [UInt8], over body: [UInt8], kind: ClaimKind, by node: NodeID
    ) -> Bool { signature.first.map { $0 % 2 == 0 } ?? false }
}

/// A cipher that hides nothing and whose tag says only which key it is under: what is changed within
/// a datagram passes, so that a fuzzer gets behind it.
private struct FuzzCipher: DatagramCipher {
    let own: UInt64

    func root(of peer: NodeID, linkKey: LinkKey) -> DatagramKey? {
        let keys = [LinkKey(number: own), linkKey].sorted()
        return DatagramKey(plain: (Self.digest(keys[0].bytes + keys[1].bytes), 0, 0, 0))
    }

    func key(
        root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
        receiverBoot: BootID
    ) -> DatagramKey {
        let ends = sender.bytes + receiver.bytes + senderBoot.bytes + receiverBoot.bytes
        return DatagramKey(plain: (Self.digest(ends) ^ root.words.0, 0, 0, 0))
    }

    func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
        datagram += Self.tag(key)
    }

    func open(_ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64) -> [UInt8]? {
        guard datagram.count >= header + 16, Array(datagram.suffix(16)) == Self.tag(key) else {
            return nil
        }
        return Array(datagram[header..<datagram.count - 16])
    }

    func hint(of node: NodeID) -> UInt64 { Self.digest(node.bytes) }

    var meshKeyID: UInt64 { 7 }

    private static func tag(_ key: DatagramKey) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: key.words.0 >> (8 * UInt64($0 % 8))) }
    }

    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(1) { FuzzRandom.mixed($0 ^ UInt64($1)) }
    }
}
