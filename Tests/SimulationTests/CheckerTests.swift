import Gossip
import Simulation
import Testing
import Wire

/// Each checker finds what it is there to find.
@Suite struct CheckerTests {
    private func second(_ seconds: Int) -> MonotonicInstant { .origin + .seconds(seconds) }

    /// Three nodes that know each other, for a hundred seconds.
    private func mesh(allowsFalseDeaths: Bool = false) -> MembershipCheckers {
        var bounds = MembershipCheckers.Bounds(
            detection: .seconds(20), convergence: .seconds(30))
        bounds.allowsFalseDeaths = allowsFalseDeaths
        var checkers = MembershipCheckers(nodes: 3, bounds: bounds)
        for node in 0..<3 { checkers.observe(.started(node, generation: 1), at: .origin) }
        for observer in 0..<3 {
            for subject in 0..<3 where subject != observer {
                checkers.observe(believed(observer, subject, .alive), at: second(1))
            }
        }
        return checkers
    }

    private func believed(
        _ observer: Int, _ subject: Int, _ state: MemberState, generation: UInt64 = 1,
        incarnation: UInt32 = 0
    ) -> MembershipObservation {
        .believed(
            observer: observer, subject: subject, state: state, generation: generation,
            incarnation: incarnation)
    }

    private func names(_ checkers: MembershipCheckers) -> [String] {
        checkers.violations.map(\.checker)
    }

    @Test func aQuietRunIsClean() {
        var checkers = mesh()
        checkers.finish(at: second(100))
        #expect(checkers.violationCount == 0)
    }

    @Test func aCrashThatSomebodyMissesIsFound() {
        var checkers = mesh()
        checkers.observe(.crashed(2), at: second(100))
        checkers.observe(believed(0, 2, .dead), at: second(105))
        checkers.observe(.packet(from: 0, bytes: 10), at: second(119))
        #expect(checkers.violationCount == 0)
        checkers.observe(.packet(from: 0, bytes: 10), at: second(121))
        #expect(names(checkers) == ["detection"])
        #expect(checkers.detections == [.seconds(5)])
    }

    @Test func aCrashSeenByAllInTimeIsClean() {
        var checkers = mesh()
        checkers.observe(.crashed(2), at: second(100))
        checkers.observe(believed(0, 2, .dead), at: second(105))
        checkers.observe(believed(1, 2, .dead), at: second(107))
        checkers.finish(at: second(200))
        #expect(checkers.violationCount == 0)
        #expect(checkers.detections == [.seconds(5), .seconds(7)])
        #expect(checkers.firstDetections == [.seconds(5)])
    }

    @Test func aCrashThatNobodyIsLeftToSeeIsNoFault() {
        var checkers = mesh()
        checkers.observe(.crashed(2), at: second(50))
        checkers.observe(.crashed(1), at: second(51))
        checkers.observe(.partitioned([0]), at: second(52))
        checkers.observe(.packet(from: 0, bytes: 10), at: second(200))
        #expect(checkers.violationCount == 0)
    }

    @Test func theDeathOfAHealthyMemberIsFound() {
        var checkers = mesh()
        checkers.observe(believed(0, 1, .suspect), at: second(100))
        #expect(checkers.violationCount == 0)
        checkers.observe(believed(0, 1, .dead), at: second(105))
        #expect(names(checkers) == ["false death"])
        #expect(checkers.falseDeaths == 1)
        #expect(checkers.falseSuspicions == 1)
        var counting = mesh(allowsFalseDeaths: true)
        counting.observe(believed(0, 1, .dead), at: second(105))
        #expect(counting.violationCount == 0)
        #expect(counting.falseDeaths == 1)
    }

    @Test func deathAcrossAPartitionIsNoFault() {
        var checkers = mesh()
        checkers.observe(.partitioned([2]), at: second(50))
        checkers.observe(believed(0, 2, .dead), at: second(100))
        #expect(checkers.violationCount == 0)
        checkers.observe(believed(0, 1, .dead), at: second(100))
        #expect(names(checkers) == ["false death"])
    }

    @Test func aMeshThatDoesNotAgreeAfterAHealIsFound() {
        var checkers = mesh()
        checkers.observe(.partitioned([2]), at: second(50))
        checkers.observe(believed(0, 2, .dead), at: second(60))
        checkers.observe(.healed, at: second(100))
        var early = checkers
        early.finish(at: second(120))
        #expect(early.violationCount == 0, "it still has time")
        checkers.finish(at: second(140))
        #expect(names(checkers) == ["convergence"])
        var known = mesh()
        known.observe(.crashed(2), at: second(50))
        known.observe(believed(0, 2, .dead), at: second(55))
        known.observe(believed(1, 2, .dead), at: second(55))
        known.observe(.started(2, generation: 2), at: second(60))
        known.finish(at: second(200))
        #expect(names(known).allSatisfy { $0 == "convergence" })
        #expect(known.violationCount == 4, "two see an old start, and the new one sees nobody")
    }

    @Test func aBeliefThatGoesBackIsFound() {
        var checkers = mesh()
        checkers.observe(believed(0, 1, .alive, generation: 3, incarnation: 4), at: second(10))
        checkers.observe(believed(0, 1, .alive, generation: 2, incarnation: 9), at: second(11))
        checkers.observe(believed(0, 1, .alive, generation: 3, incarnation: 4), at: second(12))
        checkers.observe(believed(0, 1, .alive, generation: 3, incarnation: 3), at: second(13))
        #expect(names(checkers) == ["order", "order"])
    }

    @Test func whoComesBackFromLeavingOrDeathWithoutCauseIsFound() {
        var checkers = mesh()
        checkers.observe(.left(1), at: second(10))
        checkers.observe(believed(0, 1, .left), at: second(11))
        checkers.observe(believed(0, 1, .alive, incarnation: 5), at: second(12))
        #expect(names(checkers) == ["order"])
        checkers.observe(.crashed(2), at: second(20))
        checkers.observe(believed(0, 2, .dead), at: second(25))
        checkers.observe(believed(0, 2, .alive), at: second(26))
        #expect(names(checkers) == ["order", "order"])
    }

    @Test func aDepartureNobodyMadeIsFound() {
        var checkers = mesh()
        checkers.observe(believed(0, 1, .left), at: second(11))
        #expect(names(checkers) == ["departure"])
    }

    @Test func aStartWithAnOldGenerationIsFound() {
        var checkers = mesh()
        checkers.observe(.crashed(1), at: second(10))
        checkers.observe(.started(1, generation: 1), at: second(11))
        #expect(names(checkers) == ["generation"])
    }

    @Test func packetsAndMapsOverTheirBoundsAreFound() {
        var checkers = mesh()
        checkers.observe(.packet(from: 0, bytes: GossipLimits.packetBytesMax), at: second(2))
        let full = GossipSizes(
            members: GossipLimits.membersMax, pending: GossipLimits.pendingMax,
            broadcasts: GossipLimits.broadcastsMax,
            accusers: GossipLimits.accusersMax)
        checkers.observe(.held(0, full), at: second(2))
        #expect(checkers.violationCount == 0)
        checkers.observe(.packet(from: 0, bytes: GossipLimits.packetBytesMax + 1), at: second(3))
        #expect(names(checkers) == ["packet size"])
        for change in [\GossipSizes.members, \.pending, \.broadcasts, \.accusers] {
            var over = full
            over[keyPath: change] += 1
            checkers.observe(.held(0, over), at: second(4))
        }
        #expect(checkers.violationCount == 5)
    }
}

@Suite struct MachineryTests {
    @Test func eventsComeInOrderOfTimeThenOfTheirMaking() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var queue = EventQueue<Int>()
            var expected: [(at: Int64, index: Int)] = []
            for index in 0..<200 {
                let at = Int64.random(in: 0..<50, using: &random)
                expected.append((at, index))
                queue.push(index, at: MonotonicInstant(nanoseconds: at))
            }
            expected.sort { ($0.at, $0.index) < ($1.at, $1.index) }
            var got: [Int] = []
            while let (_, event) = queue.pop() { got.append(event) }
            #expect(got == expected.map(\.index), "seed \(seed)")
        }
    }

    @Test func chanceIsTheSameForTheSameSeedOnly() {
        var a = SeededRandom(seed: 7)
        var b = SeededRandom(seed: 7)
        var c = SeededRandom(seed: 8)
        let first = (0..<100).map { _ in a.next() }
        #expect(first == (0..<100).map { _ in b.next() })
        #expect(first != (0..<100).map { _ in c.next() })
        var coin = SeededRandom(seed: 9)
        let heads = (0..<10_000).count { _ in coin.happens(0.25) }
        #expect((2300...2700).contains(heads))
    }

    @Test func theTraceDigestSeesEveryByte() {
        var digests: Set<UInt64> = []
        for length in 0..<20 {
            var digest = TraceDigest()
            digest.add([UInt8](repeating: 0, count: length))
            digests.insert(digest.value)
            for place in 0..<length {
                var bytes = [UInt8](repeating: 0, count: length)
                bytes[place] = 1
                var digest = TraceDigest()
                digest.add(bytes)
                digests.insert(digest.value)
            }
        }
        #expect(digests.count == 20 + 190)
    }
}
