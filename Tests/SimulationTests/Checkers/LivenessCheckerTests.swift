import Gossip
import Simulation
import Testing
import Wire

/// Deaths that must be seen, and agreement that must come: each checker finds what it is there to
/// find, and nothing where there is nothing.
@Suite struct LivenessCheckerTests {
    @Test func `a quiet run is clean and was judged`() {
        var mesh = ObservedMesh()
        mesh.finish(100)
        #expect(mesh.broken == [])
        #expect(mesh.judged("convergence") == 6)
        #expect(mesh.judged("spoken for") == 6)
    }

    // MARK: Detection

    @Test func `a crash that somebody misses is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(2), 100)
        mesh.believe(0, 2, .dead, 105)
        mesh.wait(until: 119)
        #expect(mesh.broken == [])
        mesh.wait(until: 121)
        #expect(mesh.broken == ["detection"])
        #expect(mesh.checkers.detections == [.seconds(5)])
        #expect(mesh.checkers.violations[0].message.contains("node 1"))
    }

    @Test func `a crash seen by all in time is clean`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(2), 100)
        mesh.believe(0, 2, .dead, 105)
        mesh.believe(1, 2, .dead, 107)
        mesh.finish(200)
        #expect(mesh.broken == [])
        #expect(mesh.checkers.detections == [.seconds(5), .seconds(7)])
        #expect(mesh.checkers.firstDetections == [.seconds(5)])
        #expect(mesh.judged("detection") >= 2)
    }

    @Test func `who slept through a crash gets its time, but not for ever`() {
        var mesh = ObservedMesh()
        mesh.observe(.impaired(1, .stalled), 95)
        mesh.observe(.crashed(2), 100)
        mesh.believe(0, 2, .dead, 105)
        mesh.observe(.recovered(1, .stalled), 118)
        mesh.wait(until: 121)
        mesh.wait(until: 137)
        #expect(mesh.broken == [])
        mesh.wait(until: 151)
        #expect(mesh.broken.contains("detection"))
    }

    @Test func `who started after a crash and takes the dead for there gets its time`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(2), 100)
        mesh.believe(0, 2, .dead, 105)
        mesh.believe(1, 2, .dead, 105)
        mesh.observe(.crashed(1), 108)
        mesh.observe(.started(1, generation: 2), 110)
        mesh.observe(.claimed(1, ObservedMesh.claim(1, generation: 2)), 110)
        mesh.believe(0, 1, .alive, 111, generation: 2)
        mesh.believe(1, 0, .alive, 111)
        mesh.believe(1, 2, .alive, 111)
        mesh.wait(until: 121)
        #expect(mesh.broken == [])
        mesh.wait(until: 132)
        #expect(mesh.broken == ["detection"])
    }

    @Test func `a crash across a partition must be seen too`() {
        var mesh = ObservedMesh()
        mesh.observe(.partitioned([0]), 50)
        mesh.believe(0, 1, .dead, 60)
        mesh.believe(1, 0, .dead, 60)
        mesh.believe(2, 0, .dead, 60)
        mesh.observe(.crashed(2), 100)
        mesh.believe(1, 2, .dead, 110)
        mesh.wait(until: 121)
        #expect(mesh.broken == ["detection"])
    }

    @Test func `beyond the stated loss nothing is promised`() {
        var mesh = ObservedMesh()
        mesh.observe(.conditions(loss: 0.6), 90)
        mesh.observe(.crashed(2), 100)
        mesh.believe(0, 1, .dead, 105)
        mesh.wait(until: 150)
        mesh.finish(200)
        #expect(mesh.broken == [])
    }

    // MARK: Convergence

    @Test func `a mesh that does not agree after a heal is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.partitioned([2]), 50)
        mesh.believe(0, 2, .dead, 60)
        mesh.believe(1, 2, .dead, 60)
        mesh.observe(.healed, 100)
        mesh.observe(.claimed(2, ObservedMesh.claim(2, incarnation: 1)), 110)
        mesh.believe(1, 2, .alive, 110, incarnation: 1)
        var early = mesh
        early.finish(120)
        #expect(early.broken == [], "it still has time")
        mesh.wait(until: 131)
        #expect(mesh.broken == ["convergence"], "not only at the end")
    }

    @Test func `a node that nobody met again is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.crashed(2), 50)
        mesh.believe(0, 2, .dead, 55)
        mesh.believe(1, 2, .dead, 55)
        mesh.observe(.started(2, generation: 2), 60)
        mesh.finish(200)
        #expect(mesh.broken.allSatisfy { $0 == "convergence" })
        #expect(mesh.broken.count == 4, "two see an old start, and the new one sees nobody")
    }

    @Test func `a ghost is found`() {
        var mesh = ObservedMesh()
        mesh.observe(.left(2), 50)
        mesh.observe(.stopped(2), 52)
        mesh.believe(0, 2, .left, 51)
        mesh.finish(200)
        #expect(mesh.broken == ["convergence"])
    }

    @Test func `those whom a cut keeps apart need not agree, unless a third can carry word`() {
        var two = ObservedMesh(nodes: 2)
        two.observe(.cut(0, 1), 20)
        two.believe(0, 1, .dead, 40)
        two.believe(1, 0, .dead, 40)
        two.finish(200)
        #expect(two.broken == [])
        var three = ObservedMesh(nodes: 3)
        three.observe(.cut(0, 1), 20)
        three.believe(0, 1, .dead, 25)
        #expect(three.broken == ["false death"], "others could have been asked")
        three.finish(200)
        #expect(three.broken.contains("convergence"))
    }
}
