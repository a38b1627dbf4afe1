import Testing
import Wire

@testable import Gossip

/// Nodes that know one another and have sessions.
func mesh(_ count: UInt64, running duration: Duration = .seconds(5)) -> Wires {
    var wires = Wires()
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
}
