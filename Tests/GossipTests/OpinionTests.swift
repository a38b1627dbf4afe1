import Testing
import Wire

@testable import Gossip

@Suite struct OpinionTests {
    private func bench(
        _ members: UInt64 = 12, _ configuration: GossipConfiguration = GossipConfiguration()
    ) -> Bench {
        var bench = Bench(configuration: configuration)
        for number in 2...members { bench.admit(number) }
        return bench
    }

    private func refuted(_ number: UInt64 = 2) -> Claim {
        signed(.alive(aliveClaim(number, incarnation: 1)), by: number)
    }

    private func corrections(_ effects: [GossipEffect], to number: UInt64) -> [GossipPacket] {
        effects.packets.filter { packet, to, _ in
            to == node(number) && packet.claims.contains(refuted())
        }.map(\.packet)
    }

    private func step(_ bench: inout Bench) -> [GossipEffect] {
        bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
        return bench.core.tick(at: bench.now, using: &bench.random)
    }

    /// The number of a ping that asks about member 2, by another's accusation or this node's own.
    private func question(_ packet: GossipPacket, to receiver: NodeID) -> UInt32? {
        guard receiver != node(2), case .ping(let number) = packet.message else { return nil }
        let asks = packet.claims.contains { claim in
            if case .suspect(let suspect) = claim.body { suspect.subject == node(2) } else { false }
        }
        return asks ? number : nil
    }

    /// A mesh that probes nobody and passes nothing on for long, and whose member 2 is accused by four.
    private func accused() -> Bench {
        var configuration = GossipConfiguration()
        configuration.probeInterval = .seconds(100)
        configuration.gossipInterval = .seconds(100)
        configuration.features.remove(.volunteers)
        var bench = bench(12, configuration)
        for accuser in 3...6 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
        }
        return bench
    }

    @Test func `whoever passes on what was refuted is told so, once a period`() {
        var bench = bench()
        _ = bench.give([refuted()], from: 2)
        let stale = suspectClaim(2, by: 3)
        #expect(corrections(bench.give([stale], from: 4), to: 4).count == 1)
        #expect(corrections(bench.give([stale], from: 4), to: 4).isEmpty, "the same period")
        #expect(corrections(bench.give([stale], from: 5), to: 5).count == 1, "another")
        #expect(corrections(bench.give([stale], from: 2), to: 2).isEmpty, "it knows itself")
        bench.now = bench.now + .seconds(1)
        #expect(corrections(bench.give([stale], from: 4), to: 4).count == 1)
        let present = suspectClaim(2, by: 3, incarnation: 1)
        bench.now = bench.now + .seconds(1)
        #expect(corrections(bench.give([present], from: 4), to: 4).isEmpty, "nothing refutes it")
        #expect(bench.state(of: 2) == .suspect)
    }

    @Test func `who asks about it is told with each answer`() {
        var bench = bench()
        _ = bench.give([refuted()], from: 2)
        for number in 1...3 as ClosedRange<UInt32> {
            let effects = bench.give(
                [suspectClaim(2, by: 4)], from: 4, message: .ping(sequence: number))
            let packets = corrections(effects, to: 4)
            #expect(packets.count == 1)
            guard case .ack(number, _)? = packets.first?.message else {
                Issue.record("the answer brings it")
                return
            }
        }
        // Of no more than a few, whatever is asked.
        for number in 5...9 as ClosedRange<UInt64> {
            _ = bench.give([refuted(number)], from: number)
        }
        let all = (5...9 as ClosedRange<UInt64>).map { suspectClaim($0, by: 4) }
        bench.core.packings = PackingRecords()
        _ = bench.give(all, from: 3, message: .ping(sequence: 9))
        let answer = bench.core.packings?.list.first { $0.isProbe }
        #expect(answer?.corrections == [5, 6].map { refuted($0).encoded })
    }

    @Test func `nobody is buried before others were asked, and what they know saves it`() {
        for knows in [false, true] {
            var bench = accused()
            var asked: Set<NodeID> = []
            while bench.state(of: 2) == .suspect, bench.now < .origin + .seconds(10) {
                for (packet, to, _) in step(&bench).packets {
                    guard let number = question(packet, to: to) else { continue }
                    asked.insert(to)
                    let ack = GossipMessage.ack(sequence: number, .idle)
                    _ = bench.give(knows ? [refuted()] : [], from: to.number, message: ack)
                }
            }
            #expect(asked.count == GossipLimits.opinionsMax)
            #expect(bench.state(of: 2) == (knows ? .alive : .dead))
            if !knows { #expect(bench.now == .origin + .milliseconds(1800)) }
        }
    }

    @Test func `while none of them answers they are asked again, but not for ever`() throws {
        var bench = accused()
        var times: Set<MonotonicInstant> = []
        while bench.state(of: 2) == .suspect, bench.now < .origin + .seconds(20) {
            for (packet, to, _) in step(&bench).packets
            where question(packet, to: to) != nil { times.insert(bench.now) }
        }
        #expect(times.count == GossipLimits.opinionRoundsMax)
        let last = try #require(times.max())
        #expect(bench.state(of: 2) == .dead)
        #expect(last >= .origin + .milliseconds(2500))
        #expect(bench.now == last + .milliseconds(500))
    }

    @Test func `who is asked is another member each time, and none that is accused itself`() {
        var bench = accused()
        for subject in 8...12 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(subject, by: 7)], from: 7)
        }
        while bench.state(of: 2) == .suspect, bench.now < .origin + .seconds(20) {
            for (packet, to, _) in step(&bench).packets
            where question(packet, to: to) != nil { #expect((3...7).contains(to.number)) }
        }
        #expect(bench.state(of: 2) == .dead)
    }

    @Test func `where there is nobody to ask a burial waits for no answer`() {
        var bench = bench(2)
        while bench.state(of: 2) != .suspect { _ = step(&bench) }
        let began = bench.now
        _ = bench.give(.linkRefused(node(2)))
        while bench.state(of: 2) == .suspect { _ = step(&bench) }
        #expect(bench.now - began <= .milliseconds(1900))
    }

    @Test func `what goes through others has twice the time to be answered`() throws {
        var bench = accused()
        // Nobody reaches it directly any more, and the time is shortened when it is nearly over.
        var claim = aliveClaim(2, incarnation: 1, reachability: .outboundOnly)
        claim.addresses = []
        _ = bench.give([signed(.alive(claim), by: 2)], from: 5)
        _ = bench.give([suspectClaim(2, by: 3, incarnation: 1)], from: 3)
        var asked: MonotonicInstant?
        while bench.state(of: 2) == .suspect, bench.now < .origin + .seconds(20) {
            let effects = step(&bench)
            for (packet, to, path) in effects.packets where to == node(2) {
                guard case .relay = path, case .ping = packet.message else { continue }
                if let asked, bench.now > asked { continue }
                asked = bench.now
                for accuser in 4...6 as ClosedRange<UInt64> {
                    _ = bench.give(
                        [suspectClaim(2, by: accuser, incarnation: 1)], from: accuser)
                }
            }
            bench.answer(effects, but: [2])
        }
        #expect(bench.state(of: 2) == .dead)
        #expect(bench.now - (try #require(asked)) >= .seconds(1))
    }

    @Test func `that one who can only dial out can't be dialled says nothing`() {
        for reachability in [Reachability.direct, .outboundOnly] {
            var bench = Bench()
            bench.admit(2, reachability: reachability)
            while bench.state(of: 2) != .suspect { _ = step(&bench) }
            let began = bench.now
            _ = bench.give(.linkRefused(node(2)))
            while bench.state(of: 2) == .suspect { _ = step(&bench) }
            #expect((bench.now - began < .seconds(4)) == (reachability == .direct))
        }
    }

    @Test func `who says of no address that it can be found there is not dialled`() {
        var bench = Bench()
        _ = bench.give(.certified(node(2), tag(2)))
        var claim = aliveClaim(2, reachability: .outboundOnly)
        claim.addresses = []
        _ = bench.give([signed(.alive(claim), by: 2)], from: 2)
        while bench.state(of: 2) != .suspect {
            #expect(
                !step(&bench).contains { effect in
                    if case .connect = effect { true } else { false }
                })
        }
    }
}
