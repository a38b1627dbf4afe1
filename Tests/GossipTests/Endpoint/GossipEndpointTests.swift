import Testing
import Wire

@testable import Gossip

/// Nodes that know one another and have sessions.
func mesh(
    _ count: UInt64, running duration: Duration = .seconds(5), hidesBoots: Bool = false
) -> Wires {
    var wires = Wires()
    wires.hidesBoots = hidesBoots
    for number in 1...count { wires.start(number) }
    wires.introduce()
    wires.run(duration)
    return wires
}

@Suite struct GossipEndpointTests {
    @Test func twoNodesProbeEachOtherAndStayAlive() {
        let wires = mesh(2, running: .seconds(60))
        #expect(wires.state(1, of: 2) == .alive && wires.state(2, of: 1) == .alive)
        #expect(wires.endpoints[1]?.core.view(of: node(2))?.roundTrip != nil)
        #expect(wires.endpoints[1]?.counters.gossip.probesFailed == 0)
        #expect(wires.counters(1).sessionsMade == 1)
    }

    @Test func whoseClaimIsKnownIsSentNoHello() {
        let wires = mesh(8, running: .seconds(60))
        for number in 1...8 as ClosedRange<UInt64> {
            #expect(wires.counters(number).hellosSent == 0)
            #expect(wires.counters(number).sessionsMade == 7)
        }
    }

    @Test func aRestartedNodeIsReachedAtOnce() {
        var wires = mesh(3)
        wires.start(2, generation: 2, linkKey: 20)
        // It finds one member over a link; the others hear of it by gossip.
        wires.tell(2, of: 1)
        wires.tell(2, of: 3)
        wires.tell(1, of: 2)
        wires.run(.seconds(4))
        for observer in [1, 3] as [UInt64] {
            #expect(wires.state(observer, of: 2) == .alive)
            #expect(wires.endpoints[observer]?.core.view(of: node(2))?.alive.generation == 2)
        }
        #expect(!(wires.events[1] ?? []).contains { $0.event == .suspected })
        #expect(!(wires.events[3] ?? []).contains { $0.event == .suspected })
    }

    @Test func aNodeThatRestartsElsewhereIsSoughtThereAtOnce() {
        var wires = mesh(3)
        wires.start(2, generation: 2, linkKey: 20, at: 77)
        wires.tell(2, of: 1)
        wires.tell(2, of: 3)
        wires.tell(1, of: 2)
        wires.record = []
        wires.send(GossipPacket.encode(.ping(sequence: 1), claims: []), from: 1, to: 2)
        #expect(!wires.record.isEmpty)
        #expect(wires.record.allSatisfy { $0.to == address(77) || $0.from == address(77) })
        wires.events = [:]
        wires.run(.seconds(10))
        #expect(wires.events.values.allSatisfy { !$0.contains { $0.event == .suspected } })
    }

    @Test func allMayRestartAtOnce() {
        var wires = mesh(3)
        for number in [1, 2, 3] as [UInt64] {
            wires.start(number, generation: 2, linkKey: number + 20)
        }
        wires.introduce()
        wires.events = [:]
        wires.run(.seconds(30))
        for (_, events) in wires.events { #expect(!events.contains { $0.event == .suspected }) }
        #expect(wires.counters(1).sessionsMade == 2)
    }

    @Test func whoTakesAnothersAddressIsNotTakenForIt() {
        var wires = mesh(3)
        // 3 dies, and 4 starts at its address.
        wires.endpoints[3] = nil
        wires.start(4, at: 3)
        for number in [1, 2] as [UInt64] {
            wires.tell(number, of: 4)
            wires.tell(4, of: number)
        }
        wires.tell(4, of: 3)
        wires.run(.seconds(60))
        for observer in [1, 2] as [UInt64] {
            #expect(wires.state(observer, of: 3) == .dead)
            #expect(wires.state(observer, of: 4) == .alive)
        }
        #expect(wires.counters(4).notAuthentic > 0, "what was for 3 came to 4, and said nothing")
    }

    @Test func aNodeThatMovesIsFoundAtItsNewAddress() {
        var wires = mesh(2)
        wires.addresses = wires.addresses.filter { $0.value != 2 }
        wires.addresses[address(77)] = 2
        wires.run(.seconds(60))
        #expect(wires.state(1, of: 2) == .alive && wires.state(2, of: 1) == .alive)
        #expect(wires.record.suffix(10).contains { $0.to == address(77) })
    }

    @Test func keysReplacedOnBothSidesOfAPartitionDoNotKeepThemApart() {
        var wires = mesh(2)
        wires.cuts = [[1, 2]]
        wires.run(.seconds(120))
        #expect(wires.state(1, of: 2) == .dead && wires.state(2, of: 1) == .dead)
        for number in [1, 2] as [UInt64] {
            let key = LinkKey(number: number + 50)
            guard var claim = wires.endpoints[number]?.core.local else { return }
            claim.linkKey = key
            wires.endpoints[number]?.renew(cipher: ToyCipher(node: node(number), linkKey: key))
            wires.give(number, .identity(claim))
        }
        wires.cuts = []
        wires.run(.seconds(60))
        for (a, b) in [(1, 2), (2, 1)] as [(UInt64, UInt64)] {
            #expect(wires.state(a, of: b) == .alive)
            #expect(
                wires.endpoints[a]?.core.view(of: node(b))?.alive.linkKey
                    == LinkKey(number: b + 50))
            #expect(wires.endpoints[a]?.sessions.sessions[node(b)]?.isStale == false)
        }
    }

    @Test func noDatagramIsLongerThanTheLimitWhateverItCarries() {
        var wires = mesh(3)
        wires.start(2, generation: 2)
        wires.introduce()
        wires.record = []
        let longest = [UInt8](repeating: 0, count: GossipLimits.packetBytesMax)
        // The first waits for a session, the second has one.
        for _ in 0..<2 {
            wires.send(longest, from: 1, to: 2)
            wires.send(longest, from: 1, to: 3)
            let relayed = [UInt8](repeating: 0, count: GossipLimits.relayedPacketBytesMax)
            wires.send(relayed, from: 1, to: 2, path: .relay(node(3)))
            wires.send(relayed, from: 3, to: 2, path: .relay(node(1)))
            wires.now = wires.now + .seconds(1)
        }
        let lengths = wires.record.map(\.bytes.count)
        #expect(lengths.allSatisfy { $0 <= DatagramLimits.bytesMax })
        #expect(lengths.contains { $0 > 1190 }, "the longest were among them")
        #expect(wires.endpoints[1]?.counters.endpoint.unsendable == 0)
        wires.send(longest + [0, 0, 0] + longest, from: 1, to: 2)
        #expect(wires.counters(1).oversized == 1)
        let tooLong = [UInt8](repeating: 0, count: GossipLimits.relayedPacketBytesMax + 1)
        wires.send(tooLong, from: 1, to: 2, path: .relay(node(3)))
        #expect(wires.endpoints[1]?.counters.endpoint.unsendable == 1)
    }

    @Test func nothingIsSentWithoutASocket() {
        var random = TestRandom(seed: 1)
        let core = GossipCore(
            local: aliveClaim(1, reachability: .outboundOnly), metadata: metadata(1),
            authority: ToyAuthority(node: node(1)), now: .origin)
        var endpoint = GossipEndpoint(
            core: core, sessions: sessions(1, boot: boot(1)), hasSocket: false)
        endpoint.know(node(2), linkKey: LinkKey(number: 2), at: .origin)
        #expect(endpoint.send([1], to: node(2), path: .datagram, at: .origin).isEmpty)
        #expect(endpoint.tick(at: .origin + .seconds(1), using: &random).isEmpty)
        #expect(endpoint.counters.endpoint.unsendable == 1)
    }

    @Test func theSameHistoryGivesTheSameDatagrams() {
        let first = mesh(3, running: .seconds(20))
        let second = mesh(3, running: .seconds(20))
        #expect(first.record.map(\.bytes) == second.record.map(\.bytes))
        #expect(first.record.map(\.to) == second.record.map(\.to))
    }

    @Test func whatTheCoreForgotIsForgottenHere() {
        var wires = mesh(2)
        let stranger = LinkKey(number: 9)
        for number in 100..<150 as Range<UInt64> {
            wires.endpoints[1]?.know(node(number), linkKey: stranger, at: wires.now)
        }
        #expect(wires.endpoints[1]?.sizes.sessions == 51)
        #expect(wires.endpoints[1]?.sizes.directory == 51)
        wires.run(.seconds(800))
        #expect(wires.endpoints[1]?.sizes.sessions == 1)
        #expect(wires.endpoints[1]?.sizes.directory == 1)
        #expect(wires.state(1, of: 2) == .alive)
    }
}
