import Gossip
import Simulation
import Testing
import Wire

/// What must never be believed: each checker finds what it is there to find.
@Suite struct SafetyCheckerTests {
    // MARK: False deaths

    @Test func `the death of a healthy member is found`() {
        var mesh = ObservedMesh()
        mesh.believe(0, 1, .suspect, 100)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .dead, 105)
        #expect(mesh.broken == ["false death"])
        #expect(mesh.checkers.falseDeaths == 1)
        #expect(mesh.checkers.falseSuspicions == 1)
        var counting = ObservedMesh { $0.allowsFalseDeaths = true }
        counting.believe(0, 1, .dead, 105)
        #expect(counting.broken == [])
        #expect(counting.checkers.falseDeaths == 1)
    }

    @Test func `a death in a partition, in excessive loss or of the unfit is no fault`() {
        var mesh = ObservedMesh(nodes: 5)
        mesh.observe(.partitioned([2]), 50)
        mesh.believe(0, 2, .dead, 100)
        #expect(mesh.broken == [])
        mesh.observe(.impaired(3, .slow), 105)
        mesh.believe(0, 3, .dead, 110)
        mesh.observe(.recovered(3, .slow), 112)
        mesh.believe(1, 3, .dead, 120)
        mesh.observe(.conditions(loss: 0.5), 130)
        mesh.believe(0, 4, .dead, 131)
        mesh.observe(.conditions(loss: 0.1), 135)
        mesh.believe(1, 4, .dead, 144)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .dead, 150)
        #expect(mesh.broken == ["false death"])
    }

    @Test func `what a stalled node does to a third party is found, and what it believes itself`() {
        var mesh = ObservedMesh()
        mesh.observe(.impaired(2, .stalled), 95)
        mesh.believe(0, 1, .dead, 100)
        #expect(mesh.broken == ["false death"])
        #expect(mesh.checkers.violations[0].message.contains("others were impaired"))
        #expect(mesh.checkers.verdictsBesideImpaired == 1)
        mesh.observe(.recovered(2, .stalled), 104)
        mesh.believe(2, 1, .dead, 105)
        #expect(mesh.broken.count == 2)
        #expect(mesh.checkers.violations[1].message.contains("had slept"))
        #expect(mesh.checkers.falseDeathsToImpaired == 1)
    }

    @Test func `one whose address another took is unfit until it finds out`() {
        var mesh = ObservedMesh()
        mesh.observe(.impaired(1, .unreachable), 95)
        mesh.believe(0, 1, .dead, 99)
        mesh.believe(1, 0, .dead, 99)
        mesh.observe(.recovered(1, .unreachable), 100)
        mesh.believe(2, 1, .dead, 109)
        #expect(mesh.broken == [])
        mesh.believe(0, 2, .dead, 109)
        #expect(mesh.broken == ["false death"], "others were fit all the time")
        mesh.believe(2, 1, .alive, 110)
        mesh.believe(2, 1, .dead, 111)
        #expect(mesh.broken.count == 2, "and so is it, a while after")
    }

    @Test func `a slow receiver's own verdicts are only counted`() {
        var mesh = ObservedMesh()
        mesh.observe(.impaired(2, .slow), 95)
        mesh.believe(2, 1, .dead, 110)
        #expect(mesh.broken == [])
        #expect(mesh.checkers.falseDeathsToImpaired == 1)
    }

    @Test func `hostile members are owed nothing, and their word counts for nothing`() {
        var mesh = ObservedMesh { $0.hostile = [2] }
        mesh.believe(0, 2, .dead, 100)
        mesh.believe(2, 0, .dead, 100)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .dead, 100)
        #expect(mesh.broken == ["false death"])
    }

    @Test func `a cut, and two who can only dial out, need others between them`() {
        var mesh = ObservedMesh(nodes: 4) { $0.dialsOnly = [2, 3] }
        mesh.observe(.cut(0, 1), 20)
        mesh.observe(.partitioned([2, 3]), 30)
        mesh.believe(2, 3, .dead, 60)
        #expect(mesh.broken == [], "nobody is left who could be dialled")
        mesh.observe(.healed, 70)
        mesh.believe(2, 3, .alive, 75)
        mesh.observe(.hindered, 95)
        mesh.believe(0, 1, .dead, 100)
        #expect(mesh.broken == [], "those between may have lost their datagrams")
        mesh.believe(1, 0, .dead, 120)
        #expect(mesh.broken == [], "only those who can be dialled can be between")
        mesh.believe(0, 1, .alive, 125)
        mesh.believe(1, 0, .alive, 125)
        mesh.believe(3, 2, .dead, 150)
        #expect(mesh.broken == ["false death"])
    }

    // MARK: Order

    @Test func `a belief that goes back is found`() {
        var mesh = ObservedMesh()
        for incarnation in 1...4 as ClosedRange<UInt32> {
            mesh.observe(.claimed(1, ObservedMesh.claim(1, incarnation: incarnation)), 5)
        }
        mesh.believe(0, 1, .alive, 10, incarnation: 4)
        mesh.believe(0, 1, .alive, 12, incarnation: 4)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .alive, 13, incarnation: 3)
        #expect(mesh.broken == ["order"])
        var older = ObservedMesh()
        older.observe(.crashed(1), 5)
        older.observe(.started(1, generation: 3), 6)
        older.observe(.claimed(1, ObservedMesh.claim(1, generation: 3)), 6)
        older.believe(0, 1, .alive, 10, generation: 3)
        older.believe(0, 1, .alive, 11, generation: 1, incarnation: 0)
        #expect(older.broken == ["order"])
    }

    @Test func `who was forgotten for want of room may come back as it was, and nobody else`() {
        var mesh = ObservedMesh(nodes: 4) { $0.tombstonesMax = 1 }
        mesh.observe(.claimed(1, ObservedMesh.claim(1, incarnation: 2)), 5)
        for node in 1...2 { mesh.observe(.crashed(node), 10) }
        mesh.believe(0, 1, .dead, 20, incarnation: 2)
        var alone = mesh
        alone.believe(0, 1, .alive, 30, incarnation: 1)
        #expect(alone.broken.contains("order"), "there was room for one")
        mesh.believe(0, 2, .dead, 21)
        var forgotten = mesh
        forgotten.believe(0, 1, .alive, 30, incarnation: 1)
        #expect(!forgotten.broken.contains("order"))
        forgotten.believe(0, 1, .alive, 31, incarnation: 0)
        #expect(forgotten.broken.contains("order"), "who is there is not forgotten")
        var other = mesh
        other.believe(3, 1, .dead, 29, incarnation: 2)
        other.believe(3, 1, .alive, 30, incarnation: 1)
        #expect(other.broken.contains("order"), "another had room")
        var restarted = mesh
        restarted.observe(.crashed(0), 22)
        restarted.observe(.started(0, generation: 2), 23)
        restarted.believe(0, 1, .dead, 24, incarnation: 2)
        restarted.believe(0, 1, .alive, 25, incarnation: 1)
        #expect(restarted.broken.contains("order"), "a new start has room again")
    }

    @Test func `a node that starts again at an old generation is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(1), 10)
        mesh.observe(.started(1, generation: 1), 11)
        #expect(mesh.broken == ["order"])
    }

    @Test func `a node that takes its own incarnation back is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.claimed(1, ObservedMesh.claim(1, incarnation: 2)), 10)
        mesh.observe(.claimed(1, ObservedMesh.claim(1, incarnation: 1)), 11)
        #expect(mesh.broken == ["order"])
    }

    // MARK: Departures

    @Test func `who comes back from leaving without a new generation is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.left(1), 10)
        mesh.believe(0, 1, .left, 11)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .alive, 12)
        #expect(mesh.broken == ["departure"])
        mesh.observe(.stopped(1), 13)
        mesh.observe(.started(1, generation: 2), 14)
        mesh.observe(.claimed(1, ObservedMesh.claim(1, generation: 2)), 14)
        mesh.believe(0, 1, .alive, 15, generation: 2)
        #expect(mesh.broken == ["departure"], "a new start may")
    }

    @Test func `a departure nobody made is found`() {
        var mesh = ObservedMesh()
        mesh.believe(0, 1, .left, 11)
        #expect(mesh.broken == ["departure"])
        var again = ObservedMesh()
        again.observe(.left(1), 10)
        again.observe(.stopped(1), 12)
        again.observe(.started(1, generation: 2), 13)
        again.observe(.claimed(1, ObservedMesh.claim(1, generation: 2)), 13)
        again.believe(0, 1, .left, 20, generation: 2)
        #expect(again.broken == ["departure"])
    }

    @Test func `records of the gone that are dropped too soon are found`() {
        func records(_ list: (Int, MemberState)...) -> MembershipObservation {
            .remembers(
                observer: 0, list.map { RememberedMember($0.0, Belief(state: $0.1)) })
        }
        var mesh = ObservedMesh { $0.tombstoneLifetime = .seconds(1000) }
        mesh.observe(.left(1), 10)
        mesh.believe(0, 1, .left, 11)
        mesh.observe(.stopped(1), 12)
        mesh.observe(.crashed(2), 12)
        mesh.believe(0, 2, .dead, 20)
        mesh.observe(records((1, .left), (2, .dead)), 50)
        #expect(mesh.broken == [])
        mesh.observe(records((2, .dead)), 60)
        #expect(mesh.broken == ["departure"])
        mesh.observe(records((1, .left)), 70)
        #expect(mesh.broken.count == 2)
        mesh.observe(records((2, .dead)), 1100)
        #expect(mesh.broken.count == 2, "the departed may be forgotten after their time")
        mesh.observe(records((1, .alive), (2, .dead)), 1101)
        #expect(mesh.broken.count == 3, "what is held was told")
        var small = ObservedMesh { $0.tombstonesMax = 1 }
        small.observe(.crashed(1), 10)
        small.observe(.crashed(2), 10)
        small.believe(0, 1, .dead, 20)
        small.believe(0, 2, .dead, 20)
        small.observe(records((2, .dead)), 50)
        #expect(small.broken == [], "there was room for one only")
        small.believe(0, 2, .alive, 60)
        small.observe(records((2, .alive)), 70)
        #expect(small.broken == [], "what was forgotten then is forgotten")
    }

    // MARK: Who is spoken for

    @Test func `a claim that its subject never made is found`() {
        var ahead = ObservedMesh()
        ahead.believe(0, 1, .alive, 10, incarnation: 7)
        #expect(ahead.broken == ["spoken for"])
        var altered = ObservedMesh()
        var claim = ObservedMesh.claim(1)
        claim.linkKey = LinkKey(number: 666)
        altered.observe(
            .believed(
                observer: 0, subject: 1, Belief(state: .alive, claim: claim), unread: 0), 10)
        #expect(altered.broken == ["spoken for"])
    }

    // MARK: Descriptions

    @Test func `two values of one version are found, and versions that go back`() {
        func described(
            _ observer: Int, _ version: UInt32, _ digest: UInt64
        ) -> MembershipObservation {
            .described(
                observer: observer, subject: 1, .metadata, generation: 1, version: version,
                digest: digest)
        }
        var mesh = ObservedMesh()
        mesh.observe(described(0, 1, 11), 6)
        mesh.observe(described(2, 1, 11), 6)
        mesh.observe(
            .described(
                observer: 0, subject: 1, .activity, generation: 1, version: 1, digest: 99), 7)
        mesh.observe(described(0, 2, 12), 8)
        #expect(mesh.broken == [])
        mesh.observe(described(2, 2, 13), 8)
        #expect(mesh.broken == ["description"])
        mesh.observe(described(0, 1, 11), 9)
        #expect(mesh.broken.count == 2)
        #expect(mesh.judged("description") == 6)
    }

    @Test func `the departure of a start that was not known ends the one that was`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(1), 10)
        mesh.believe(0, 1, .dead, 15)
        mesh.observe(.started(1, generation: 2), 20)
        mesh.observe(.claimed(1, ObservedMesh.claim(1, generation: 2)), 20)
        mesh.observe(.left(1), 25)
        mesh.believe(0, 1, .left, 26)
        #expect(mesh.broken == [])
        mesh.believe(0, 1, .alive, 27, generation: 2)
        #expect(mesh.broken == ["departure"])
    }

    // MARK: Queued refutations

    @Test func `who buries a member before reading what it sent is found`() {
        var mesh = ObservedMesh { $0.allowsFalseDeaths = true }
        mesh.believe(0, 1, .dead, 50)
        #expect(mesh.broken == [])
        mesh.believe(0, 2, .dead, 50, unread: 1)
        #expect(mesh.broken == ["queued refutation"])
        mesh.believe(0, 1, .dead, 51, unread: 1)
        #expect(mesh.broken.count == 1, "it was dead already")
        #expect(mesh.judged("queued refutation") == 2)
    }
}
