import Testing
import Wire

@testable import Gossip

/// What somebody on the way may have held back, what is too long for it, and whose fault a silence is.
@Suite struct HeldBackTests {
    private func mesh(_ last: UInt64, seed: UInt64 = 1) -> Bench {
        var bench = Bench(seed: seed)
        for number in 2...last { bench.admit(number) }
        return bench
    }

    private func step(_ bench: inout Bench) -> [GossipEffect] {
        bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
        return bench.core.tick(at: bench.now, using: &bench.random)
    }

    /// Steps until member 2 is in `state`, while all others answer and datagrams of it that answer
    /// nothing come all the time.
    private func time(until state: MemberState, in bench: inout Bench) -> Duration {
        let began = bench.now
        var number: UInt32 = 0
        while bench.state(of: 2) != state, bench.now < began + .seconds(60) {
            let effects = step(&bench)
            bench.answer(effects, but: [2])
            bench.now = bench.now + .microseconds(1)
            number += 1
            _ = bench.give([], from: 2, message: .ping(sequence: number))
        }
        return bench.now - began
    }

    @Test func `recordings keep a silent member from being accused for one more question`() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var bench = mesh(4, seed: seed)
            #expect(time(until: .suspect, in: &bench) < .seconds(8), "seed \(seed)")
        }
    }

    @Test func `recordings postpone a burial for one more question`() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var bench = mesh(12, seed: seed)
            for accuser in 3...6 as ClosedRange<UInt64> {
                _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
            }
            let took = time(until: .dead, in: &bench)
            #expect((Duration.milliseconds(2200)...(.seconds(4))).contains(took), "seed \(seed)")
        }
    }

    @Test func `what asks through others, or again, carries nothing for others`() {
        var bench = mesh(12)
        var pings = bench.run(until: .milliseconds(1050)).packets.filter { $0.packet.isPing }
        #expect(pings.count == 1)
        // All of this waits to be passed on, some times each.
        for number in 3...12 as ClosedRange<UInt64> {
            _ = bench.give(
                [signed(.alive(aliveClaim(number, incarnation: 1)), by: number)], from: 2)
        }
        pings = bench.run(until: .milliseconds(1550)).packets.filter { $0.packet.isPing }
        #expect(pings.count >= 4)
        #expect(pings.allSatisfy { $0.packet.claims.isEmpty })
        let news = bench.run(until: .milliseconds(1650)).packets
        #expect(news.contains { !$0.packet.claims.isEmpty }, "there still was something to say")
    }

    @Test func `a relay adds nothing to what it passes on, nor does an answer through one`() {
        var bench = mesh(12)
        let passed = bench.give(
            [], from: 2, message: .forward(number: 7, to: node(3), sealed: [1, 2, 3]))
        #expect(passed.packets.count == 2)
        #expect(passed.packets.allSatisfy { $0.packet.claims.isEmpty })
        let far = bench.give([], from: 2, message: .ping(sequence: 1), path: .relay(node(3)))
        #expect(far.packets.count == 1)
        #expect(far.packets.allSatisfy { $0.packet.claims.isEmpty })
        let near = bench.give([], from: 2, message: .ping(sequence: 2))
        #expect(near.packets.first?.packet.claims.isEmpty == false)
    }

    @Test(arguments: [false, true])
    func `who hears a relay does not blame itself for the silence of others`(hears: Bool) {
        var bench = mesh(12)
        while bench.core.counters.probesFailed == 0 {
            for (_, _, path) in step(&bench).packets {
                guard hears, case .relay(let relay) = path else { continue }
                let receipt = GossipPacket.encode(
                    .forwardReceipt(number: 1, accepted: true), claims: [])
                _ = bench.give(.packet(receipt, from: relay, path: .datagram))
                break
            }
        }
        #expect(bench.core.localHealth == (hears ? 0 : 2))
    }

    @Test func `a way on which most datagrams are lost is none while a link stands`() {
        var dealings = Dealings()
        dealings.datagramSilences = 2
        dealings.datagramPassed()
        #expect(dealings.datagramSilences == 1)
        dealings.datagramPassed()
        dealings.datagramPassed()
        #expect(dealings.datagramSilences == 0)
    }

    @Test func `parts of a share that were used up are not given again`() {
        var queue = BroadcastQueue()
        let claim = suspectClaim(2, by: 3)
        let key = BroadcastQueue.Key(kind: .suspect, subject: 2, accuser: 3)
        var taken = 0
        for _ in 0..<100 {
            queue.add(claim, key, lane: .second, limit: 4)
            taken += queue.take(room: 1000, count: 8, limit: 4, receiver: 7, share: 3).count
            queue.remove(key)
        }
        #expect((4...12).contains(taken))
    }
}
