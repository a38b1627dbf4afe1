import Testing
import Trust
import Wire

@testable import Node

struct PeerMemoryTests {
    private func seed(_ number: UInt64, _ addresses: String...) -> SeedAddress {
        SeedAddress(node: node(number), addresses: addresses.map(address))
    }

    @Test func whoIsGoneIsNotForgotten() {
        var memory = PeerMemory([seed(1, "10.0.0.1:1"), seed(2, "10.0.0.2:1")], at: now)
        memory.see([seed(2, "10.0.0.2:1")], at: now + .seconds(60))
        memory.see([], at: now + .seconds(120))
        #expect(memory.entries.map(\.node) == [node(2), node(1)])
        #expect(memory.entries.map(\.lastSeen) == [now + .seconds(60), now])
    }

    @Test func aMemberWithoutAddressesLeavesThoseItHad() {
        var memory = PeerMemory([seed(1, "10.0.0.1:1")], at: now)
        memory.see([seed(1)], at: now + .seconds(60))
        #expect(memory.entries.map(\.addresses) == [[address("10.0.0.1:1")]])
    }

    @Test func presentAddressesComeBeforeEarlierOnesAndAllAreBounded() {
        var memory = PeerMemory([seed(1, "10.0.0.1:1", "10.0.0.2:1")], at: now)
        memory.see([seed(1, "10.0.0.3:1", "10.0.0.2:1")], at: now + .seconds(60))
        #expect(
            memory.entries.first?.addresses
                == ["10.0.0.3:1", "10.0.0.2:1", "10.0.0.1:1"].map(address))
        for number in 10..<40 {
            memory.see([seed(1, "10.0.0.\(number):1")], at: now + .seconds(number * 60))
        }
        #expect(memory.entries.first?.addresses.count == WireLimits.addressesMax)
        #expect(memory.entries.first?.addresses.first == address("10.0.0.39:1"))
    }

    @Test func theMostRecentlySeenAreKept() {
        var memory = PeerMemory()
        for number in 0..<UInt64(300) {
            memory.see([seed(number, "10.0.0.1:1")], at: now + .seconds(Int(number)))
        }
        #expect(memory.entries.count == DiscoveryLimits.peersMax)
        #expect(memory.entries.first?.node == node(299))
        #expect(memory.entries.last?.node == node(44))
    }

    @Test func whoWasSeenLongBeforeTheOthersIsForgottenButNotByATurnedOffMachine() {
        var memory = PeerMemory([seed(1, "10.0.0.1:1"), seed(2, "10.0.0.2:1")], at: now)
        let later = now + DiscoveryLimits.memory + .seconds(60)
        memory.see([], at: later)
        #expect(memory.entries.count == 2)
        memory.see([seed(2, "10.0.0.2:1")], at: later)
        #expect(memory.entries.map(\.node) == [node(2)])
    }

    @Test func aClockThatWasAheadDoesNotMakeItsSightingsLast() {
        var memory = PeerMemory([seed(1, "10.0.0.1:1")], at: now + .seconds(1_000_000_000))
        memory.see([seed(2, "10.0.0.2:1")], at: now)
        #expect(memory.entries.map(\.lastSeen) == [now, now])
        memory.see([seed(2, "10.0.0.2:1")], at: now + DiscoveryLimits.memory + .seconds(1))
        #expect(memory.entries.map(\.node) == [node(2)])
    }

    @Test func itComesBackFromDiskAndADamagedOneIsNoReasonNotToStart() throws {
        let folder = try TemporaryDirectory()
        let state = try StateDirectory.sample(at: folder.path)
        #expect(state.peerMemory() == PeerMemory())
        let memory = PeerMemory(
            (0..<300).map { seed($0, "[2001:db8::1]:7433", "home.example:7433") }, at: now)
        try state.save(memory)
        #expect(state.peerMemory() == memory)
        #expect(memory.entries.count == DiscoveryLimits.peersMax)
        let whole = try folder.bytes("peers/known")
        try folder.overwrite("peers/known", with: Array(whole.dropLast()))
        #expect(state.peerMemory() == PeerMemory())
    }

    @Test func theTicketsAddressesAreKept() throws {
        let folder = try TemporaryDirectory()
        let state = try StateDirectory.sample(at: folder.path)
        #expect(state.ticketAddresses().isEmpty)
        try state.save(ticketAddresses: [address("home.example:7433"), address("10.0.0.1:1")])
        #expect(state.ticketAddresses() == [address("home.example:7433"), address("10.0.0.1:1")])
    }

    @Test func onlyNewsIsWorthAWrite() {
        let memory = PeerMemory([seed(1, "10.0.0.1:1")], at: now)
        var later = memory
        later.see([seed(1, "10.0.0.1:1")], at: now + .seconds(30))
        #expect(!memory.isStale(beside: later))
        later.see([seed(1, "10.0.0.1:1")], at: now + .seconds(3600))
        #expect(memory.isStale(beside: later))
        var moved = memory
        moved.see([seed(1, "10.0.0.2:1")], at: now)
        #expect(memory.isStale(beside: moved))
        var grown = memory
        grown.see([seed(2, "10.0.0.2:1")], at: now)
        #expect(memory.isStale(beside: grown))
    }
}
