import Testing
import Wire

@testable import Gossip

/// What a node says of itself: how often, and to whom.
@Suite struct SectionTests {
    private func versions(_ claims: [Claim], _ kind: ClaimKind) -> [UInt32] {
        var versions: [UInt32] = []
        for claim in claims where claim.author == node(1) {
            switch (claim.body, kind) {
            case (.metadata(let section), .metadata): versions.append(section.version)
            case (.activity(let section), .activity): versions.append(section.version)
            default: break
            }
        }
        return versions
    }

    @Test func `metadata has one version a second at most, and the last one is told`() {
        var bench = Bench()
        for number in 2...5 as ClosedRange<UInt64> { bench.admit(number) }
        var seen: Set<UInt32> = []
        for step in 0..<40 {
            bench.now = .origin + .milliseconds(step * 100)
            _ = bench.give(.metadata(metadata(UInt64(step))))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            seen.formUnion(versions(effects.claims, .metadata))
            bench.answer(effects)
        }
        #expect(seen.count <= 5 && seen.count >= 3)
        _ = bench.run(until: .seconds(6))
        #expect(bench.core.localMetadata == metadata(39))
    }

    @Test func `an activity is told when it changes coarsely, every five seconds at most`() {
        var bench = Bench()
        for number in 2...5 as ClosedRange<UInt64> { bench.admit(number) }
        func version() -> UInt32 { bench.core.own.activity.version }
        func give(_ queued: UInt16, at seconds: Int) {
            bench.now = .origin + .seconds(seconds)
            _ = bench.give(
                .activity(MemberActivity(load: MemberLoad(queued: queued, running: 1))))
        }
        give(8, at: 0)
        #expect(version() == 1)
        give(100, at: 1)
        #expect(version() == 1, "too soon")
        _ = bench.run(until: .seconds(6))
        #expect(version() == 2, "but not forgotten")
        give(120, at: 20)
        #expect(version() == 2, "the same power of two")
        let ack = bench.give([], from: 2, message: .ping(sequence: 1)).packets.first?.packet.message
        guard case .ack(_, let report) = ack else {
            Issue.record("no ack")
            return
        }
        #expect(report.load.queued == 120, "acks tell it precisely")
        give(300, at: 40)
        #expect(version() == 3)
    }

    @Test func `what is coarse`() {
        let base = MemberActivity(
            load: MemberLoad(queued: 4, running: 2, freeKVTokens: 1000),
            speeds: [
                ModelSpeed(
                    model: 0, prefillNanosecondsPerToken: 1000, decodeNanosecondsPerToken: 5000)
            ], prefixes: [PrefixDigest(1)])
        #expect(!base.isNews(after: base))
        var other = base
        other.speeds[0].decodeNanosecondsPerToken = 5900
        #expect(!other.isNews(after: base))
        other.speeds[0].decodeNanosecondsPerToken = 6100
        #expect(other.isNews(after: base))
        other = base
        other.prefixes = [PrefixDigest(2)]
        #expect(other.isNews(after: base))
        other = base
        other.load.freeKVTokens = 3000
        #expect(other.isNews(after: base))
        let here = Coordinate(
            vector: SIMD8(0.1, 0, 0, 0, 0, 0, 0, 0), height: 0.001, adjustment: 0, error: 0.2)
        var there = here
        there.vector[0] = 0.108
        #expect(!there.hasMoved(from: here), "8 ms of 100")
        there.vector[0] = 0.112
        #expect(there.hasMoved(from: here))
    }

    @Test func `activity waits for packets that are sent anyway`() {
        var bench = Bench()
        for number in 2...30 as ClosedRange<UInt64> { bench.admit(number) }
        while bench.now < .origin + .seconds(30) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            bench.answer(bench.core.tick(at: bench.now, using: &bench.random))
        }
        let before = bench.core.counters.packetsSent
        _ = bench.give(.activity(MemberActivity(prefixes: [PrefixDigest(7)])))
        var told = 0
        while bench.now < .origin + .seconds(40) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            told += versions(effects.claims, .activity).count
            bench.answer(effects)
        }
        #expect(told > 2)
        #expect(bench.core.counters.packetsSent - before <= 11)
    }

    @Test func `how it can be reached is a new incarnation, once a second at most`() {
        var bench = Bench()
        bench.admit(2)
        for (index, reachability) in Reachability.allCases.enumerated() {
            bench.now = .origin + .milliseconds(10 * index)
            _ = bench.give(.reachability(reachability, [address(100 + UInt64(index))]))
        }
        #expect(bench.core.local.incarnation == 1)
        _ = bench.run(until: .seconds(3))
        #expect(bench.core.local.incarnation == 2)
        #expect(bench.core.local.reachability == .outboundOnly)
        #expect(bench.core.local.addresses == [address(1), address(102)], "the last, not all")
        _ = bench.give(.reachability(.outboundOnly, [address(102)]))
        _ = bench.run(until: .seconds(6))
        #expect(bench.core.local.incarnation == 2, "the same again is nothing new")
    }

    @Test func `where this node is seen is collected from acks, a few at a time`() {
        var bench = Bench()
        bench.admit(2)
        for number in 0..<20 as Range<UInt32> {
            let report = AckReport(load: .idle, observed: address(UInt64(number)))
            _ = bench.give([], from: 2, message: .ack(sequence: number, report))
        }
        #expect(bench.core.addressReports.count == GossipLimits.addressReportsMax)
        #expect(bench.core.addressReports.last?.address == address(19))
        bench.core.arrivedFrom = address(77)
        let effects = bench.give([], from: 2, message: .ping(sequence: 3))
        guard case .ack(_, let report) = effects.packets.first?.packet.message else {
            Issue.record("no ack")
            return
        }
        #expect(report.observed == address(77))
    }
}

@Suite struct VersionTests {
    private func stranger(_ number: UInt64, _ versions: ClosedRange<UInt8>) -> Claim {
        var alive = aliveClaim(number)
        alive.versionOldest = versions.lowerBound
        alive.versionNewest = versions.upperBound
        return signed(.alive(alive), by: number)
    }

    @Test func `without a common version a member is listed, neither probed nor buried`() {
        var bench = Bench()
        _ = bench.give(.certified(node(2), tag(2)))
        _ = bench.give([stranger(2, 5...7)], from: 2)
        bench.admit(3)
        _ = bench.give([suspectClaim(2, by: 3)], from: 3)
        let effects = bench.run(until: .seconds(60))
        #expect(!effects.packets.contains { $0.to == node(2) })
        #expect(bench.state(of: 2) == .alive)
        #expect(bench.core.view(of: node(2))?.isCompatible == false)
        // A start that speaks ours takes part.
        var alive = aliveClaim(2, generation: 2)
        alive.versionNewest = 7
        _ = bench.give([signed(.alive(alive), by: 2)], from: 3)
        #expect(bench.core.view(of: node(2))?.isCompatible == true)
        #expect(bench.run(until: .seconds(70)).packets.contains { $0.to == node(2) })
    }

    @Test func `packets are of the newest version that both speak`() {
        var configuration = GossipConfiguration()
        configuration.versions = 1...3
        var bench = Bench(configuration: configuration)
        for (number, versions) in [(2, 1...1), (3, 1...2), (4, 2...9)]
            as [(UInt64, ClosedRange<UInt8>)]
        {
            _ = bench.give(.certified(node(number), tag(number)))
            _ = bench.give([stranger(number, versions)], from: number)
        }
        var spoken: [NodeID: Set<UInt8>] = [:]
        for effect in bench.run(until: .seconds(8)) {
            guard case .send(let bytes, let to, .datagram) = effect else { continue }
            spoken[to, default: []].insert(bytes[0])
        }
        #expect(spoken == [node(2): [1], node(3): [2], node(4): [3]])
        #expect(bench.core.local.versionNewest == 3)
    }
}
