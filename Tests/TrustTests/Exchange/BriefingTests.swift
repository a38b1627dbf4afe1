import Testing
import Wire

@testable import Trust

struct BriefingTests {
    private let own = NodeID(number: 0)

    private func core(knowing count: UInt64) -> BriefingCore {
        BriefingCore(node: own, known: (0...count).map { NodeID(number: $0) })
    }

    @Test func whoRemembersNobodyServesAtOnce() {
        #expect(BriefingCore(node: own, known: []).isBriefed)
        #expect(core(knowing: 0).isBriefed)
        #expect(!core(knowing: 1).isBriefed)
    }

    @Test func anyIssuerBriefsAlsoOneNotRemembered() {
        var core = core(knowing: 9)
        core.exchanged(with: NodeID(number: 77), isIssuer: true)
        #expect(core.isBriefed && core.exchangesWanted == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 15] as [UInt64])
    func aMajorityThatItBelongsToBriefsAndNoFewer(_ count: UInt64) {
        var core = core(knowing: count)
        // Of three members one other, of four two: with itself more than half.
        let majority = (count + 1) / 2
        #expect(2 * (majority + 1) > count + 1 && 2 * majority <= count + 1)
        for number in 1...majority {
            #expect(!core.isBriefed && core.exchangesWanted == Int(majority - number + 1))
            // Twice is once.
            core.exchanged(with: NodeID(number: number), isIssuer: false)
            if number < majority {
                core.exchanged(with: NodeID(number: number), isIssuer: false)
            }
        }
        #expect(core.isBriefed)
    }

    @Test func strangersAndOneselfDoNotCount() {
        var core = core(knowing: 3)
        for number in 50..<80 as Range<UInt64> {
            core.exchanged(with: NodeID(number: number), isIssuer: false)
        }
        core.exchanged(with: own, isIssuer: true)
        core.exchanged(with: NodeID(number: 1), isIssuer: false)
        #expect(!core.isBriefed && core.exchangesWanted == 1)
    }

    @Test func theRevokedCountOnNeitherSide() {
        var core = core(knowing: 6)
        for number in 1...2 as ClosedRange<UInt64> {
            core.exchanged(with: NodeID(number: number), isIssuer: false)
        }
        // Three of seven, itself among them.
        #expect(!core.isBriefed && core.awaited == (3...6).map { NodeID(number: $0) })
        // What the revoked said does not count: it is one of five, then two of five, then two of two.
        core.forget([NodeID(number: 1), NodeID(number: 2)])
        #expect(!core.isBriefed && core.exchangesWanted == 2)
        core.exchanged(with: NodeID(number: 3), isIssuer: false)
        #expect(!core.isBriefed && core.exchangesWanted == 1)
        core.forget((4...6).map { NodeID(number: $0) })
        #expect(core.isBriefed && core.awaited.isEmpty)
        var other = self.core(knowing: 2)
        other.forget([NodeID(number: 1), NodeID(number: 2)])
        #expect(other.isBriefed)
    }

    // MARK: What is stored

    private func numbers(_ range: ClosedRange<UInt64>) -> [NodeID] {
        range.map { NodeID(number: $0) }
    }

    @Test func whomTheStoredTrustRevokesIsNotWaitedForNorHeard() throws {
        let mesh = try SampleMesh()
        let trust = try mesh.trust(
            .member(NodeID(number: 1)), .member(NodeID(number: 2)), .member(NodeID(number: 3)))
        var core = BriefingCore(node: own, known: numbers(0...4), trust: trust)
        #expect(core.awaited == [NodeID(number: 4)] && core.exchangesWanted == 1)
        core.exchanged(with: NodeID(number: 1), isIssuer: false)
        #expect(!core.isBriefed)
        core.exchanged(with: NodeID(number: 4), isIssuer: false)
        #expect(core.isBriefed)
        #expect(BriefingCore(node: own, known: numbers(0...3), trust: trust).isBriefed)
    }

    @Test func theOnlyIssuerWithTheAuthoritysKeyIsNotStaleAndAnyOtherMayBe() throws {
        let mesh = try SampleMesh()
        let node = mesh.issuer.nodeID
        func isBriefed(
            _ node: NodeID, _ trust: TrustState, holdsAuthority: Bool = true
        ) -> Bool {
            BriefingCore(
                node: node, known: numbers(1...2), trust: trust, holdsAuthority: holdsAuthority
            ).isBriefed
        }
        #expect(isBriefed(node, try mesh.trust()))
        // The authority's key may be used elsewhere; the node may not be the issuer.
        #expect(!isBriefed(node, try mesh.trust(), holdsAuthority: false))
        #expect(!isBriefed(own, try mesh.trust()))
        #expect(!isBriefed(node, TrustState()))
        #expect(!isBriefed(node, try mesh.trust(.member(node))))
        // A second one may have revoked, also one whose own node was revoked since.
        let second = Identity.generate()
        var two = try mesh.trust()
        try two.merge(
            TrustState(issuers: [
                mesh.issuerCertificate {
                    $0.subject = second.nodeID
                    $0.serial = 9
                }
            ]), genesis: mesh.genesis)
        #expect(!isBriefed(node, two))
        try two.revoke(
            .member(second.nodeID), signedBy: mesh.issuer, genesis: mesh.genesis,
            at: SampleMesh.now)
        #expect(!isBriefed(node, two))
        // Not any more, once the authority has put it out.
        try two.revoke(
            .issuer(second.nodeID, honouredThrough: 0), signedBy: mesh.authority,
            genesis: mesh.genesis, at: SampleMesh.now)
        #expect(isBriefed(node, two))
    }
}
