import Testing
import Wire

@testable import Gossip

@Suite struct SuspicionRuleTests {
    private func suspicion(_ members: Int, accusers: UInt64) -> Suspicion {
        var suspicion = Suspicion(
            at: .origin, members: members, configuration: GossipConfiguration())
        for accuser in 0..<accusers {
            suspicion.add(suspectClaim(2, by: 10 + accuser), by: node(10 + accuser))
        }
        return suspicion
    }

    @Test func `in a mesh of two and three the fuse is long, and short when a link is refused too`()
    {
        for members in [2, 3] {
            var alone = suspicion(members, accusers: 1)
            #expect(alone.length == .seconds(5))
            alone.isRefused = true
            #expect(alone.length == .milliseconds(1800))
        }
        // Of three, the third's word alone does not make it the shortest.
        #expect(suspicion(3, accusers: 2).length > .milliseconds(2900))
    }

    @Test func `confirmations shorten it, each less than the one before`() {
        let lengths = (1...5).map { suspicion(12, accusers: $0).length }
        #expect(lengths[0] == .milliseconds(7200))
        #expect(lengths[3] == .milliseconds(1800))
        #expect(lengths[4] == lengths[3])
        #expect(lengths[0] - lengths[1] > lengths[1] - lengths[2])
    }

    @Test func `it grows with the mesh`() {
        #expect(Suspicion.doublings(16) == 1000)
        #expect(Suspicion.doublings(32) == 1500)
        #expect(Suspicion.doublings(128) == 2500)
        #expect(Suspicion.doublings(10_000) < 6000)
        #expect(Suspicion.decades(10) == 1000)
        #expect(Suspicion.decades(1000) == 3000)
    }

    @Test func `plain SWIM's is fixed`() {
        var plain = Suspicion(at: .origin, members: 100, configuration: .plainSWIM)
        #expect(plain.length == .seconds(8))
        #expect(plain.wantsAccuser)
        plain.add(suspectClaim(2, by: 3), by: node(3))
        #expect(plain.length == .seconds(8))
    }

    @Test func `each accuser counts once, and takes its word back once`() {
        var suspicion = suspicion(12, accusers: 2)
        #expect(suspicion.isAccused(by: node(10)))
        suspicion.withdraw(node(10))
        #expect(!suspicion.isAccused(by: node(10)))
        #expect(suspicion.accusations.map(\.accuser) == [node(11)])
    }
}

@Suite struct VerdictTests {
    @Test func `another's verdict buries nobody but in plain SWIM`() {
        for (configuration, state) in [
            (GossipConfiguration(), MemberState.suspect), (.plainSWIM, .dead),
        ] {
            var bench = Bench(configuration: configuration)
            for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
            _ = bench.give([suspectClaim(2, by: 3, isVerdict: true)], from: 4)
            #expect(bench.state(of: 2) == state)
            // It is refuted like an accusation.
            _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 4)
            #expect(bench.state(of: 2) == .alive)
        }
    }
}

@Suite struct EvidenceTests {
    /// A mesh of 12 whose member 2 is accused by three others at once.
    private func accused(seed: UInt64 = 1) -> Bench {
        var bench = Bench(seed: seed)
        for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
        bench.now = .origin + .milliseconds(50)
        for accuser in 3...6 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
        }
        return bench
    }

    private func step(_ bench: inout Bench) -> [GossipEffect] {
        bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
        return bench.core.tick(at: bench.now, using: &bench.random)
    }

    @Test func `hostile accusers alone can't have a reachable member buried`() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var bench = accused(seed: seed)
            while bench.now < .origin + .seconds(60) { bench.answer(step(&bench)) }
            #expect(bench.state(of: 2) == .suspect, "seed \(seed)")
        }
        // Without the rule the same accusers have it buried.
        var configuration = GossipConfiguration()
        configuration.features.remove(.evidenceOfLife)
        var bench = Bench(configuration: configuration)
        for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
        for accuser in 3...6 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
        }
        while bench.now < .origin + .seconds(10) { bench.answer(step(&bench)) }
        #expect(bench.state(of: 2) == .dead)
    }

    @Test func `nobody is buried unasked, and whoever is asked hears of what`() throws {
        var bench = accused()
        var asked: MonotonicInstant?
        while bench.state(of: 2) == .suspect {
            let effects = step(&bench)
            for (packet, to, _) in effects.packets where to == node(2) && packet.isPing {
                asked = asked ?? bench.now
                #expect(
                    packet.claims.contains { claim in
                        if case .suspect(let suspect) = claim.body {
                            return suspect.subject == node(2)
                        }
                        return false
                    })
            }
            bench.answer(effects, but: [2])
        }
        let began = MonotonicInstant.origin + .milliseconds(50)
        #expect(try #require(asked) < began + .milliseconds(1800))
        #expect(bench.state(of: 2) == .dead)
    }

    @Test func `an answer withdraws one's own accusation`() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        var events: [MemberEvent] = []
        while !events.contains(.suspected) {
            let effects = step(&bench)
            events += effects.events(of: 2)
            bench.answer(effects, but: [2])
        }
        #expect(bench.state(of: 2) == .suspect)
        // From now on it answers.
        var recovered = false
        while bench.now < .origin + .seconds(20), !recovered {
            let effects = step(&bench)
            for (packet, to, path) in effects.packets where to == node(2) {
                guard case .ping(let number) = packet.message, path == .datagram else { continue }
                let ack = bench.give(
                    [], from: 2, message: .ack(sequence: number, AckReport(load: .idle)))
                recovered = recovered || ack.events(of: 2).contains(.recovered)
            }
            bench.answer(effects, but: [2])
        }
        #expect(recovered)
        #expect(bench.core.view(of: node(2))?.alive.incarnation == 0)
    }

    @Test func `what a relay held back is no sign of life`() {
        var bench = accused()
        while bench.now < .origin + .seconds(20) {
            let effects = step(&bench)
            bench.answer(effects, but: [2])
            // An old answer of the dead member, again and again.
            let ack = GossipPacket.encode(
                .ack(sequence: 0xffff_0000, AckReport(load: .idle)), claims: [])
            _ = bench.give(.packet(ack, from: node(2), path: .relay(node(7))))
            if bench.state(of: 2) == .dead { break }
        }
        #expect(bench.state(of: 2) == .dead)
    }

    @Test func `a patient member, and a late node, make suspicions longer`() {
        func burial(patience: UInt8) -> Duration {
            var bench = Bench()
            for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
            _ = bench.give(
                [], from: 2,
                message: .ack(sequence: 1, AckReport(load: .idle, patience: patience)))
            for accuser in 3...6 as ClosedRange<UInt64> {
                _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
            }
            while bench.state(of: 2) == .suspect { bench.answer(step(&bench), but: [2]) }
            return bench.now - .origin
        }
        #expect(burial(patience: 0) == .milliseconds(1800))
        // Three times as long, no more, but for the last question's time.
        #expect((Duration.milliseconds(5400)...(.milliseconds(6500))).contains(burial(patience: 7)))
        #expect(burial(patience: 2) > .milliseconds(2500))
    }

    @Test func `a queued refutation beats an expired timer`() {
        var bench = accused()
        bench.now = .origin + .seconds(30)
        // The shell drains its socket first.
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 5)
        let effects = bench.core.tick(at: bench.now, using: &bench.random)
        #expect(effects.events(of: 2).isEmpty)
        #expect(bench.state(of: 2) == .alive)
        #expect(bench.core.counters.pauses == 1, "draining does not hide the pause")
    }

    @Test func `after a pause what is asked can be answered before anybody is buried`() {
        var bench = Bench()
        bench.admit(2)
        while bench.state(of: 2) != .suspect { _ = step(&bench) }
        bench.now = bench.now + .seconds(30)
        _ = bench.give(.linkRefused(node(2)))
        let woken = bench.now
        while bench.state(of: 2) == .suspect { _ = step(&bench) }
        #expect(bench.now - woken >= .milliseconds(500))
    }

    // MARK: The end

    /// A mesh of 12 that probes nobody, whose member 2 is accused by some of them.
    private func quiet(accusers: ClosedRange<UInt64>) -> Bench {
        var configuration = GossipConfiguration()
        configuration.probeInterval = .seconds(100)
        configuration.features.remove(.volunteers)
        var bench = Bench(configuration: configuration)
        for number in 2...12 as ClosedRange<UInt64> { bench.admit(number) }
        accuse(&bench, accusers)
        return bench
    }

    private func accuse(_ bench: inout Bench, _ accusers: ClosedRange<UInt64>) {
        for accuser in accusers {
            _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
        }
    }

    @Test(arguments: [3, 6] as [UInt64])
    func `a link is tried once before a burial, and saves whom only links reach`(last: UInt64) {
        for opens in [false, true] {
            var bench = quiet(accusers: 3...last)
            var dialled: MonotonicInstant?
            let length: Duration = last == 3 ? .milliseconds(7200) : .milliseconds(1800)
            let end = MonotonicInstant.origin + length + .milliseconds(100)
            while bench.state(of: 2) == .suspect, bench.now < end {
                let effects = step(&bench)
                bench.answer(effects, but: [2])
                let dials = effects.count { effect in
                    if case .connect(node(2), _) = effect { true } else { false }
                }
                guard dials > 0 else { continue }
                #expect(dials == 1)
                #expect(dialled == nil, "once")
                dialled = bench.now
                if opens { _ = bench.give(.linkOpened(node(2), tag(2), isInbound: false)) }
            }
            #expect(bench.state(of: 2) == (opens ? .suspect : .dead))
            let left = .origin + length - (dialled ?? .origin)
            #expect((Duration.milliseconds(300)...(.milliseconds(500))).contains(left))
        }
    }

    @Test func `what was asked can be answered first, however the time was shortened`() throws {
        var bench = quiet(accusers: 3...3)
        var asked: MonotonicInstant?
        // The last question, half a second before the end.
        while asked == nil, bench.now < .origin + .seconds(8) {
            let effects = step(&bench)
            bench.answer(effects, but: [2])
            let isAsked = effects.packets.contains { $0.to == node(2) && $0.packet.isPing }
            if isAsked, bench.now > .origin + .seconds(5) { asked = bench.now }
        }
        let end = try #require(asked) + .milliseconds(500)
        bench.now = bench.now + .milliseconds(10)
        accuse(&bench, 4...6)
        while bench.core.nextDeadline < end {
            _ = step(&bench)
            #expect(bench.state(of: 2) == .suspect, "at \(bench.now)")
        }
        while bench.now < end + .milliseconds(10) { _ = step(&bench) }
        #expect(bench.state(of: 2) == .dead)
    }

    @Test func `whoever is told of a death can look at the dead, however few are remembered`() {
        var configuration = GossipConfiguration()
        configuration.tombstonesMax = 1
        configuration.features.remove(.pauseRule)
        var bench = Bench(configuration: configuration)
        for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
        var deaths = 0
        for _ in 0..<60 {
            // Late, so that deaths come together with what is done each few seconds.
            bench.now = bench.now + .seconds(5)
            for case .changed(let node, .died) in bench.core.tick(
                at: bench.now, using: &bench.random)
            {
                deaths += 1
                #expect(bench.core.view(of: node)?.state == .dead)
            }
        }
        #expect(deaths == 8)
        #expect(bench.core.sizes.tombstones == 1)
    }
}
