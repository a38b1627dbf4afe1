import Testing
import Wire

@testable import Gossip

/// Packets that go through a third member, sealed end to end.
@Suite struct RelayTests {
    /// Three nodes, of which 1 and 2 can't reach each other.
    private func divided(
        running duration: Duration = .seconds(5), hidesBoots: Bool = false
    ) -> Wires {
        var wires = Wires()
        wires.hidesBoots = hidesBoots
        for number in 1...3 as ClosedRange<UInt64> { wires.start(number) }
        wires.cuts = [[1, 2]]
        wires.introduce()
        wires.run(duration)
        return wires
    }

    private func ping(_ sequence: UInt32) -> [UInt8] {
        GossipPacket.encode(.ping(sequence: sequence), claims: [])
    }

    @Test func aMemberThatOnlyAThirdReachesStaysAlive() {
        let wires = divided(running: .seconds(120))
        #expect(wires.state(1, of: 2) == .alive && wires.state(2, of: 1) == .alive)
        #expect((wires.endpoints[3]?.counters.gossip.relayed ?? 0) > 0)
        #expect(wires.counters(1).sessionsMade >= 2, "a session through the relay")
        for observer in [1, 2] as [UInt64] {
            #expect(!(wires.events[observer] ?? []).contains { $0.event == .died })
        }
    }

    @Test func greetingPacketAndAnswerGoTheSameWay() {
        var wires = divided(running: .zero, hidesBoots: true)
        wires.cuts = []
        wires.record = []
        wires.send(ping(5), from: 1, to: 2, path: .relay(node(3)))
        #expect(!wires.record.isEmpty)
        #expect(
            wires.record.allSatisfy { sent in
                sent.from == address(3) || sent.to == address(3)
            }, "nothing goes past the relay")
        #expect((wires.endpoints[1]?.counters.endpoint.relayedReceived ?? 0) >= 2, "answer and ack")
        #expect(wires.endpoints[1]?.counters.gossip.malformed == 0)
        #expect(wires.counters(1).sessionsMade == 2 && wires.counters(2).sessionsMade == 2)
    }

    @Test func aRelayOverLinksServesToo() {
        var wires = Wires()
        for number in 1...3 as ClosedRange<UInt64> { wires.start(number) }
        wires.cuts = [[1, 2], [1, 3], [2, 3]]
        wires.introduce()
        wires.link(1, 3)
        wires.link(2, 3)
        wires.run(.seconds(120))
        #expect(wires.state(1, of: 2) == .alive && wires.state(2, of: 1) == .alive)
    }

    /// Every datagram that 1 and 2 sealed for each other in an honest exchange through 3.
    private func sealed(_ wires: inout Wires) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for step in 0..<6 as Range<UInt32> {
            wires.now = wires.now + .seconds(1)
            guard
                let datagrams = wires.endpoints[1]?.sessions.seal(
                    ping(step), to: node(2), isRelayed: true, at: wires.now)
            else { continue }
            for datagram in datagrams {
                found.append(datagram)
                pass(datagram, from: 1, to: 2, &wires)
            }
        }
        return found
    }

    /// What a relay does with a datagram: it says whom it is from.
    private func pass(
        _ datagram: [UInt8], from origin: UInt64, to target: UInt64, by relay: UInt64 = 3,
        _ wires: inout Wires
    ) {
        // Not faster than a relay is allowed to be.
        wires.now = wires.now + GossipLimits.forwardsPerMember.period
        let packet = GossipPacket.encode(
            .forwarded(from: node(origin), sealed: datagram), claims: [])
        wires.give(target, .packet(packet, from: node(relay), path: .link))
    }

    @Test func aRelayCannotForge() {
        var wires = divided(running: .seconds(20))
        let genuine = sealed(&wires)
        #expect(genuine.count >= 6)
        let before = (wires.holdings(1), wires.holdings(2))
        let malformed = wires.endpoints[2]?.counters.gossip.malformed
        let refused = wires.endpoints[2]?.counters.endpoint.relayedRefused ?? 0
        let received = wires.endpoints[2]?.counters.endpoint.relayedReceived ?? 0
        wires.events = [:]
        // It repeats, and it alters.
        for datagram in genuine {
            pass(datagram, from: 1, to: 2, &wires)
            for bit in stride(from: 0, to: datagram.count * 8, by: 31) {
                var changed = datagram
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                pass(changed, from: 1, to: 2, &wires)
            }
            // It turns them round, and says that they are another's.
            pass(datagram, from: 2, to: 1, &wires)
            pass(datagram, from: 3, to: 2, &wires)
        }
        // It speaks in the name of another, under its own key.
        let own =
            wires.endpoints[3]?.sessions.seal(ping(9), to: node(2), at: wires.now) ?? []
        #expect(!own.isEmpty)
        for datagram in own { pass(datagram, from: 1, to: 2, &wires) }
        // It answers in the target's name: its words are its own.
        let ack = GossipPacket.encode(
            .ack(sequence: 1, AckReport(load: .idle)), claims: [])
        let answer = wires.endpoints[3]?.sessions.seal(ack, to: node(1), at: wires.now) ?? []
        for datagram in answer { pass(datagram, from: 2, to: 1, &wires) }

        #expect(wires.holdings(1).views == before.0.views)
        #expect(wires.holdings(2).views == before.1.views)
        #expect(wires.holdings(1).sizes == before.0.sizes)
        #expect(wires.holdings(2).sizes?.sessions == before.1.sizes?.sessions)
        #expect(wires.endpoints[2]?.counters.gossip.malformed == malformed)
        #expect((wires.endpoints[2]?.counters.endpoint.relayedRefused ?? 0) > refused)
        #expect(wires.events.isEmpty)
        let tried = (wires.endpoints[2]?.counters.endpoint.relayedReceived ?? 0) - received
        #expect(tried > 100, "they came through, and were refused by their seal")
        // Of one that nobody has seen yet its sender says that it is another's.
        let sent = wires.endpoints[2]?.counters.gossip.packetsSent
        let refusedBefore = wires.endpoints[2]?.counters.endpoint.relayedRefused ?? 0
        for (sealer, named) in [(1, 3), (3, 1)] as [(UInt64, UInt64)] {
            let fresh =
                wires.endpoints[sealer]?.sessions.seal(
                    ping(5), to: node(2), isRelayed: true, at: wires.now) ?? []
            #expect(fresh.count == 1)
            for datagram in fresh { pass(datagram, from: named, to: 2, by: sealer, &wires) }
        }
        let refusedNow = wires.endpoints[2]?.counters.endpoint.relayedRefused ?? 0
        #expect(refusedNow == refusedBefore + 2)
        #expect(wires.endpoints[2]?.counters.gossip.packetsSent == sent, "nothing was answered")
        // And honest ones still arrive.
        wires.run(.seconds(60))
        #expect(wires.state(1, of: 2) == .alive && wires.state(2, of: 1) == .alive)
    }

    @Test func aRelayedPacketDoesNotMoveAnAddress() {
        var wires = divided(running: .seconds(20))
        _ = sealed(&wires)
        wires.cuts = []
        wires.record = []
        wires.send(ping(1), from: 2, to: 1)
        #expect(wires.record.contains { $0.from == address(2) && $0.to == address(1) })
        #expect(wires.record.allSatisfy { $0.to != address(3) })
    }

    @Test func aDatagramWithinADatagramIsNotOpened() {
        var wires = divided(running: .seconds(20))
        // Both are genuine; that one is within the other is not.
        let within = wires.endpoints[3]?.sessions.seal(ping(7), to: node(2), at: wires.now) ?? []
        #expect(within.count == 1)
        let packet = GossipPacket.encode(
            .forwarded(from: node(3), sealed: within.first ?? []), claims: [])
        let sealed = wires.endpoints[1]?.sessions.seal(packet, to: node(2), at: wires.now) ?? []
        let before = wires.endpoints[2]?.counters.endpoint
        for datagram in sealed { pass(datagram, from: 1, to: 2, &wires) }
        let after = wires.endpoints[2]?.counters.endpoint
        #expect(after?.relayedReceived == before.map { $0.relayedReceived + 1 })
        #expect(after?.relayedRefused == before.map { $0.relayedRefused + 1 })
    }

    @Test func aMemberThatFloodsItsLinkIsNotHeard() {
        var wires = divided(running: .seconds(5))
        let before = wires.endpoints[2]?.counters.gossip.packetsSent ?? 0
        for step in 0..<9000 as Range<UInt32> {
            wires.give(2, .packet(ping(step), from: node(3), path: .link))
        }
        #expect((wires.endpoints[2]?.counters.endpoint.linkOverLimit ?? 0) > 500)
        let answered = (wires.endpoints[2]?.counters.gossip.packetsSent ?? 0) - before
        #expect(answered <= 8192)
        wires.run(.seconds(30))
        #expect(wires.state(2, of: 3) == .alive && wires.state(3, of: 2) == .alive)
    }
}
