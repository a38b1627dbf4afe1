import Testing
import Wire

@testable import Gossip

@Suite struct ProbeTests {
    @Test func everyMemberIsProbedOncePerRound() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var bench = Bench(seed: seed)
            for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
            var probed: [NodeID] = []
            while probed.count < 16 {
                bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
                let effects = bench.core.tick(at: bench.now, using: &bench.random)
                for (packet, to, _) in effects.packets {
                    guard case .ping(let number) = packet.message else { continue }
                    probed.append(to)
                    let ack = GossipPacket.encode(.ack(sequence: number, .idle), claims: [])
                    _ = bench.give(.packet(ack, from: to, path: .datagram))
                }
            }
            #expect(Set(probed.prefix(8)).count == 8, "seed \(seed)")
            #expect(Set(probed[8..<16]).count == 8, "seed \(seed)")
        }
    }

    @Test func anAckGivesRoundTripAndLoad() throws {
        var bench = Bench()
        bench.admit(2)
        let effects = bench.run(until: .seconds(1))
        let ping = try #require(effects.packets.first { $0.to == node(2) && $0.packet.isPing })
        guard case .ping(let number) = ping.packet.message else { return }
        bench.now = bench.now + .milliseconds(30)
        let load = MemberLoad(queued: 4, running: 2)
        _ = bench.give([], from: 2, message: .ack(sequence: number, AckReport(load: load)))
        let view = try #require(bench.core.view(of: node(2)))
        #expect(view.load == load)
        #expect(view.roundTrip == .milliseconds(30))
    }

    @Test func anAckFromSomebodyElseDoesNotCount() {
        var bench = Bench()
        for number in 2...3 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.run(until: .milliseconds(1100))
        for (packet, to, _) in effects.packets {
            guard case .ping(let number) = packet.message else { continue }
            let other: UInt64 = to == node(2) ? 3 : 2
            _ = bench.give([], from: other, message: .ack(sequence: number, .idle))
        }
        _ = bench.run(until: .milliseconds(2100))
        #expect(bench.core.counters.probesFailed == 1)
    }

    @Test func aSilentMemberIsTriedThroughOthersAndByLink() {
        var bench = Bench()
        for number in 2...8 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.run(until: .milliseconds(1600))
        let asked = effects.packets.filter {
            if case .relay = $0.path { return $0.packet.isPing }
            return false
        }
        #expect(asked.count == 3)
        #expect(
            effects.contains { effect in
                if case .connect = effect { return true }
                return false
            })
    }

    @Test func aRelayPassesASealedDatagramOnAndSaysSo() throws {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.give(
            [], from: 2, message: .forward(number: 77, to: node(3), sealed: [1, 2, 3]))
        #expect(
            effects.packets.map(\.packet.message) == [
                .forwardReceipt(number: 77, accepted: true),
                .forwarded(from: node(2), sealed: [1, 2, 3]),
            ])
        #expect(effects.packets.map(\.to) == [node(2), node(3)])
        let unknown = bench.give(
            [], from: 2, message: .forward(number: 78, to: node(9), sealed: [1]))
        #expect(
            unknown.packets.map(\.packet.message) == [
                .forwardReceipt(number: 78, accepted: false)
            ])
    }

    @Test func whatARelayPassesOnIsBounded() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        for number in 0..<2000 as Range<UInt32> {
            _ = bench.give(
                [], from: 2, message: .forward(number: number, to: node(3), sealed: [1]))
        }
        #expect(bench.core.counters.relayed == UInt64(GossipLimits.forwardsPerMember.burst))
    }

    @Test func aPushPullSendsOnlyWhatTheOtherLacks() throws {
        var one = Bench(1)
        var two = Bench(2, seed: 2)
        for number in 3...6 as ClosedRange<UInt64> {
            one.admit(number)
            if number > 3 { two.admit(number) }
        }
        two.admit(7)
        one.admit(2)
        two.admit(1)
        let request = one.core.exchangeRequest(version: 1)
        let (answer, _) = two.core.answer(
            request, from: node(1), at: two.now, using: &two.random)
        let decoded = try StateAnswer(decoding: try #require(answer))
        let subjects = Set(decoded.claims.map(\.author))
        #expect(subjects.isSuperset(of: [node(7)]))
        #expect(subjects.isDisjoint(with: [node(3), node(4), node(5), node(6)]))
        #expect(decoded.wanted.contains(StateExchange.key(of: node(3))))
        _ = one.give(.linkOpened(node(2), tag(2), isInbound: false))
        let effects = one.give(.exchanged(try #require(answer), from: node(2)))
        #expect(effects.claims.contains(signed(.alive(aliveClaim(3)), by: 3)))
        #expect(!effects.claims.contains(signed(.alive(aliveClaim(4)), by: 4)))
    }

    @Test func aPingIsAnsweredOnItsOwnPath() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give(.activity(MemberActivity(load: MemberLoad(queued: 1, running: 1))))
        for path in [GossipPath.datagram, .link] {
            let effects = bench.give([], from: 2, message: .ping(sequence: 5), path: path)
            #expect(effects.packets.map(\.path) == [path])
            guard case .ack(5, let report) = effects.packets.first?.packet.message else {
                Issue.record("no ack on \(path)")
                continue
            }
            #expect(report.load == MemberLoad(queued: 1, running: 1))
        }
    }

    @Test func aMemberThatOnlyDialsOutIsProbedOverItsLink() {
        var bench = Bench()
        _ = bench.give(.linkOpened(node(2), tag(2), isInbound: true))
        bench.admit(2, reachability: .outboundOnly)
        let effects = bench.run(until: .milliseconds(1200))
        #expect(effects.packets.filter { $0.to == node(2) }.allSatisfy { $0.path == .link })
        #expect(effects.packets.contains { $0.packet.isPing })
    }

    @Test func aLinkThatOpensClearsAProbe() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.run(until: .milliseconds(1700))
        _ = bench.give(.linkOpened(node(2), tag(2), isInbound: true))
        _ = bench.run(until: .milliseconds(2001))
        #expect(bench.state(of: 2) == .alive)
    }
}

extension GossipPacket {
    var isPing: Bool {
        if case .ping = message { return true }
        return false
    }
}

@Suite struct DisseminationTests {
    @Test func aClaimIsSentABoundedNumberOfTimes() {
        var bench = Bench()
        for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
        _ = bench.run(until: .seconds(30))
        #expect(bench.core.sizes.broadcasts <= 12, "only accusations of the silent remain")
        var quiet = Bench()
        quiet.admit(2)
        quiet.admit(3)
        _ = quiet.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 2)
        var sent = 0
        for _ in 0..<40 {
            quiet.now = quiet.now + .milliseconds(200)
            for (packet, to, _) in quiet.core.tick(at: quiet.now, using: &quiet.random).packets {
                sent += packet.claims.count { $0.author == node(2) }
                if case .ping(let number) = packet.message {
                    let ack = GossipPacket.encode(.ack(sequence: number, .idle), claims: [])
                    _ = quiet.give(.packet(ack, from: to, path: .datagram))
                }
            }
        }
        #expect((1...4).contains(sent))
        #expect(quiet.core.sizes.broadcasts == 0)
    }

    @Test func packetsStayWithinTheirLimitWhateverWaits() {
        var bench = Bench()
        for number in 2...60 as ClosedRange<UInt64> {
            bench.admit(number)
            _ = bench.give([suspectClaim(number, by: 2)], from: 2)
        }
        var largest = 0
        for effect in bench.run(until: .seconds(8)) {
            guard case .send(let bytes, _, _) = effect else { continue }
            largest = max(largest, bytes.count)
        }
        #expect(largest <= GossipLimits.packetBytesMax)
        #expect(largest > GossipLimits.packetBytesMax / 2, "the test was not vacuous")
    }

    @Test func goodbyeIsSaidAtOnceAndNobodyIsAccusedAfterIt() {
        var bench = Bench()
        for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.give(.leave)
        let told = effects.packets.filter { packet in
            packet.packet.claims.contains { claim in
                if case .leave = claim.body { return true }
                return false
            }
        }
        #expect(told.count == 6)
        _ = bench.run(until: .seconds(5))
        #expect(bench.core.counters.probesFailed == 0)
    }

    @Test func newMetadataHasANewVersionAndSpreads() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.run(until: .milliseconds(100))
        _ = bench.give(.metadata(metadata(5)))
        let claims = bench.run(until: .milliseconds(900)).claims
        let versions = claims.compactMap { claim -> UInt32? in
            guard case .metadata(let claim) = claim.body, claim.node == node(1) else { return nil }
            return claim.version
        }
        #expect(versions.first == 1)
    }

    @Test func aNodeJoinsThroughOneSeed() {
        var bench = Bench()
        _ = bench.give(.seeds([(node: node(2), addresses: [address(2)])]))
        #expect(bench.run(until: .milliseconds(1)).contains(.connect(node(2), [address(2)])))
        let effects = bench.give(.linkOpened(node(2), tag(2), isInbound: false))
        #expect(effects.contains(.pushPull(node(2), bench.core.exchangeRequest(version: 1))))
        for number in [2, 3] as [UInt64] { _ = bench.give(.certified(node(number), tag(number))) }
        let answer = StateAnswer.encode(
            claims: [2, 3].map { signed(.alive(aliveClaim($0)), by: $0).encoded }, wanted: [])
        _ = bench.give(.exchanged(answer, from: node(2)))
        #expect(bench.core.memberViews.map(\.id) == [node(2), node(3)])
    }
}
