import Gossip
import Simulation
import Testing
import Wire

/// What packets carry, by the reason for it: each rule is found broken.
@Suite struct DisseminationCheckerTests {
    private let broken = "dissemination"

    private func claim(
        by author: Int = 2, about subject: Int? = nil, isAccusation: Bool = false,
        _ digest: UInt64 = 7
    ) -> PackedClaim {
        PackedClaim(
            author: author, subject: subject ?? author, isAccusation: isAccusation, digest: digest)
    }

    // MARK: Passed on

    private func pass(
        _ mesh: inout ObservedMesh, from node: Int = 0, _ digest: UInt64 = 7, at: Double = 5
    ) {
        mesh.observe(
            .packed(
                from: node,
                PackedClaims(receiver: 1, isProbe: false, passedOn: [claim(digest)])), at)
    }

    private func claim(_ digest: UInt64) -> PackedClaim { claim(by: 2, digest) }

    @Test func `a claim passed on too often is found`() {
        var mesh = ObservedMesh { $0.transmissionsMax = 4 }
        for _ in 0..<4 {
            pass(&mesh)
            pass(&mesh, 8)
        }
        pass(&mesh, from: 1)
        #expect(mesh.broken == [])
        #expect(mesh.judged(broken) == 9)
        pass(&mesh)
        #expect(mesh.broken == [broken])
    }

    @Test(arguments: [(2, 4), (9, 4), (10, 8), (99, 8), (100, 12)])
    func `the bound is that of the queue, for all nodes`(nodes: Int, bound: Int) {
        var mesh = ObservedMesh(nodes: nodes)
        let claim = claim(by: 1, 7)
        for count in 1...bound + 1 {
            mesh.observe(
                .packed(from: 0, PackedClaims(receiver: 1, isProbe: true, passedOn: [claim])), 5)
            #expect(mesh.broken == (count > bound ? [broken] : []), "\(count) times")
        }
    }

    @Test(arguments: [(2, 4), (3, 8), (9, 32), (40, 64)])
    func `to one who says that it only dials out go as many as from all others, and no more`(
        nodes: Int, bound: Int
    ) {
        for isSetUpSo in [false, true] {
            var mesh = ObservedMesh(nodes: nodes) { bounds in
                bounds.transmissionsMax = 4
                if isSetUpSo { bounds.dialsOnly = [1] }
            }
            let claim = claim(by: 1, 7)
            let claims = PackedClaims(
                receiver: 1, onlyDials: !isSetUpSo, isProbe: true, passedOn: [claim])
            for _ in 1...bound { mesh.observe(.packed(from: 0, claims), 5) }
            #expect(mesh.broken == [])
            mesh.observe(.packed(from: 0, claims), 5)
            #expect(mesh.broken == [broken])
        }
    }

    @Test func `the same words are due again only of one who came back, or in a new start`() {
        var mesh = ObservedMesh {
            $0.transmissionsMax = 4
            $0.detection = .seconds(100)
        }
        for _ in 0..<4 { pass(&mesh) }
        var suspected = mesh
        suspected.believe(0, 2, .suspect, 6)
        suspected.believe(0, 2, .alive, 7)
        pass(&suspected, at: 8)
        #expect(suspected.broken == [broken], "a suspicion that passed is no reason")
        mesh.observe(.crashed(2), 6)
        mesh.believe(0, 2, .dead, 20)
        var buried = mesh
        pass(&buried, at: 21)
        #expect(buried.broken == [broken], "nor is a death")
        mesh.believe(0, 2, .alive, 30)
        for _ in 0..<4 { pass(&mesh, at: 31) }
        #expect(mesh.broken == [])
        mesh.observe(.crashed(0), 32)
        mesh.observe(.started(0, generation: 2), 33)
        for _ in 0..<4 { pass(&mesh, at: 34) }
        #expect(mesh.broken == [])
        pass(&mesh, at: 35)
        #expect(mesh.broken == [broken])
    }

    // MARK: Accounts

    @Test func `a claim on the wire that nobody accounts for is found`() {
        var mesh = ObservedMesh()
        pass(&mesh)
        mesh.observe(.carried(from: 0, digest: 7), 6)
        #expect(mesh.broken == [])
        mesh.observe(.carried(from: 1, digest: 7), 7)
        #expect(mesh.broken == [broken], "the other did not pack it")
        mesh.observe(.carried(from: 0, digest: 7), 8)
        #expect(mesh.broken.count == 2, "it was packed once")
    }

    // MARK: Told

    private func tell(
        _ claims: [PackedClaim], to receiver: Int = 1, isProbe: Bool = true
    ) -> [String] {
        var mesh = ObservedMesh(nodes: 5)
        mesh.observe(
            .packed(from: 0, PackedClaims(receiver: receiver, isProbe: isProbe, told: claims)), 5)
        return mesh.broken
    }

    @Test func `what is told besides what the receiver is owed is found`() {
        let accusation = claim(by: 2, about: 1, isAccusation: true)
        let own = claim(by: 0)
        #expect(tell([own, claim(by: 2), accusation]) == [])
        #expect(tell([own], isProbe: false) == [])
        #expect(tell([own, accusation], isProbe: false) == [broken], "only beside a probe")
        #expect(tell([own, claim(by: 2)]) == [broken], "2 does not accuse")
        #expect(tell([claim(by: 3), accusation]) == [broken], "3 does not accuse")
        #expect(tell([own, claim(by: 2, about: 3, isAccusation: true)]) == [broken])
        let most = Array(repeating: accusation, count: GossipLimits.toldClaimsMax)
        #expect(tell(most) == [])
        #expect(tell(most + [accusation]) == [broken])
    }

    // MARK: Asked and corrected

    @Test func `a question about what is no accusation, or beside no ping, is found`() {
        func ask(_ claims: [PackedClaim], isProbe: Bool = true) -> [String] {
            var mesh = ObservedMesh(nodes: 5)
            mesh.observe(
                .packed(from: 0, PackedClaims(receiver: 1, isProbe: isProbe, asked: claims)), 5)
            return mesh.broken
        }
        let accusation = claim(by: 2, about: 3, isAccusation: true)
        #expect(ask([accusation]) == [])
        #expect(ask([accusation], isProbe: false) == [broken])
        #expect(ask([accusation, accusation]) == [broken], "one at a time")
        #expect(ask([claim(by: 3)]) == [broken], "no accusation")
        #expect(ask([claim(by: 2, about: 1, isAccusation: true)]) == [broken], "of itself")
    }

    private func correct(
        _ mesh: inout ObservedMesh, _ claims: [PackedClaim], isProbe: Bool = true, at: Double = 7
    ) {
        mesh.observe(
            .packed(from: 0, PackedClaims(receiver: 1, isProbe: isProbe, corrections: claims)), at)
    }

    @Test func `a correction of who doubted nobody, or by another's word, is found`() {
        func corrected(_ claims: [PackedClaim], doubting: [Int] = [3]) -> [String] {
            var mesh = ObservedMesh(nodes: 5)
            for node in doubting { mesh.believe(1, node, .suspect, 5) }
            correct(&mesh, claims)
            return mesh.broken
        }
        #expect(corrected([claim(by: 3)]) == [])
        #expect(corrected([claim(by: 3)], doubting: [2]) == [broken])
        #expect(corrected([claim(by: 2, about: 3, isAccusation: true)]) == [broken])
        #expect(corrected([claim(by: 2, about: 3)]) == [broken])
        let most = Array(repeating: claim(by: 3), count: GossipLimits.correctionsMax)
        #expect(corrected(most) == [])
        #expect(corrected(most + [claim(by: 3)]) == [broken])
    }

    @Test func `who is corrected unasked more often than once a period is found`() {
        var mesh = ObservedMesh(nodes: 5)
        mesh.believe(1, 3, .suspect, 5)
        for at in [7.0, 8.0] { correct(&mesh, [claim(by: 3)], isProbe: false, at: at) }
        for _ in 0..<3 { correct(&mesh, [claim(by: 3)], at: 8.1) }
        #expect(mesh.broken == [])
        correct(&mesh, [claim(by: 3)], isProbe: false, at: 8.9)
        #expect(mesh.broken == [broken])
    }

    // MARK: Filled

    private func fill(
        _ mesh: inout ObservedMesh, _ turn: Int?, _ subjects: [Int]? = nil, isProbe: Bool = true,
        at: Double = 5
    ) {
        let claims = (subjects ?? turn.map { [$0] } ?? []).map { claim(by: $0) }
        mesh.observe(
            .packed(
                from: 0,
                PackedClaims(receiver: 1, isProbe: isProbe, filled: claims, turn: turn)), at)
    }

    @Test
    func `packets filled with more than one member's claims, or not beside a probe, are found`() {
        for (subjects, isProbe, isBroken) in [
            ([2, 2], true, false), ([], true, false), ([2, 1], true, true), ([2], false, true),
        ] {
            var mesh = ObservedMesh()
            fill(&mesh, 2, subjects, isProbe: isProbe)
            #expect(mesh.broken == (isBroken ? [broken] : []), "\(subjects), \(isProbe)")
        }
        var mesh = ObservedMesh()
        fill(&mesh, nil, [2])
        #expect(mesh.broken == [broken], "it was nobody's turn")
    }

    @Test func `a member that has its turn before all others had theirs is found`() {
        var mesh = ObservedMesh(nodes: 4) { $0.allowsFalseDeaths = true }
        for at in [10.0, 20, 30] { for turn in 0..<4 { fill(&mesh, turn, at: at) } }
        #expect(mesh.broken == [])
        var hasty = mesh
        fill(&hasty, 1, at: 40)
        #expect(hasty.broken == [broken], "0 was passed over")
        fill(&mesh, 0, at: 40)
        mesh.believe(0, 2, .dead, 41)
        fill(&mesh, 1, at: 42)
        fill(&mesh, 3, at: 43)
        #expect(mesh.broken == [], "2 may have been forgotten")
        mesh.believe(0, 2, .alive, 44)
        fill(&mesh, 0, at: 45)
        fill(&mesh, 1, at: 46)
        fill(&mesh, 3, at: 47)
        #expect(mesh.broken == [], "2 came while the others had their turns")
        fill(&mesh, 2, at: 48)
        fill(&mesh, 0, at: 50)
        fill(&mesh, 1, at: 51)
        fill(&mesh, 3, at: 52)
        #expect(mesh.broken == [])
        fill(&mesh, 0, at: 53)
        #expect(mesh.broken == [broken], "2 was passed over")
    }
}
