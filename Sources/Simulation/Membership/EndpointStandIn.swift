import Gossip
import Wire

/// What an endpoint asks of its shell.
enum EndpointEffect: Sendable, Equatable {
    case datagram([UInt8], to: NetworkAddress)
    case linkPacket([UInt8], to: NodeID)
    case connect(NodeID, [NetworkAddress])
    case pushPull(NodeID, [UInt8])
    case fetchCertificate(of: NodeID, CertificateTag, from: NodeID)
    case changed(NodeID, MemberEvent)
}

/// A gossip core with its datagram sessions and the addresses that members were heard from.
struct GossipEndpoint: Sendable {
    private(set) var core: GossipCore
    private var sessions: DatagramSessions
    private var heard: [NodeID: NetworkAddress] = [:]

    init(core: GossipCore, sessions: DatagramSessions, hasSocket: Bool) {
        self.core = core
        self.sessions = sessions
    }

    var datagramCounters: DatagramCounters { sessions.counters }
    var nextDeadline: MonotonicInstant { core.nextDeadline }

    mutating func receive(
        _ datagram: [UInt8], from source: NetworkAddress, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        let received = sessions.open(datagram, at: now)
        var effects = received.replies.map { EndpointEffect.datagram($0, to: source) }
        if let packet = received.packet {
            heard[packet.from] = source
            effects += handle(
                .packet(packet.bytes, from: packet.from, path: .datagram), at: now,
                using: &generator)
        }
        return effects
    }

    mutating func handle(
        _ input: GossipInput, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        perform(
            core.handle(input, at: now, using: &generator), at: now, using: &generator)
    }

    mutating func answer(
        _ request: [UInt8], from node: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> (answer: [UInt8]?, effects: [EndpointEffect]) {
        let (answer, effects) = core.answer(request, from: node, at: now, using: &generator)
        return (answer, perform(effects, at: now, using: &generator))
    }

    mutating func tick(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        perform(core.tick(at: now, using: &generator), at: now, using: &generator)
    }

    mutating func know(_ node: NodeID, linkKey: LinkKey) { sessions.know(node, linkKey: linkKey) }

    mutating func renew(cipher: any DatagramCipher) { sessions.renew(cipher: cipher) }

    private mutating func perform(
        _ effects: [GossipEffect], at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        var result: [EndpointEffect] = []
        result.reserveCapacity(effects.count)
        for effect in effects {
            switch effect {
            case .send(let packet, let node, .datagram):
                guard let address = heard[node] ?? core.view(of: node)?.alive.addresses.first
                else { continue }
                for datagram in sessions.seal(packet, to: node, at: now) {
                    result.append(.datagram(datagram, to: address))
                }
            case .send(let packet, let node, .link): result.append(.linkPacket(packet, to: node))
            case .send(let packet, let node, .relay(let relay)):
                for sealed in sessions.seal(packet, to: node, at: now) {
                    result += forward(sealed, to: node, via: relay, at: now, using: &generator)
                }
            case .openRelayed(let sealed, let origin, let relay):
                let received = sessions.open(sealed, at: now)
                for reply in received.replies {
                    result += forward(reply, to: origin, via: relay, at: now, using: &generator)
                }
                guard let packet = received.packet, packet.from == origin else { continue }
                result += handle(
                    .packet(packet.bytes, from: origin, path: .relay(relay)), at: now,
                    using: &generator)
            case .connect(let node, let addresses): result.append(.connect(node, addresses))
            case .pushPull(let node, let state): result.append(.pushPull(node, state))
            case .fetchCertificate(let node, let tag, let source):
                result.append(.fetchCertificate(of: node, tag, from: source))
            case .changed(let node, let event):
                if let view = core.view(of: node) {
                    sessions.know(node, linkKey: view.alive.linkKey)
                    if event == .joined { heard[node] = nil }
                }
                result.append(.changed(node, event))
            }
        }
        return result
    }

    private mutating func forward(
        _ sealed: [UInt8], to node: NodeID, via relay: NodeID, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [EndpointEffect] {
        let packets = core.forwarding(sealed, to: node, via: relay)
        return perform(
            packets.map { .send($0.packet, to: relay, path: $0.path) }, at: now, using: &generator)
    }
}
