import Simulation
import Testing
import Wire

@testable import Gossip

/// Bounds on memory, traffic and work: each checker finds what it is there to find.
@Suite struct ResourceCheckerTests {
    @Test func `maps over their bounds are found, each by itself`() {
        func held(
            _ mesh: inout ObservedMesh, gossip: GossipSizes = GossipSizes(), directory: Int = 0,
            sessions: Int = 0, waitingPeers: Int = 0, waitingPackets: Int = 0, sources: Int = 0,
            addresses: Int = 0, reports: Int = 0, witnesses: Int = 0, sentTo: Int = 0,
            links: Int = 0
        ) {
            let sizes = EndpointSizes(
                gossip: gossip, directory: directory, sessions: sessions,
                waitingPeers: waitingPeers, waitingPackets: waitingPackets, sourceBuckets: sources,
                addresses: addresses, addressReports: reports, witnesses: witnesses,
                sentTo: sentTo, links: links)
            mesh.observe(.held(0, sizes), 4)
        }
        let full = GossipSizes(
            members: GossipLimits.membersMax, pending: GossipLimits.pendingMax,
            broadcasts: GossipLimits.broadcastsMax, accusers: GossipLimits.accusersMax,
            probes: GossipLimits.probesMax, tombstones: GossipLimits.tombstonesMax,
            certificates: GossipLimits.certificatesMax, seeds: GossipLimits.seedsMax,
            links: DatagramLimits.linksMax, strangers: GossipLimits.strangersMax)
        var mesh = ObservedMesh()
        held(&mesh, gossip: full)
        held(&mesh, sessions: DatagramLimits.sessionsMax, sources: DatagramLimits.sourceBuckets)
        #expect(mesh.broken == [])
        let counts: [WritableKeyPath<GossipSizes, Int>] = [
            \.members, \.pending, \.broadcasts, \.accusers, \.probes, \.tombstones, \.certificates,
            \.seeds, \.links, \.strangers,
        ]
        for change in counts {
            var over = full
            over[keyPath: change] += 1
            held(&mesh, gossip: over)
        }
        #expect(mesh.broken == Array(repeating: "bounds", count: counts.count))
        let most = DatagramLimits.waitingPeersMax * DatagramLimits.waitingMax
        held(&mesh, directory: DatagramLimits.sessionsMax + 1)
        held(&mesh, sessions: DatagramLimits.sessionsMax + 1)
        held(&mesh, waitingPeers: DatagramLimits.waitingPeersMax + 1)
        held(&mesh, waitingPackets: most + 1)
        held(&mesh, sources: DatagramLimits.sourceBuckets + 1)
        held(&mesh, addresses: AddressLimits.placesMax + 1)
        held(&mesh, reports: AddressLimits.reportsMax + 1)
        held(&mesh, witnesses: ReachabilityLimits.witnessesMax + 1)
        held(&mesh, sentTo: 2 * ReachabilityLimits.sentMax + 1)
        held(&mesh, links: DatagramLimits.linksMax + 1)
        #expect(mesh.broken.count == counts.count + 10)
        #expect(mesh.judged("bounds") == counts.count + 12)
    }

    @Test func `packets and datagrams over their limits are found`() {
        var mesh = ObservedMesh()
        mesh.observe(.packet(from: 0, bytes: GossipLimits.packetBytesMax), 2)
        mesh.observe(.datagram(from: 0, bytes: DatagramLimits.bytesMax), 2)
        #expect(mesh.broken == [])
        mesh.observe(.packet(from: 0, bytes: GossipLimits.packetBytesMax + 1), 3)
        mesh.observe(.datagram(from: 0, bytes: DatagramLimits.bytesMax + 1), 3)
        #expect(mesh.broken == ["datagram size", "datagram size"])
    }

    @Test func `traffic that does not calm down is found`() {
        func send(_ perSecond: Int, _ mesh: inout ObservedMesh, from: Int, to: Int) {
            for second in from..<to {
                for index in 0..<perSecond {
                    let at = Double(second) + Double(index) / Double(perSecond)
                    mesh.observe(.datagram(from: index % 3, bytes: 100), at)
                }
            }
        }
        var mesh = ObservedMesh { $0.datagramsPerSecondMax = 3 }
        send(30, &mesh, from: 0, to: 30)
        #expect(mesh.broken == [], "the mesh has just started")
        send(6, &mesh, from: 30, to: 100)
        #expect(mesh.broken == [])
        #expect(mesh.judged("traffic") >= 4)
        mesh.observe(.crashed(2), 100)
        send(30, &mesh, from: 100, to: 130)
        #expect(mesh.broken == [], "a crash is told about")
        send(30, &mesh, from: 130, to: 170)
        #expect(mesh.broken.contains("traffic"))
    }

    @Test
    func `strangers who change something, or are answered with more than they sent, are found`() {
        var mesh = ObservedMesh()
        mesh.observe(.resisted(0, changes: 0, amplified: 0), 5)
        #expect(mesh.broken == [])
        mesh.observe(.resisted(0, changes: 1, amplified: 0), 6)
        mesh.observe(.resisted(0, changes: 0, amplified: 1), 7)
        #expect(mesh.broken == ["resistance", "resistance"])
    }

    @Test func `busy loops and loops that ended are found`() {
        func instant(_ seconds: Int) -> MonotonicInstant { .origin + .seconds(seconds) }
        var mesh = ObservedMesh {
            $0.idleMax = .seconds(10)
            $0.ticksPerSecondMax = 5
        }
        mesh.observe(.ticked(0, next: instant(12)), 2)
        mesh.observe(.ticked(0, next: instant(3)), 3)
        mesh.observe(.ticked(0, next: instant(3)), 3)
        mesh.observe(.ticked(0, next: instant(4)), 3)
        #expect(mesh.broken == [])
        for _ in 0..<3 { mesh.observe(.ticked(0, next: instant(4)), 4) }
        #expect(mesh.broken == ["timers"], "at once, again and again")
        mesh.observe(.ticked(0, next: instant(16)), 5)
        #expect(mesh.broken.count == 2, "much later")
        for _ in 0..<5 { mesh.observe(.ticked(1, next: instant(7)), 6) }
        #expect(mesh.broken.count == 2)
        mesh.observe(.ticked(1, next: instant(7)), 6.5)
        #expect(mesh.broken.count == 3, "too often")
        var stopped = ObservedMesh { $0.idleMax = .seconds(10) }
        for node in 0..<3 { stopped.observe(.ticked(node, next: instant(41)), 40) }
        for node in 0..<2 { stopped.observe(.ticked(node, next: instant(91)), 90) }
        stopped.finish(95)
        #expect(stopped.broken == ["timers"])
        #expect(stopped.checkers.violations[0].message.contains("node 2"))
    }

    @Test func `too many refutations and signatures are found`() {
        var mesh = ObservedMesh { $0.signaturesPerSecondMax = 100 }
        var work = NodeWork()
        work.refutations = 11
        work.signaturesChecked = 1000
        mesh.work(0, work, 10)
        #expect(mesh.broken == [])
        work.refutations = 23
        mesh.work(0, work, 20)
        #expect(mesh.broken == ["work"])
        work.signaturesChecked = 2000 + 100
        mesh.work(0, work, 30)
        #expect(mesh.broken.count == 2)
        #expect(mesh.checkers.signaturesPerSecondPeak > 100)
    }

    @Test func `an honest packet taken for malformed is found`() {
        var mesh = ObservedMesh { $0.isWireClean = true }
        var work = NodeWork()
        mesh.work(0, work, 10)
        #expect(mesh.broken == [])
        work.malformed = 1
        mesh.work(0, work, 20)
        #expect(mesh.broken == ["work"])
        work.forged = 1
        mesh.work(0, work, 30)
        #expect(mesh.broken.count == 2)
    }

    @Test func `histories that differ have other digests`() {
        func digest(_ change: (inout ObservedMesh) -> Void) -> UInt64 {
            var mesh = ObservedMesh { $0.hostile = [2] }
            change(&mesh)
            return mesh.checkers.historyDigest
        }
        let plain = digest { _ in }
        #expect(digest { $0.believe(2, 0, .suspect, 5) } == plain, "the hostile don't count")
        #expect(digest { $0.believe(0, 1, .suspect, 5) } != plain)
        let digests = [
            digest { $0.believe(0, 1, .suspect, 5) }, digest { $0.believe(0, 1, .suspect, 5.001) },
            digest { $0.believe(1, 0, .suspect, 5) }, digest { $0.believe(0, 1, .dead, 5) },
            digest { $0.believe(0, 1, .suspect, 5, incarnation: 1) },
        ]
        #expect(Set(digests).count == digests.count)
    }
}
