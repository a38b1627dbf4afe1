import Testing
import Wire

@testable import Node

/// SplitMix64: the same draws in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

func address(_ text: String) -> NetworkAddress {
    guard let address = NetworkAddress(text) else { preconditionFailure("\(text) is an address") }
    return address
}

func node(_ number: UInt64) -> NodeID { NodeID(number: number) }

/// A discovery core with a clock of its own, and a world that answers its attempts.
struct DiscoveryWorld {
    var core: DiscoveryCore
    var now = MonotonicInstant.origin
    var generator = SeededGenerator(state: 1)
    /// What names resolve to.
    var names: [NetworkAddress: [NetworkAddress]] = [:]
    /// Who listens where.
    var members: [NetworkAddress: NodeID] = [:]
    /// Where the node itself listens.
    var own: Set<NetworkAddress> = []
    var around = DiscoveryCore.Surroundings()
    var attempts: [(at: MonotonicInstant, address: NetworkAddress)] = []
    var dialled: [NetworkAddress] = []
    var notices: [DiscoveryNotice] = []
    /// How many attempts were under way at once.
    var busiest = 0

    init(
        seeds: [String] = [], ticket: [String] = [],
        remembered: [DiscoveryCore.SeedEntry] = [], own: [String] = []
    ) {
        core = DiscoveryCore(
            seeds: seeds.map(address), ticket: ticket.map(address), remembered: remembered,
            ownAddresses: own.map(address), at: .origin)
        self.own = Set(own.map(address))
    }

    /// Does what is due now; attempts are answered at once.
    mutating func step() {
        let effects = core.step(around, at: now, using: &generator)
        busiest = max(busiest, core.allPlaces.count(where: \.isBusy))
        perform(effects)
    }

    private mutating func perform(_ effects: [DiscoveryCore.Effect]) {
        for effect in effects {
            switch effect {
            case .tell(let notice): notices.append(notice)
            case .attempt(let address): perform(attempt(address))
            }
        }
    }

    private mutating func attempt(_ place: NetworkAddress) -> [DiscoveryCore.Effect] {
        attempts.append((now, place))
        var resolved = [place]
        if case .name = place.host {
            guard let found = names[place] else {
                return core.unresolved(place, "no such name", at: now, using: &generator)
            }
            resolved = found
        }
        var outcome = PlaceOutcome.itself
        for target in core.targets(of: place, resolved: resolved, at: now) {
            dialled.append(target)
            if own.contains(target) {
                core.isItself(target, at: now)
            } else if let node = members[target] {
                outcome = .member(node)
                break
            } else {
                outcome = .failed("\(target): connection refused")
            }
        }
        return core.finished(place, outcome, at: now, using: &generator)
    }

    /// Lets time pass, stepping as the shell would.
    mutating func run(for duration: Duration) {
        let end = now + duration
        step()
        while now < end {
            now = min(end, now + core.pause(at: now))
            step()
        }
    }

    /// The times of the attempts at an address, in seconds.
    func times(of text: String) -> [Double] {
        attempts.filter { $0.address == address(text) }.map { ($0.at - .origin).seconds }
    }
}
