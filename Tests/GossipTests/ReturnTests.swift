import Testing
import Wire

@testable import Gossip

/// Seeds, the dead, those that left, and exchanges that speak of them.
@Suite struct ReturnTests {
    private func dials(_ effects: [GossipEffect]) -> [NodeID] {
        effects.compactMap { effect in
            if case .connect(let node, _) = effect { return node }
            return nil
        }
    }

    /// A member whose death this node has concluded.
    private func withDead(_ number: UInt64, others: ClosedRange<UInt64>) -> Bench {
        var bench = Bench()
        bench.admit(number)
        for other in others { bench.admit(other) }
        while bench.state(of: number) != .dead {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            bench.answer(effects, but: [number])
        }
        return bench
    }

    @Test
    func `each seed that is missing is tried for ever, ever less often, whoever else is there`() {
        var bench = Bench()
        _ = bench.give(
            .seeds([(node: node(2), addresses: [address(2)]), (node: node(3), addresses: [])]))
        bench.admit(2)
        var times: [Duration] = []
        while bench.now < .origin + .seconds(7200) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            if dials(effects).contains(node(3)) { times.append(bench.now - .origin) }
            bench.answer(effects)
        }
        #expect(times.count > 7200 / 70)
        #expect(times.count < 7200 / 50)
        #expect((7140...7200).contains(times.last?.seconds ?? 0))
    }

    @Test func `the dead are tried for ever, and told what they are accused of`() {
        var bench = withDead(2, others: 3...5)
        let began = bench.now
        var told = 0
        var dialled = 0
        while bench.now < began + .seconds(3600) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            for (packet, to, _) in effects.packets where to == node(2) {
                told += packet.claims.contains { $0.subject == node(2) } ? 1 : 0
            }
            dialled += dials(effects).count { $0 == node(2) }
            bench.answer(effects, but: [2])
        }
        #expect(told >= 700 && told < 800)
        #expect(dialled >= 700)
    }

    @Test func `a dead member that speaks is told of its death, once a period`() {
        var bench = withDead(2, others: 3...5)
        var told = 0
        for _ in 0..<20 {
            bench.now = bench.now + .milliseconds(100)
            let effects = bench.give([], from: 2)
            told += effects.packets.count { $0.to == node(2) && !$0.packet.claims.isEmpty }
        }
        #expect((2...3).contains(told))
        let back = bench.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 2)
        #expect(back.events(of: 2) == [.recovered])
    }

    @Test func `a newer start beats an old death of whatever incarnation`() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 4_000_000)), by: 2)], from: 2)
        _ = bench.run(until: .seconds(30))
        #expect(bench.state(of: 2) == .dead)
        let effects = bench.give([signed(.alive(aliveClaim(2, generation: 2)), by: 2)], from: 2)
        #expect(effects.events(of: 2) == [.joined])
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func `who is gone is no news to whoever never knew it`() throws {
        var bench = withDead(2, others: 3...5)
        _ = bench.give([signed(.leave(LeaveClaim(node: node(5), generation: 1)), by: 5)], from: 5)
        let (answer, _) = bench.core.answer(
            StateSummary(entries: []).encoded(), from: node(3), at: bench.now,
            using: &bench.random)
        let subjects = Set(try StateAnswer(decoding: try #require(answer)).claims.map(\.subject))
        #expect(subjects == [node(1), node(3), node(4)])
        // Nor is it sent when it is wanted by key.
        let wanted = StateAnswer.encode(
            claims: [], wanted: (1...5).map { StateExchange.key(of: node($0)) })
        let sent = bench.give(.exchanged(wanted, from: node(3))).claims.map(\.subject)
        #expect(Set(sent) == [node(1), node(3), node(4)])
    }

    @Test func `a death is told to whom it is news only with the accusations`() throws {
        var bench = withDead(2, others: 3...5)
        var other = Bench(3)
        for number in [1, 2, 4, 5] as [UInt64] { other.admit(number) }
        let request = other.core.exchangeRequest(version: 1)
        let (answer, _) = bench.core.answer(
            request, from: node(3), at: bench.now, using: &bench.random)
        let effects = other.give(.exchanged(try #require(answer), from: node(1)))
        #expect(effects.events(of: 2) == [.suspected], "it judges for itself")
        #expect(other.state(of: 2) == .suspect)
    }

    @Test
    func `those that left are forgotten after a day, and an old claim does not bring them back`() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give([signed(.leave(LeaveClaim(node: node(2), generation: 1)), by: 2)], from: 2)
        bench.now = .origin + .seconds(23 * 3600)
        _ = bench.core.tick(at: bench.now, using: &bench.random)
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 9)), by: 2)], from: 2)
        #expect(bench.state(of: 2) == .left)
        bench.now = .origin + .seconds(25 * 3600)
        _ = bench.core.tick(at: bench.now, using: &bench.random)
        #expect(bench.state(of: 2) == nil)
    }

    @Test func `tombstones are bounded, the oldest go first`() {
        var configuration = GossipConfiguration()
        configuration.tombstonesMax = 5
        var bench = Bench(configuration: configuration)
        for number in 2...20 as ClosedRange<UInt64> { bench.admit(number) }
        for number in 2...20 as ClosedRange<UInt64> {
            bench.now = bench.now + .milliseconds(10)
            _ = bench.give(
                [signed(.leave(LeaveClaim(node: node(number), generation: 1)), by: number)],
                from: number)
        }
        _ = bench.run(until: .seconds(12))
        #expect(bench.core.memberViews.map(\.id) == (16...20).map { node($0) })
        #expect(bench.core.sizes.tombstones == 5)
    }

    @Test func `where no link is to be had, datagrams alone bring what gossip lost`() {
        var bench = Bench()
        for number in 2...6 as ClosedRange<UInt64> { bench.admit(number) }
        var subjects: Set<NodeID> = []
        while bench.now < .origin + .seconds(120) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            if bench.now > .origin + .seconds(70) {
                subjects.formUnion(effects.claims.map(\.subject))
            }
            bench.answer(effects)
        }
        #expect(subjects == Set((1...6).map { node($0) }))
    }
}
