import Testing
import Wire

@testable import Gossip

@Suite struct AdmissionTests {
    @Test func aNodeIsNoMemberBeforeItsCertificateIsSeen() {
        var bench = Bench()
        bench.admit(2)
        let effects = bench.give([signed(.alive(aliveClaim(3)), by: 3)], from: 2)
        #expect(bench.state(of: 3) == nil)
        #expect(effects.contains(.fetchCertificate(of: node(3), tag(3), from: node(2))))
        let admitted = bench.give(.certified(node(3), tag(3)))
        #expect(bench.state(of: 3) == .alive)
        #expect(admitted.events(of: 3) == [.joined])
    }

    @Test func anotherCertificateThanTheClaimNamesDoesNotAdmit() {
        var bench = Bench()
        _ = bench.give([signed(.alive(aliveClaim(3)), by: 3)], from: 2)
        _ = bench.give(.certified(node(3), tag(99)))
        #expect(bench.state(of: 3) == nil)
    }

    @Test func metadataThatCameBeforeTheCertificateIsKept() {
        var bench = Bench()
        let claim = MetadataClaim(node: node(3), generation: 1, version: 0, metadata: metadata(3))
        _ = bench.give(
            [signed(.alive(aliveClaim(3)), by: 3), signed(.metadata(claim), by: 3)], from: 2)
        _ = bench.give(.certified(node(3), tag(3)))
        #expect(bench.core.view(of: node(3))?.metadata == metadata(3))
    }

    @Test func nodesWithoutCertificateAreBoundedAndForgotten() {
        var bench = Bench()
        for number in 10..<1000 as Range<UInt64> {
            _ = bench.give([signed(.alive(aliveClaim(number)), by: number)], from: 2)
        }
        #expect(bench.core.sizes.pending == GossipLimits.pendingPerSourceMax)
        for source in 3..<20 as Range<UInt64> {
            for offset in 0..<100 as Range<UInt64> {
                let number = 1000 + source * 100 + offset
                let claim = AliveClaim(
                    node: node(number), generation: 1, linkKey: LinkKey(number: 1),
                    linkKeyNotAfter: WallTime(seconds: 1), certificate: tag(1),
                    reachability: .direct, addresses: [])
                bench.now = bench.now + .milliseconds(2)
                _ = bench.give([signed(.alive(claim), by: number)], from: source)
            }
        }
        #expect(bench.core.sizes.pending == GossipLimits.pendingMax)
        #expect(bench.core.counters.overLimit > 0)
        _ = bench.run(until: .seconds(120))
        #expect(bench.core.sizes.pending == 0)
    }
}

@Suite struct ClaimRuleTests {
    @Test func nobodySpeaksForAnother() {
        var bench = Bench()
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        let before = bench.core.memberViews
        let forged = [
            signed(.alive(aliveClaim(2, incarnation: 5)), by: 3),
            signed(.leave(LeaveClaim(node: node(2), generation: 1)), by: 3),
            signed(
                .metadata(
                    MetadataClaim(node: node(2), generation: 1, version: 9, metadata: metadata(9))),
                by: 3),
            signed(
                .suspect(
                    SuspectClaim(
                        accuser: node(4), subject: node(2), generation: 1, incarnation: 0)),
                by: 3),
        ]
        let effects = bench.give(forged, from: 3)
        #expect(effects.isEmpty)
        #expect(bench.core.memberViews == before)
        #expect(bench.core.counters.forged == 4)
    }

    @Test func malformedPacketsAreCountedAndChangeNothing() {
        var bench = Bench()
        bench.admit(2)
        let before = bench.core.memberViews
        let whole = GossipPacket.encode(
            .ping(sequence: 1),
            claims: [signed(.alive(aliveClaim(2, incarnation: 3)), by: 2).encoded])
        for length in 0..<whole.count {
            let effects = bench.give(
                .packet(Array(whole.prefix(length)), from: node(2), path: .datagram))
            #expect(effects.isEmpty)
        }
        #expect(bench.core.counters.malformed == UInt64(whole.count))
        #expect(bench.core.memberViews == before)
    }

    @Test func whatIsKnownCostsNoSignature() {
        var bench = Bench()
        bench.admit(2)
        bench.admit(3)
        let claims = [
            signed(.alive(aliveClaim(2)), by: 2), suspectClaim(3, by: 2),
            signed(
                .metadata(
                    MetadataClaim(node: node(2), generation: 1, version: 0, metadata: metadata(2))),
                by: 2),
        ]
        _ = bench.give(claims, from: 2)
        let checked = bench.core.counters.signaturesChecked
        for _ in 0..<20 { _ = bench.give(claims, from: 2) }
        #expect(bench.core.counters.signaturesChecked == checked)
    }

    @Test func aNewStartReplacesTheOldAtOnce() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give([suspectClaim(2, by: 2)], from: 2)
        let effects = bench.give([signed(.alive(aliveClaim(2, generation: 2)), by: 2)], from: 2)
        #expect(effects.events(of: 2) == [.joined])
        #expect(bench.core.view(of: node(2))?.alive.generation == 2)
        #expect(bench.core.view(of: node(2))?.metadata == nil)
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 9)), by: 2)], from: 2)
        #expect(bench.core.view(of: node(2))?.alive.generation == 2)
    }

    @Test func whoLeftStaysAwayUntilANewStart() {
        var bench = Bench()
        bench.admit(2)
        let leave = signed(.leave(LeaveClaim(node: node(2), generation: 1)), by: 2)
        #expect(bench.give([leave], from: 2).events(of: 2) == [.left])
        _ = bench.give([signed(.alive(aliveClaim(2, incarnation: 7)), by: 2)], from: 2)
        #expect(bench.state(of: 2) == .left)
        _ = bench.give([signed(.alive(aliveClaim(2, generation: 2)), by: 2)], from: 2)
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func onlyLiveMembersAccuse() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give([suspectClaim(2, by: 8)], from: 2)
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func anAccusationOfAnotherIncarnationDoesNotCount() {
        var bench = Bench()
        bench.admit(2)
        bench.admit(3)
        _ = bench.give([suspectClaim(2, by: 3, incarnation: .max)], from: 3)
        _ = bench.give([suspectClaim(2, by: 3, generation: 0)], from: 3)
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func aSuspicionIsRefutedByANewerIncarnation() {
        var bench = Bench()
        for number in 2...5 as ClosedRange<UInt64> { bench.admit(number) }
        #expect(bench.give([suspectClaim(2, by: 3)], from: 3).events(of: 2) == [.suspected])
        let refuted = bench.give([signed(.alive(aliveClaim(2, incarnation: 1)), by: 2)], from: 4)
        #expect(refuted.events(of: 2) == [.recovered])
        #expect(bench.state(of: 2) == .alive)
    }

    @Test func aStateIsJudgedInWhateverOrderItComes() {
        var bench = Bench()
        for number in [2, 3] as [UInt64] { _ = bench.give(.certified(node(number), tag(number))) }
        let claims = [
            suspectClaim(2, by: 3).encoded, signed(.alive(aliveClaim(2)), by: 2).encoded,
            signed(.alive(aliveClaim(3)), by: 3).encoded,
        ]
        let answer = StateAnswer.encode(claims: claims, wanted: [])
        _ = bench.give(.exchanged(answer, from: node(3)))
        #expect(bench.state(of: 2) == .suspect)
    }
}

@Suite struct SuspicionTests {
    /// When member 2, which is silent, is buried, after so many members accused it at once.
    private func burial(members: UInt64, accusers: UInt64) -> Duration? {
        var bench = Bench()
        for number in 2..<members + 1 { bench.admit(number) }
        for accuser in 0..<accusers { _ = bench.give([suspectClaim(2, by: 3 + accuser)], from: 3) }
        while bench.now < .origin + .seconds(120) {
            bench.now = max(bench.core.nextDeadline, bench.now + .microseconds(1))
            let effects = bench.core.tick(at: bench.now, using: &bench.random)
            if effects.events(of: 2).contains(.died) { return bench.now - .origin }
            bench.answer(effects, but: [2])
        }
        return nil
    }

    @Test func moreAccusersShortenASuspicionDownToItsShortest() throws {
        // This node finds the member silent too, and accuses it: with it they are one more.
        var last = Duration.seconds(1000)
        for accusers in 1...3 as ClosedRange<UInt64> {
            let took = try #require(burial(members: 12, accusers: accusers))
            #expect(took <= last)
            last = took
        }
        #expect(try #require(burial(members: 12, accusers: 7)) == .milliseconds(1800))
    }

    @Test func whereNobodyCanConfirmTheFuseIsLongUnlessTheLinkIsRefused() throws {
        var bench = Bench()
        bench.admit(2)
        let effects = bench.run(until: .seconds(6))
        #expect(effects.events(of: 2) == [.suspected])
        #expect(bench.run(until: .seconds(12)).events(of: 2) == [.died])

        var refused = Bench()
        refused.admit(2)
        _ = refused.run(until: .milliseconds(2100))
        #expect(refused.state(of: 2) == .suspect)
        _ = refused.give(.linkRefused(node(2)))
        #expect(refused.run(until: .seconds(5)).events(of: 2) == [.died])
    }

    @Test func accusersPastThoseThatCountAreNotKept() {
        var bench = Bench()
        for number in 2...20 as ClosedRange<UInt64> { bench.admit(number) }
        for accuser in 3...20 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(2, by: accuser)], from: accuser)
        }
        #expect(bench.core.sizes.accusers == 4)
    }

    @Test func anAccusedNodeRefutesOnceAPeriodWhoeverAccuses() {
        var bench = Bench()
        for number in 2...9 as ClosedRange<UInt64> { bench.admit(number) }
        for accuser in 2...9 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(1, by: accuser)], from: accuser)
        }
        #expect(bench.core.local.incarnation == 1)
        for accuser in 2...9 as ClosedRange<UInt64> {
            _ = bench.give([suspectClaim(1, by: accuser, incarnation: 1)], from: accuser)
        }
        #expect(bench.core.local.incarnation == 1, "the period is not over")
        _ = bench.run(until: .milliseconds(2500))
        #expect(bench.core.local.incarnation == 2)
    }

    @Test func `there is no incarnation after the last, and nothing else breaks by it`() {
        var bench = Bench()
        bench.core = GossipCore(
            local: aliveClaim(1, incarnation: .max - 1), metadata: metadata(1),
            authority: ToyAuthority(node: node(1)), now: .origin)
        for number in 2...4 as ClosedRange<UInt64> { bench.admit(number) }
        for incarnation in [UInt32.max - 1, .max, .max] {
            _ = bench.give([suspectClaim(1, by: 2, incarnation: incarnation)], from: 3)
            bench.answer(bench.run(until: bench.now - .origin + .seconds(2)))
            #expect(bench.core.local.incarnation == .max)
        }
        #expect(bench.core.counters.refutations == 1)
        let summary = StateSummary(entries: []).encoded()
        let answer = bench.exchange(summary, from: 2).flatMap { try? StateAnswer(decoding: $0) }
        #expect(
            answer?.claims.contains {
                if case .alive(let claim) = $0.body {
                    return claim.node == node(1) && claim.incarnation == .max
                }
                return false
            } == true)
    }

    @Test func nobodyCanPushAnIncarnationAhead() {
        var bench = Bench()
        bench.admit(2)
        _ = bench.give([suspectClaim(1, by: 2, incarnation: .max)], from: 2)
        #expect(bench.core.local.incarnation == 0)
        #expect(bench.core.counters.refutations == 0)
    }

    @Test func aNewerStartUnderOnesOwnKeyIsToldOnce() {
        for body in [
            Claim.Body.alive(aliveClaim(1, generation: 4)),
            .leave(LeaveClaim(node: node(1), generation: 4)),
        ] {
            var bench = Bench()
            bench.admit(2)
            // Somebody else's word for it, and a memory of this very start, say nothing.
            let forged = bench.give([signed(body, by: 2)], from: 2)
            let old = bench.give([signed(.alive(aliveClaim(1, incarnation: 3)), by: 1)], from: 2)
            #expect((forged + old).events(of: 1).isEmpty)
            let effects = bench.give([signed(body, by: 1)], from: 2)
            #expect(effects.events(of: 1) == [.displaced])
            let again = bench.give([signed(body, by: 1)], from: 2)
            #expect(again.events(of: 1).isEmpty)
            #expect(bench.core.counters.newerStarts == 1)
        }
    }

    @Test func whoeverPassesOnWhatWasRefutedIsTold() {
        var bench = Bench()
        bench.admit(2)
        bench.admit(3)
        _ = bench.give([suspectClaim(1, by: 2)], from: 2)
        let effects = bench.give([suspectClaim(1, by: 2)], from: 3)
        let told = effects.packets.filter { $0.to == node(3) }.flatMap(\.packet.claims)
        #expect(
            told.contains { claim in
                if case .alive(let alive) = claim.body { return alive.incarnation == 1 }
                return false
            })
    }

    @Test func theDeadRefuteEvenWhoIsDeadToThem() {
        // The two sides of a partition have buried each other.
        var bench = Bench()
        bench.admit(2)
        _ = bench.run(until: .seconds(20))
        #expect(bench.state(of: 2) == .dead)
        _ = bench.give([suspectClaim(1, by: 2)], from: 2)
        #expect(bench.core.local.incarnation == 1)
    }

    @Test func aNodeThatSleptBlamesItself() {
        var bench = Bench()
        for number in 2...6 as ClosedRange<UInt64> { bench.admit(number) }
        _ = bench.give([suspectClaim(2, by: 3)], from: 3)
        bench.now = .origin + .seconds(600)
        let effects = bench.core.tick(at: bench.now, using: &bench.random)
        #expect(effects.events(of: 2).isEmpty)
        #expect(bench.state(of: 2) == .suspect)
        #expect(bench.core.counters.pauses == 1)
    }

    @Test func earlyAndRepeatedTicksAreHarmless() {
        var bench = Bench()
        bench.admit(2)
        for step in 0..<900 as Range<Int64> {
            bench.now = .origin + .milliseconds(step)
            _ = bench.core.tick(at: bench.now, using: &bench.random)
        }
        #expect(bench.core.counters.probesFailed == 0)
        #expect(bench.state(of: 2) == .alive)
    }
}
