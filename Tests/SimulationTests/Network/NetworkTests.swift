import Testing
import Wire

@testable import Simulation

@Suite struct NetworkTests {
    private func network(
        nodes: Int = 4, blocked: Int = 0, _ change: (inout NetworkConditions) -> Void = { _ in }
    ) -> SimulatedNetwork {
        var conditions = NetworkConditions()
        change(&conditions)
        return SimulatedNetwork(nodes: nodes, conditions: conditions, blocked: blocked, seed: 3)
    }

    /// How many copies of each of `count` datagrams arrive.
    private func copies(
        _ network: inout SimulatedNetwork, _ count: Int = 1, bytes: Int = 100, _ from: Int = 0,
        _ to: Int = 1, at now: MonotonicInstant = .origin
    ) -> [Int] {
        (0..<count).map { _ in network.send(bytes: bytes, from: from, to: to, at: now).count }
    }

    @Test func `datagrams are lost and doubled as often as told`() {
        var network = network {
            $0.loss = 0.2
            $0.duplication = 0.1
        }
        let copies = copies(&network, 10_000)
        #expect((8700...9300).contains(copies.reduce(0, +)))
        #expect(copies.contains(2))
        #expect((1900...2100).contains(network.counters.lost))
        #expect((900...1100).contains(network.counters.duplicated))
    }

    @Test func `groups of a partition reach themselves only, until it heals`() {
        var network = network(nodes: 6)
        network.split([[1, 2], [3]])
        for (a, b) in [(0, 1), (1, 3), (0, 3)] {
            #expect(copies(&network, 1, a, b) == [0])
            #expect(!network.isConnected(a, b))
        }
        #expect(network.isConnected(1, 2))
        #expect(network.isConnected(0, 4), "those in no group are together")
        network.heal()
        #expect(network.isConnected(0, 1))
        #expect(copies(&network, 1, 0, 3) == [1])
    }

    @Test func `two that are cut off from each other both reach a third`() {
        var network = network()
        network.cut(Cut(from: [0], to: [1]))
        #expect(!network.isConnected(0, 1))
        #expect(network.isConnected(0, 2) && network.isConnected(1, 2))
        #expect(copies(&network, 1, 1, 0) == [0])
    }

    @Test func `a one-way cut lets the other way pass, and no link stand`() {
        var network = network()
        network.cut(Cut(from: [0], to: [1], isBothWays: false))
        #expect(copies(&network, 1, 0, 1) == [0])
        #expect(copies(&network, 1, 1, 0) == [1])
        #expect(network.passesStreams(1, 0) && !network.passesStreams(0, 1))
        #expect(!network.isConnected(0, 1))
    }

    @Test func `a cut of datagrams leaves links alone`() {
        var network = network()
        network.cut(Cut(from: [0], to: [1], isDatagramsOnly: true))
        #expect(copies(&network, 1, 0, 1) == [0])
        #expect(network.isConnected(0, 1))
    }

    @Test func `a clogged path delivers everything when it opens, and not before`() {
        var network = network()
        network.clog(from: [0], to: [1], until: .origin + .seconds(10))
        for second in 0..<10 {
            let now = MonotonicInstant.origin + .seconds(second)
            let arrivals = network.send(bytes: 100, from: 0, to: 1, at: now)
            #expect(arrivals.count == 1)
            let at = now + .nanoseconds(arrivals[0])
            #expect(at >= .origin + .seconds(10))
            #expect(at < .origin + .milliseconds(10_021))
            #expect(
                now + .nanoseconds(network.streamDelay(0, 1, at: now)) >= .origin + .seconds(10))
        }
        #expect(network.counters.clogged == 10)
        let later = MonotonicInstant.origin + .seconds(11)
        #expect(network.send(bytes: 100, from: 0, to: 1, at: later)[0] < 20_000_001)
    }

    @Test func `long datagrams vanish where the path is narrow`() {
        var everywhere = network { $0.mtu = 1000 }
        #expect(copies(&everywhere, 1, bytes: 1000) == [1])
        #expect(copies(&everywhere, 1, bytes: 1001) == [0])
        var network = network()
        network.shrink([1], to: 500)
        #expect(copies(&network, 1, bytes: 501, 0, 1) == [0])
        #expect(copies(&network, 1, bytes: 501, 1, 0) == [0])
        #expect(copies(&network, 1, bytes: 501, 0, 2) == [1])
        network.heal()
        #expect(copies(&network, 1, bytes: 501, 0, 1) == [1])
    }

    @Test func `blocks made by faults heal, those of the configuration stay`() {
        var network = network(blocked: 1)
        network.block([2])
        #expect(copies(&network, 1, 0, 1) == [0])
        #expect(copies(&network, 1, 1, 2) == [0])
        network.heal()
        #expect(copies(&network, 1, 0, 1) == [0])
        #expect(copies(&network, 1, 1, 2) == [1])
        #expect(network.isConnected(0, 1))
    }

    @Test func `damage, replay and reordering come as often as told`() {
        var network = network {
            $0.corruption = 0.1
            $0.replay = 0.1
            $0.reordering = 0.1
        }
        var damaged = 0
        var replayed = 0
        var overtaken = 0
        for _ in 0..<10_000 {
            let arrivals = network.send(bytes: 10, from: 0, to: 1, at: .origin)
            if let bit = arrivals.damagedBit {
                damaged += 1
                #expect((0..<80).contains(bit))
            }
            if arrivals.count == 2 {
                replayed += 1
                #expect((1_000_000_000...90_000_000_000).contains(arrivals[1]))
            }
            if arrivals[0] > 20_000_000 { overtaken += 1 }
        }
        for count in [damaged, replayed] { #expect((900...1100).contains(count)) }
        #expect((800...1100).contains(overtaken))
    }

    @Test func `distance adds to the latency and to the round trip`() {
        var network = network(nodes: 50) { $0.span = .milliseconds(100) }
        var longest = Duration.zero
        for other in 1..<50 {
            let way = network.distance(0, other)
            #expect(way == network.distance(other, 0))
            #expect(way <= .milliseconds(100))
            longest = max(longest, way)
            let arrivals = network.send(bytes: 10, from: 0, to: other, at: .origin)
            #expect(arrivals[0] >= way.nanoseconds + 1_000_000)
            #expect(network.roundTrip(0, other) == way * 2 + .milliseconds(21))
        }
        #expect(longest > .milliseconds(30))
    }
}
