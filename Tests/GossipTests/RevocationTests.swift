import Testing
import Wire

@testable import Gossip

@Suite struct RevocationTests {
    private func mesh() -> Bench {
        var bench = Bench()
        for number in UInt64(2)...5 { bench.admit(number) }
        _ = bench.give(.linkOpened(node(3), tag(3), isInbound: true))
        return bench
    }

    private func members(_ bench: Bench) -> [UInt64] {
        bench.core.memberViews.map(\.id.number)
    }

    @Test func whoIsRevokedIsForgottenAndNeverBelievedAgain() {
        var bench = mesh()
        bench.core.revoke([node(3)])
        #expect(members(bench) == [2, 4, 5])
        // Not by its own word, not by another's, not by a newer start, and not by a link.
        let alive = signed(.alive(aliveClaim(3, generation: 9)), by: 3)
        _ = bench.give([alive], from: 3)
        _ = bench.give([alive], from: 2)
        _ = bench.give(.certified(node(3), tag(3)))
        _ = bench.give(.linkOpened(node(3), tag(3), isInbound: true))
        _ = bench.give(
            .exchanged(
                StateAnswer.encode(claims: [alive.encoded], wanted: [], version: 1), from: node(2)))
        #expect(members(bench) == [2, 4, 5])
        #expect(bench.core.counters.revoked >= 5)
        // A second word of it changes nothing.
        bench.core.revoke([node(3)])
        #expect(members(bench) == [2, 4, 5])
    }

    @Test func whatARevokedMemberSaysOfOthersIsNotBelieved() {
        var bench = mesh()
        bench.core.revoke([node(3)])
        _ = bench.give([suspectClaim(4, by: 3)], from: 2)
        #expect(bench.core.view(of: node(4))?.state == .alive)
        _ = bench.give([suspectClaim(4, by: 5)], from: 2)
        #expect(bench.core.view(of: node(4))?.state == .suspect)
    }

    @Test func aRevokedMemberIsNeitherAnsweredNorDialled() {
        var bench = mesh()
        bench.core.revoke([node(3)])
        #expect(bench.give([], from: 3, message: .ping(sequence: 7)).isEmpty)
        let request = bench.core.exchangeRequest(version: 1)
        #expect(
            bench.core.answer(request, from: node(3), at: bench.now, using: &bench.random).answer
                == nil)
        _ = bench.give(.seeds([(node(3), [address(3)])]))
        for _ in 0..<600 {
            bench.now = bench.now + .milliseconds(100)
            for effect in bench.core.tick(at: bench.now, using: &bench.random) {
                switch effect {
                case .connect(let to, _), .send(_, let to, _), .pushPull(let to, _):
                    #expect(to != node(3))
                default: break
                }
            }
        }
    }

    @Test func aMemberWhoseCertificateIsRevokedComesBackWithAnother() {
        var bench = mesh()
        bench.core.revoke([], certificates: [tag(3)])
        #expect(members(bench) == [2, 4, 5])
        var claim = aliveClaim(3, incarnation: 1)
        claim = AliveClaim(
            node: claim.node, generation: claim.generation, incarnation: claim.incarnation,
            linkKey: claim.linkKey, linkKeyNotAfter: claim.linkKeyNotAfter, certificate: tag(33),
            reachability: claim.reachability, addresses: claim.addresses)
        _ = bench.give(.certified(node(3), tag(33)))
        _ = bench.give([signed(.alive(claim), by: 3)], from: 3)
        #expect(members(bench) == [2, 3, 4, 5])
    }
}
