import Testing
import Wire

@testable import Gossip

@Suite struct LocalHealthTests {
    @Test
    func `failures raise it up to its bound, success lowers it, and it stretches what is waited`() {
        var health = LocalHealth()
        #expect(health.stretched(.seconds(1)) == .seconds(1))
        for _ in 0..<20 { health.raise() }
        #expect(health.score == GossipLimits.localHealthMax)
        #expect(health.stretched(.seconds(1)) == .seconds(9))
        for _ in 0..<20 { health.lower() }
        #expect(health.score == 0)
    }

    @Test func `patience grows with the doubling of lateness and is forgotten by halves`() {
        let start = MonotonicInstant.origin
        for (late, patience) in [(49, 0), (50, 1), (100, 2), (400, 4), (3200, 7), (60_000, 7)] {
            var health = LocalHealth()
            health.fired(
                late: .milliseconds(late), at: start, every: .seconds(1), raises: false)
            #expect(health.patience(at: start) == UInt8(patience), "\(late) ms")
            #expect(health.patience(at: start + .seconds(200)) == 0)
        }
        var health = LocalHealth()
        health.fired(late: .milliseconds(400), at: start, every: .seconds(1), raises: false)
        #expect(health.patience(at: start + .seconds(8)) == 3)
        #expect(health.score == 0)
    }

    @Test func `a late timer raises it once in an interval`() {
        var health = LocalHealth()
        for step in 0..<10 {
            health.fired(
                late: .milliseconds(300), at: .origin + .milliseconds(step * 50),
                every: .seconds(1), raises: true)
        }
        #expect(health.score == 1)
    }

    @Test func `a slow node waits longer before it blames others`() {
        // Nobody answers a node that has no time: its own failures slow its probes.
        var bench = Bench()
        for number in 2...30 as ClosedRange<UInt64> { bench.admit(number) }
        let effects = bench.run(until: .seconds(40))
        let pings = effects.packets.count { $0.packet.isPing && $0.path == .datagram }
        #expect(bench.core.localHealth == GossipLimits.localHealthMax)
        #expect(pings < 90, "29 members, 40 s: \(pings) pings, repeated ones and calls included")
        var plain = Bench(configuration: .plainSWIM)
        for number in 2...30 as ClosedRange<UInt64> { plain.admit(number) }
        _ = plain.run(until: .seconds(40))
        #expect(plain.core.localHealth == 0)
    }

    @Test func `one accuser does not slow a node, two do`() {
        for accusers in [1, 2] as [UInt64] {
            var bench = Bench()
            for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
            for round in 0..<3 as Range<UInt32> {
                bench.now = .origin + .milliseconds(Int(round) * 1200)
                for accuser in 2..<2 + accusers {
                    _ = bench.give(
                        [suspectClaim(1, by: accuser, incarnation: round)], from: accuser)
                }
            }
            #expect(bench.core.local.incarnation == 3)
            #expect(bench.core.localHealth == (accusers == 1 ? 0 : 1))
        }
    }

    @Test func `receipts of relays show that the fault is not here`() {
        for answers in [true, false] {
            var bench = Bench()
            for number in 2...8 as ClosedRange<UInt64> { bench.admit(number) }
            var relayed: [GossipEffect] = []
            while bench.core.counters.probesFailed == 0 {
                bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
                let effects = bench.core.tick(at: bench.now, using: &bench.random)
                relayed += effects
                guard answers else { continue }
                for (_, _, path) in effects.packets {
                    guard case .relay(let relay) = path else { continue }
                    let receipt = GossipPacket.encode(
                        .forwardReceipt(number: 1, accepted: true), claims: [])
                    _ = bench.give(.packet(receipt, from: relay, path: .datagram))
                }
            }
            #expect(bench.core.localHealth == (answers ? 0 : 2))
        }
    }
}
