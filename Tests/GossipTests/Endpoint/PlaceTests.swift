import Testing
import Wire

@testable import Gossip

/// What an endpoint finds out about places, its own among them.
@Suite struct PlaceTests {
    @Test func aNodeBehindATranslatorLearnsItsAddressAndClaimsIt() {
        var wires = Wires()
        for number in 1...3 as ClosedRange<UInt64> { wires.start(number) }
        // What 2 was told of itself leads nowhere; its datagrams come from another place.
        wires.addresses = wires.addresses.filter { $0.value != 2 }
        wires.addresses[address(77)] = 2
        wires.introduce()
        // Somebody must be spoken to first.
        wires.run(.seconds(150))
        #expect(wires.endpoints[2]?.ownObserved == [address(77)])
        #expect(wires.endpoints[2]?.core.local.addresses == [address(2), address(77)])
        #expect(
            wires.endpoints[1]?.core.view(of: node(2))?.alive.addresses
                == [address(2), address(77)])
        #expect(wires.endpoints[1]?.addressesHeard(of: node(2), at: wires.now) == [address(77)])
        #expect(wires.endpoints[1]?.ownObserved.isEmpty == true)
    }

    @Test func `where a member was heard counts for nothing in its next start`() {
        var wires = Wires()
        for number in 1...3 as ClosedRange<UInt64> { wires.start(number) }
        wires.addresses = wires.addresses.filter { $0.value != 2 }
        wires.addresses[address(77)] = 2
        wires.introduce()
        wires.run(.seconds(20))
        let heard = wires.endpoints[1]?.addressesHeard(of: node(2), at: wires.now)
        #expect(heard?.first == address(77))
        wires.start(2, generation: 2, at: 5)
        wires.tell(1, of: 2)
        #expect(wires.endpoints[1]?.addressesHeard(of: node(2), at: wires.now) == [address(5)])
        wires.tell(2, of: 1)
        wires.tell(2, of: 3)
        wires.tell(3, of: 2)
        wires.run(.seconds(5))
        #expect(wires.state(1, of: 2) == .alive)
        #expect(wires.endpoints[1]?.addressesHeard(of: node(2), at: wires.now) == [address(5)])
    }

    @Test func aNodeThatDatagramsDoNotReachSaysSo() {
        var wires = Wires()
        for number in 1...5 as ClosedRange<UInt64> { wires.start(number) }
        wires.introduce()
        for number in 2...5 as ClosedRange<UInt64> { wires.link(number, 1) }
        wires.run(.seconds(10))
        #expect(wires.endpoints[1]?.reachability == .direct)
        wires.deaf = [1]
        wires.run(.seconds(240))
        #expect(wires.endpoints[1]?.reachability == .streamsOnly)
        #expect(wires.endpoints[2]?.core.view(of: node(1))?.alive.reachability == .streamsOnly)
        for number in 2...5 as ClosedRange<UInt64> {
            #expect(wires.state(number, of: 1) == .alive)
            #expect(wires.state(1, of: number) == .alive)
            #expect(wires.endpoints[number]?.reachability == .direct)
        }
        #expect(wires.endpoints[1]?.reachabilityMax == .direct)
    }

    @Test func sizesStayWithinTheirBounds() throws {
        let wires = mesh(5, running: .seconds(60))
        for number in 1...5 as ClosedRange<UInt64> {
            let sizes = try #require(wires.endpoints[number]?.sizes)
            #expect(sizes.sessions == 4 && sizes.directory == 4)
            #expect(sizes.waitingPackets == 0 && sizes.waitingPeers <= 4)
            #expect(sizes.addressReports <= AddressLimits.reportsMax)
            #expect(sizes.witnesses <= 4 && sizes.sentTo <= 8)
        }
    }
}
