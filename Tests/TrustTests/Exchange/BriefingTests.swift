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
    func aMajorityOfThoseRememberedBriefsAndNoFewer(_ count: UInt64) {
        var core = core(knowing: count)
        let majority = count / 2 + 1
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
        var core = core(knowing: 4)
        core.exchanged(with: NodeID(number: 1), isIssuer: false)
        core.exchanged(with: NodeID(number: 2), isIssuer: false)
        // Two of four were told; one of them was revoked: one of three is no majority.
        core.forget([NodeID(number: 2)])
        #expect(!core.isBriefed)
        // One of one is.
        core.forget([NodeID(number: 3), NodeID(number: 4)])
        #expect(core.isBriefed)
        var other = self.core(knowing: 2)
        other.forget([NodeID(number: 1), NodeID(number: 2)])
        #expect(other.isBriefed)
    }
}
