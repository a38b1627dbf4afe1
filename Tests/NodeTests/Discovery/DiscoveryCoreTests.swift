import Testing
import Wire

@testable import Node

struct DiscoveryCoreTests {
    @Test func everySeedIsTriedAtOnceAndOftenestInTheBeginning() {
        var world = DiscoveryWorld(seeds: ["10.0.0.1:1", "10.0.0.2:1"])
        world.run(for: .seconds(600))
        for seed in ["10.0.0.1:1", "10.0.0.2:1"] {
            let times = world.times(of: seed)
            #expect(times.first == 0)
            let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
            // Doubling from a second, jittered down to half, and bounded.
            #expect(pauses.prefix(2).allSatisfy { $0 <= 2.1 })
            #expect(pauses.allSatisfy { $0 <= DiscoveryLimits.retryMax.seconds + 0.1 })
            #expect(pauses.dropFirst(6).allSatisfy { $0 >= DiscoveryLimits.retryMax.seconds / 2 })
        }
    }

    @Test func twoNodesThatLostAllAtOneMomentDoNotComeBackAtOneMoment() {
        var first = DiscoveryWorld(seeds: ["10.0.0.1:1"])
        var second = first
        second.generator.state = 2
        first.run(for: .seconds(60))
        second.run(for: .seconds(60))
        #expect(
            first.times(of: "10.0.0.1:1").dropFirst() != second.times(of: "10.0.0.1:1").dropFirst())
    }

    @Test func aNameIsResolvedAnewForEachAttemptAndAllItsAddressesAreTried() {
        var world = DiscoveryWorld(seeds: ["home.example:7433"])
        let name = address("home.example:7433")
        world.names[name] = [address("[2001:db8::1]:7433"), address("10.0.0.1:7433")]
        world.step()
        #expect(world.dialled == [address("[2001:db8::1]:7433"), address("10.0.0.1:7433")])
        // The machine moved.
        world.names[name] = [address("10.0.0.9:7433")]
        world.members[address("10.0.0.9:7433")] = node(9)
        world.run(for: .seconds(5))
        #expect(world.core.allPlaces.first?.outcome == .member(node(9)))
        #expect(world.notices.contains(.found(name, node(9))))
    }

    @Test func aNameThatDoesNotResolveIsToldOnceUntilItResolves() {
        var world = DiscoveryWorld(seeds: ["home.example:7433"])
        let name = address("home.example:7433")
        func told(_ world: DiscoveryWorld) -> Int {
            world.notices.count { if case .unresolved = $0 { true } else { false } }
        }
        world.run(for: .seconds(300))
        #expect(world.times(of: "home.example:7433").count > 5)
        #expect(told(world) == 1)
        world.names[name] = [address("10.0.0.1:7433")]
        world.run(for: .seconds(60))
        world.names[name] = nil
        world.run(for: .seconds(300))
        #expect(told(world) == 2)
    }

    @Test func aSeedThatIsTheNodeItselfIsSkippedAndNoFailure() {
        // One is where it listens; of the other only a dial can tell.
        var world = DiscoveryWorld(
            seeds: ["10.0.0.1:7433", "localhost:7433", "10.0.0.2:7433"], own: ["10.0.0.1:7433"])
        world.names[address("localhost:7433")] = [address("127.0.0.1:7433")]
        world.own.insert(address("127.0.0.1:7433"))
        world.members[address("10.0.0.2:7433")] = node(2)
        world.run(for: .seconds(300))
        #expect(!world.dialled.contains(address("10.0.0.1:7433")))
        #expect(world.dialled.count { $0 == address("127.0.0.1:7433") } == 1)
        #expect(world.core.allPlaces.map(\.outcome) == [.itself, .itself, .member(node(2))])
        #expect(world.notices.contains(.itself(address("localhost:7433"))))
        #expect(!world.notices.contains { if case .alone = $0 { true } else { false } })
    }

    @Test func aNameOfSeveralNodesLeadsToTheOthers() {
        var world = DiscoveryWorld(seeds: ["mesh.example:7433"], own: ["10.0.0.1:7433"])
        world.names[address("mesh.example:7433")] = [
            address("10.0.0.1:7433"), address("10.0.0.2:7433"),
        ]
        world.members[address("10.0.0.2:7433")] = node(2)
        world.step()
        #expect(world.dialled == [address("10.0.0.2:7433")])
        #expect(world.core.allPlaces.first?.outcome == .member(node(2)))
    }

    @Test func aDeadEndIsToldOnceAndAgainAfterTheNextOne() {
        var world = DiscoveryWorld(
            seeds: ["10.0.0.1:1"],
            remembered: [.init(node: node(2), addresses: [address("10.0.0.2:1")])])
        func deadEnds(_ world: DiscoveryWorld) -> [[NetworkAddress]] {
            world.notices.compactMap {
                if case .alone(let tried) = $0 { tried.map(\.address) } else { nil }
            }
        }
        world.run(for: .seconds(300))
        #expect(deadEnds(world) == [[address("10.0.0.1:1"), address("10.0.0.2:1")]])
        world.around = DiscoveryCore.Surroundings(active: [node(2)], known: [node(2)])
        world.run(for: .seconds(10))
        #expect(!world.core.isAlone)
        world.around = DiscoveryCore.Surroundings(known: [node(2)])
        world.run(for: .seconds(300))
        #expect(deadEnds(world).count == 2)
    }

    @Test func aNodeThatKnowsNobodySaysSoOnce() {
        var world = DiscoveryWorld()
        world.run(for: .seconds(300))
        #expect(world.notices == [.nowhereToLook])
        #expect(world.attempts.isEmpty)
        // A seed that is the node itself is nobody either.
        var other = DiscoveryWorld(seeds: ["10.0.0.1:1"], own: ["10.0.0.1:1"])
        other.run(for: .seconds(60))
        #expect(other.notices == [.itself(address("10.0.0.1:1")), .nowhereToLook])
    }

    @Test func aMemberThatAnswersIsToldOnceThoughTheGossipTakesItsTime() {
        var world = DiscoveryWorld(seeds: ["10.0.0.1:1"])
        world.members[address("10.0.0.1:1")] = node(1)
        world.run(for: .seconds(30))
        #expect(world.notices == [.found(address("10.0.0.1:1"), node(1))])
    }

    @Test func whileConnectedOnlyAddressesThatLeadToNobodyKnownAreTriedAndSeldom() {
        var world = DiscoveryWorld(
            seeds: ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"],
            remembered: [
                .init(node: node(4), addresses: [address("10.0.0.4:1")]),
                .init(node: node(5), addresses: [address("10.0.0.5:1")]),
            ])
        world.members[address("10.0.0.1:1")] = node(1)
        // 1 is alive; so is whoever has the second seed's address; 4 is dead; nobody knows of 3 and 5.
        world.around = DiscoveryCore.Surroundings(
            active: [node(1), node(2)], known: [node(1), node(2), node(4)],
            activeAddresses: [address("10.0.0.2:1")])
        world.run(for: .seconds(6 * 3600))
        #expect(world.times(of: "10.0.0.1:1").count == 1)
        #expect(world.times(of: "10.0.0.2:1").isEmpty)
        #expect(world.times(of: "10.0.0.4:1").isEmpty)
        let seldom = world.times(of: "10.0.0.3:1")
        #expect((72...145).contains(seldom.count))
        // Whom the mesh has forgotten is tried ever more seldom.
        #expect((5...20).contains(world.times(of: "10.0.0.5:1").count))
    }

    @Test func whoLosesEveryoneBeginsAnewAtOnce() {
        var world = DiscoveryWorld(seeds: ["10.0.0.1:1"])
        world.run(for: .seconds(600))
        world.around = DiscoveryCore.Surroundings(active: [node(2)], known: [node(2)])
        world.run(for: .seconds(600))
        world.around = DiscoveryCore.Surroundings(known: [node(2)])
        let lost = (world.now - .origin).seconds
        world.run(for: .seconds(10))
        let after = world.times(of: "10.0.0.1:1").filter { $0 >= lost }
        #expect(after.count >= 3)
        #expect((after.first ?? .infinity) - lost < 6.1)
    }

    @Test func manyDeadOnesDoNotCrowdOutTheOneThatAnswers() {
        let entries = (0..<100).map { number in
            DiscoveryCore.SeedEntry(
                node: node(UInt64(1000 + number)),
                addresses: (0..<4).map { address("10.\($0).0.\(number):1") })
        }
        var world = DiscoveryWorld(seeds: ["10.9.9.9:1"], remembered: entries)
        world.members[address("10.3.0.99:1")] = node(1099)
        world.run(for: .seconds(30))
        #expect(world.busiest <= DiscoveryLimits.attemptsMax)
        #expect(world.notices == [.found(address("10.3.0.99:1"), node(1099))])
        // What somebody gave is not crowded out either.
        #expect(world.times(of: "10.9.9.9:1").count >= 5)
        // Everyone's best address comes before anyone's second best.
        let first = world.attempts.prefix(101).map(\.address)
        #expect(first.count { $0.description.hasPrefix("10.0.0.") } == 100)
    }

    @Test func whereEachAttemptTakesLongAllAreTriedBeforeOneIsTriedAgain() {
        var generator = SeededGenerator(state: 1)
        var now = MonotonicInstant.origin
        let seeds = (1...40).map { address("10.0.0.\($0):1") }
        var core = DiscoveryCore(
            seeds: seeds, ticket: [], remembered: [], ownAddresses: [], at: now)
        var tried: Set<NetworkAddress> = []
        // Three rounds have room for 48.
        for _ in 0..<3 {
            let effects = core.step(.init(), at: now, using: &generator)
            // No connection within the time.
            now = now + .seconds(3)
            for case .attempt(let place) in effects {
                tried.insert(place)
                _ = core.finished(place, .failed("no answer"), at: now, using: &generator)
            }
        }
        #expect(tried == Set(seeds))
    }

    @Test func whoIsRememberedLaterIsLookedForLater() {
        var world = DiscoveryWorld()
        world.run(for: .seconds(5))
        world.core.remember(
            [.init(node: node(7), addresses: [address("10.0.0.7:1")])], at: world.now)
        world.members[address("10.0.0.7:1")] = node(7)
        world.run(for: .seconds(5))
        #expect(world.notices.last == .found(address("10.0.0.7:1"), node(7)))
        world.core.remember([], at: world.now)
        #expect(world.core.allPlaces.isEmpty)
    }
}
