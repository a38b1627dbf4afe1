import Testing
import Wire

@testable import Gossip

@Suite struct RelayingTests {
    private func forwards(_ effects: [GossipEffect]) -> [NodeID] {
        effects.packets.compactMap { packet, to, _ in
            if case .forwarded = packet.message { return to }
            return nil
        }
    }

    @Test func `a sealed datagram is passed on as it is, and a receipt says so`() throws {
        var bench = Bench()
        for number in 2...3 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.give(
            [], from: 2, message: .forward(number: 7, to: node(3), sealed: [1, 2, 3]))
        let messages = effects.packets.map(\.packet.message)
        #expect(messages.contains(.forwardReceipt(number: 7, accepted: true)))
        #expect(messages.contains(.forwarded(from: node(2), sealed: [1, 2, 3])))
        #expect(forwards(effects) == [node(3)])
    }

    @Test func `nothing is passed on to whom only a further relay reaches`() {
        var bench = Bench()
        bench.admit(2)
        bench.admit(3, reachability: .outboundOnly)
        for target in [3, 1, 2, 9] as [UInt64] {
            let effects = bench.give(
                [], from: 2, message: .forward(number: 7, to: node(target), sealed: [1]))
            #expect(forwards(effects).isEmpty)
            #expect(
                effects.packets.map(\.packet.message)
                    == [.forwardReceipt(number: 7, accepted: false)])
        }
        _ = bench.give(.linkOpened(node(3), tag(3), isInbound: true))
        let effects = bench.give(
            [], from: 2, message: .forward(number: 8, to: node(3), sealed: [1]))
        #expect(effects.packets.contains { $0.to == node(3) && $0.path == .link })
    }

    @Test func `one member can't use up a relay for others`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        func passed(from source: UInt64, _ count: Int) -> Int {
            (0..<count).reduce(0) { sum, _ in
                sum
                    + forwards(
                        bench.give(
                            [], from: source,
                            message: .forward(number: 1, to: node(4), sealed: [1]))
                    ).count
            }
        }
        #expect(passed(from: 2, 1000) == GossipLimits.forwardsPerMember.burst)
        #expect(passed(from: 3, 10) == 10)
        bench.now = bench.now + .seconds(1)
        #expect(passed(from: 2, 1000) == 40)
    }

    @Test func `what comes through a relay is handed out to be opened, from members only`() {
        var bench = Bench()
        for number in 2...3 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.give([], from: 2, message: .forwarded(from: node(3), sealed: [5]))
        #expect(effects == [.openRelayed([5], from: node(3), via: node(2))])
        for origin in [1, 2, 9] as [UInt64] {
            let none = bench.give(
                [], from: 2, message: .forwarded(from: node(origin), sealed: [5]))
            #expect(none.isEmpty)
        }
    }

    /// A node that can only dial out, with links to 2, 3 and 4, and a member 9 like itself.
    private func behindWalls() -> Bench {
        var bench = Bench(reachability: .outboundOnly)
        for number in 2...4 as ClosedRange<UInt64> {
            _ = bench.give(.linkOpened(node(number), tag(number), isInbound: false))
            bench.admit(number)
        }
        bench.admit(9, reachability: .outboundOnly)
        return bench
    }

    @Test func `two that only dial out are probed through a third at once, who is remembered`() {
        var bench = behindWalls()
        var relays: [NodeID] = []
        while bench.now < .origin + .seconds(60) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            for (packet, to, path) in effects.packets where to == node(9) {
                guard case .relay(let relay) = path, packet.isPing else { continue }
                relays.append(relay)
            }
            bench.answer(effects)
        }
        #expect(relays.count > 10)
        #expect(Set(relays.dropFirst()).count == 1, "the one that worked")
        #expect(bench.state(of: 9) == .alive)
        #expect(bench.core.view(of: node(9))?.relay == relays.last)
    }

    @Test func `a relay that cannot is not asked first again`() {
        var bench = behindWalls()
        _ = bench.give(
            [], from: 9, message: .ack(sequence: 1, AckReport(load: .idle)), path: .relay(node(2)))
        var relays: Set<NodeID> = []
        while bench.now < .origin + .seconds(40) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            for (_, to, path) in effects.packets where to == node(9) {
                guard case .relay(let relay) = path else { continue }
                relays.insert(relay)
                let receipt = GossipPacket.encode(
                    .forwardReceipt(number: 1, accepted: false), claims: [])
                _ = bench.give(.packet(receipt, from: relay, path: .link))
            }
            bench.answer(effects, but: [9])
        }
        #expect(relays == [node(2), node(3), node(4)])
    }

    @Test func `a relay that refuses is forgotten, and one that does its part is not`() throws {
        var bench = behindWalls()
        /// All but 9 answer, until it is asked through a relay.
        func askedNext(_ bench: inout Bench) throws -> (number: UInt32, relay: NodeID) {
            while bench.now < .origin + .seconds(100) {
                bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
                let effects = bench.core.tick(at: bench.now, using: &bench.random)
                bench.answer(effects, but: [9])
                for (packet, to, path) in effects.packets where to == node(9) {
                    guard case .relay(let relay) = path, case .ping(let number) = packet.message
                    else { continue }
                    return (number, relay)
                }
            }
            return try #require(nil)
        }
        func answer(_ asked: (number: UInt32, relay: NodeID)) {
            _ = bench.give(
                [], from: 9, message: .ack(sequence: asked.number, .idle),
                path: .relay(asked.relay))
        }
        func receipt(from relay: NodeID, _ accepted: Bool) {
            _ = bench.give(
                [], from: relay.number, message: .forwardReceipt(number: 1, accepted: accepted),
                path: .link)
        }
        var known: NodeID? { bench.core.view(of: node(9))?.relay }
        let first = try askedNext(&bench)
        answer(first)
        #expect(known == first.relay)
        let second = try askedNext(&bench)
        #expect(second.relay == first.relay)
        receipt(from: second.relay, true)
        #expect(known == first.relay)
        answer(second)
        let third = try askedNext(&bench)
        let other = third.relay == node(2) ? node(3) : node(2)
        receipt(from: other, false)
        #expect(known == first.relay, "it was not asked")
        receipt(from: third.relay, false)
        #expect(known == nil)
    }

    @Test func `packets through relays keep to their smaller limit`() {
        var bench = behindWalls()
        for number in 10...60 as ClosedRange<UInt64> { bench.admit(number) }
        var largest = 0
        for effect in bench.run(until: .seconds(30)) {
            guard case .send(let bytes, _, .relay) = effect else { continue }
            largest = max(largest, bytes.count)
        }
        #expect(largest <= GossipLimits.relayedPacketBytesMax)
        #expect(largest > GossipLimits.relayedPacketBytesMax / 2, "the test was not vacuous")
    }

    @Test func `a member whose datagrams stopped is asked by link, and datagrams are tried again`()
    {
        var bench = Bench()
        _ = bench.give(.linkOpened(node(2), tag(2), isInbound: true))
        bench.admit(2)
        var passes = false
        var paths: [GossipPath] = []
        while bench.now < .origin + .seconds(30) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            for (packet, to, path) in effects.packets {
                guard case .ping(let number) = packet.message, path == .link || passes else {
                    continue
                }
                paths.append(path)
                let ack = GossipPacket.encode(
                    .ack(sequence: number, AckReport(load: .idle)), claims: [])
                _ = bench.give(.packet(ack, from: to, path: path))
            }
            if bench.now > .origin + .seconds(10), !passes {
                #expect(bench.core.path(to: node(2)) == .link)
                #expect(bench.core.view(of: node(2))?.isDatagramSilent == true)
                passes = true
            }
        }
        #expect(bench.core.path(to: node(2)) == .datagram)
        #expect(bench.core.view(of: node(2))?.isDatagramSilent == false)
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func `a node that datagrams don't reach dials everybody who can be dialled`() {
        for reachability in [Reachability.outboundOnly, .streamsOnly] {
            var bench = Bench(reachability: reachability)
            bench.admit(2)
            bench.admit(3, reachability: .streamsOnly)
            bench.admit(4, reachability: .outboundOnly)
            let dialled = bench.run(until: .milliseconds(10)).compactMap { effect -> NodeID? in
                if case .connect(let node, _) = effect { return node }
                return nil
            }
            #expect(Set(dialled) == [node(2), node(3)])
        }
    }
}
