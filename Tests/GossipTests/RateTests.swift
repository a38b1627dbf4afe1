import Testing
import Wire

@testable import Gossip

@Suite struct RateTests {
    @Test func `a member's news are taken in at a bounded rate, each of its own`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        for incarnation in 1...100 as ClosedRange<UInt32> {
            _ = bench.give(
                [signed(.alive(aliveClaim(2, incarnation: incarnation)), by: 2)], from: 4)
        }
        #expect(
            bench.core.view(of: node(2))?.alive.incarnation == UInt32(GossipLimits.aliveNews.burst))
        let checked = bench.core.counters.signaturesChecked
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 200)), by: 2)], from: 4)
        #expect(bench.core.counters.signaturesChecked == checked, "it costs no more checks")
        _ = bench.give([signed(.alive(aliveClaim(3, incarnation: 1)), by: 3)], from: 4)
        #expect(bench.core.view(of: node(3))?.alive.incarnation == 1)
        bench.now = bench.now + .seconds(10)
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 300)), by: 2)], from: 4)
        #expect(bench.core.view(of: node(2))?.alive.incarnation == 300)
    }

    @Test func `whoever forges is soon not listened to, and uses up nobody else's share`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        for incarnation in 1...1000 as ClosedRange<UInt32> {
            _ = bench.give(
                [signed(.alive(aliveClaim(2, incarnation: incarnation)), by: 3)], from: 3)
        }
        #expect(bench.core.counters.forged < 20)
        // The slandered member's own word still counts.
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 4)
        #expect(bench.core.view(of: node(2))?.alive.incarnation == 1)
    }

    @Test func `a forgery uses up what a member was asked to bring, too`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        // It knows of many whom this node does not: it is asked for 1000, of four claims each.
        let entries = (1...1000 as ClosedRange<UInt64>).map {
            StateSummary.Entry(key: $0, fingerprint: 1)
        }
        let answer = bench.exchange(StateSummary(entries: entries).encoded(), from: 3)
        #expect(answer != nil)
        for incarnation in 1...5000 as ClosedRange<UInt32> {
            _ = bench.give(
                [signed(.alive(aliveClaim(2, incarnation: incarnation)), by: 3)], from: 3)
        }
        let most = (4000 + GossipLimits.signatures.burst) / GossipLimits.forgeryCharge + 2
        #expect(bench.core.counters.forged <= most)
        #expect(bench.core.counters.forged > 60, "it was asked to bring more than others")
    }

    @Test func `one member's accusations count at a bounded rate`() {
        var bench = Bench()
        for number in 2...100 as ClosedRange<UInt64> { bench.admit(number) }
        for subject in 3...100 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(subject, by: 2)], from: subject == 50 ? 2 : 51)
        }
        let suspects = bench.core.memberViews.count { $0.state == .suspect }
        #expect(suspects == GossipLimits.accusations.burst)
        _ = bench.give([suspectClaim(99, by: 4)], from: 4)
        #expect(bench.state(of: 99) == .suspect, "another's are its own")
    }

    @Test func `incarnations and generations at their end trap nobody`() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give(
            [
                signed(.alive(aliveClaim(2, generation: .max, incarnation: .max)), by: 2),
                signed(.leave(LeaveClaim(node: node(2), generation: .max)), by: 2),
            ], from: 2)
        #expect(bench.state(of: 2) == .left)
        var last = GossipCore(
            local: aliveClaim(1, generation: .max, incarnation: .max), metadata: metadata(1),
            authority: ToyAuthority(node: node(1)), now: .origin)
        _ = last.handle(.certified(node(3), tag(3)), at: .origin, using: &bench.random)
        let claims = [
            signed(.alive(aliveClaim(3)), by: 3),
            suspectClaim(1, by: 3, generation: .max, incarnation: .max),
        ]
        let packet = GossipPacket.encode(.none, claims: claims.map(\.encoded))
        _ = last.handle(
            .packet(packet, from: node(3), path: .datagram), at: .origin, using: &bench.random)
        _ = last.tick(at: .origin + .seconds(5), using: &bench.random)
        #expect(last.local.incarnation == .max)
    }

    @Test func `the accused answers once a packet, however often it is accused in it`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        _ = bench.give([suspectClaim(1, by: 2)], from: 2)
        let old = [suspectClaim(1, by: 2), suspectClaim(1, by: 3), suspectClaim(1, by: 4)]
        let effects = bench.give(old, from: 3)
        #expect(effects.packets.count == 1)
    }

    @Test func `exchanges are answered at a bounded rate for each member`() throws {
        var bench = Bench()
        for number in 2...3 as ClosedRange<UInt64> { bench.admit(number) }
        let empty = StateSummary(entries: []).encoded()
        func answered(_ source: UInt64) -> Int {
            (0..<50).count { _ in bench.exchange(empty, from: source) != nil }
        }
        #expect(answered(2) == GossipLimits.exchanges.burst)
        #expect(answered(3) == GossipLimits.exchanges.burst)
    }
}
