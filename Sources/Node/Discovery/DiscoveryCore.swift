import Wire

/// Which addresses to try, and when. Pure: time, chance, the members and what names resolve to are
/// handed in; what is to be done comes out.
///
/// While the node is alone, every address is tried again and again, those that somebody gave within
/// half a minute. While it is not, an address is left alone that leads to a member it knows, and
/// the others are tried now and then: they may lead to another part of the mesh that has forgotten
/// this one. Members that the gossip knows, dead ones too, are the gossip's to reach then.
struct DiscoveryCore: Sendable {
    /// The members as the gossip sees them, without this node.
    struct Surroundings: Sendable, Equatable {
        /// Members that are believed to live.
        var active: Set<NodeID> = []
        /// All that are known, the dead and departed too.
        var known: Set<NodeID> = []
        /// Addresses of the active ones.
        var activeAddresses: Set<NetworkAddress> = []
    }

    /// What the shell is to do.
    enum Effect: Sendable, Equatable {
        /// Resolve the address if it is a name, ask ``targets(of:resolved:at:)``, dial those in
        /// turn, and report to ``finished(_:_:at:using:)``.
        case attempt(NetworkAddress)
        /// Tell a person.
        case tell(DiscoveryNotice)
    }

    private var places: [NetworkAddress: DiscoveryPlace] = [:]
    private var nextSerial = 0
    /// Addresses that lead back here: those this node listens at, for ever, and those that turned
    /// out to, until the given time.
    private let ownAddresses: Set<NetworkAddress>
    private var foundOwn: [NetworkAddress: MonotonicInstant] = [:]
    private var surroundings = Surroundings()
    /// The dead end was told, and the node has been alone ever since.
    private var isTold = false
    /// A member answered, whom the gossip may not know yet.
    private var isMet = false
    /// Whether the node knows no member that lives.
    private(set) var isAlone = true

    /// A core that begins alone.
    ///
    /// - Parameters:
    ///   - seeds: Addresses from the configuration, best first.
    ///   - ticket: Addresses of the ticket by which the node joined.
    ///   - remembered: Members of earlier runs, most recently seen first.
    ///   - ownAddresses: Where this node listens.
    init(
        seeds: [NetworkAddress], ticket: [NetworkAddress], remembered: [SeedEntry],
        ownAddresses: [NetworkAddress], at now: MonotonicInstant
    ) {
        self.ownAddresses = Set(ownAddresses)
        for (rank, address) in seeds.prefix(DiscoveryLimits.seedsMax).enumerated() {
            add(address, .seed, node: nil, rank: rank, at: now)
        }
        for (rank, address) in ticket.prefix(WireLimits.addressesMax).enumerated() {
            add(address, .ticket, node: nil, rank: rank, at: now)
        }
        remember(remembered, at: now)
    }

    /// A remembered member, as the core needs it.
    struct SeedEntry: Sendable, Equatable {
        var node: NodeID
        var addresses: [NetworkAddress]
    }

    /// All addresses, those that somebody gave first.
    var allPlaces: [DiscoveryPlace] { places.values.sorted(by: Self.isBefore) }

    private static func isBefore(_ left: DiscoveryPlace, _ right: DiscoveryPlace) -> Bool {
        (left.origin, left.rank, left.serial) < (right.origin, right.rank, right.serial)
    }

    private mutating func add(
        _ address: NetworkAddress, _ origin: PlaceOrigin, node: NodeID?, rank: Int,
        at now: MonotonicInstant
    ) {
        if var place = places[address] {
            if origin < place.origin { (place.origin, place.rank) = (origin, rank) }
            place.node = place.node ?? node
            places[address] = place
        } else if !ownAddresses.contains(address) || origin != .remembered {
            places[address] = DiscoveryPlace(
                address: address, origin: origin, node: node, rank: rank, serial: nextSerial,
                nextTry: now)
            nextSerial += 1
        }
    }

    /// Replaces the remembered members; addresses that are there keep what is known of them.
    mutating func remember(_ entries: [SeedEntry], at now: MonotonicInstant) {
        let kept = entries.prefix(DiscoveryLimits.peersMax)
        let addresses = Set(kept.flatMap(\.addresses))
        for place in places.values
        where place.origin == .remembered && !addresses.contains(place.address) && !place.isBusy {
            places[place.address] = nil
        }
        for (index, entry) in kept.enumerated() {
            for (turn, address) in entry.addresses.prefix(WireLimits.addressesMax).enumerated() {
                add(
                    address, .remembered, node: entry.node,
                    rank: turn * DiscoveryLimits.peersMax + index, at: now)
            }
        }
    }

    // MARK: Time

    /// Does what is due: says what to try, and what to tell.
    mutating func step(
        _ surroundings: Surroundings, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        self.surroundings = surroundings
        foundOwn = foundOwn.filter { $0.value > now }
        var effects: [Effect] = []
        let wasAlone = isAlone
        isAlone = surroundings.active.isEmpty
        if isAlone, !wasAlone { startOver(at: now, using: &generator) }
        if !isAlone { (isTold, isMet) = (false, false) }
        effects += attempts(at: now, using: &generator)
        if isAlone, !isTold, let notice = deadEnd {
            isTold = true
            effects.append(.tell(notice))
        }
        return effects
    }

    /// All members are gone: everything is worth a try again, not all nodes' at the same moment.
    private mutating func startOver(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) {
        isTold = false
        for address in allPlaces.map(\.address) {
            places[address]?.failures = 0
            guard places[address]?.outcome != .itself else { continue }
            places[address]?.outcome = .untried
            places[address]?.nextTry =
                now + Self.jittered(DiscoveryLimits.retryFirst, using: &generator)
        }
    }

    private mutating func attempts(
        at now: MonotonicInstant, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        let room = DiscoveryLimits.attemptsMax - places.values.count(where: \.isBusy)
        guard room > 0 else { return [] }
        let due = places.values.filter { !$0.isBusy && $0.nextTry <= now }
        var effects: [Effect] = []
        // Those that failed least first, so that many dead ones cannot crowd out the others.
        for place in due.sorted(by: {
            $0.failures != $1.failures ? $0.failures < $1.failures : Self.isBefore($0, $1)
        }) {
            if !isAlone, isNotNeeded(place) {
                places[place.address]?.nextTry =
                    now + Self.jittered(DiscoveryLimits.connectedRetry, using: &generator)
                continue
            }
            guard effects.count < room else { break }
            places[place.address]?.isBusy = true
            effects.append(.attempt(place.address))
        }
        return effects
    }

    /// Whether an address leads to somebody whom the gossip has, while the node is not alone.
    private func isNotNeeded(_ place: DiscoveryPlace) -> Bool {
        if let node = place.node {
            if surroundings.active.contains(node) { return true }
            // The gossip calls the dead now and then, and lets those that left go.
            if place.origin == .remembered, surroundings.known.contains(node) { return true }
        }
        return surroundings.activeAddresses.contains(place.address)
            || place.resolved.contains { surroundings.activeAddresses.contains($0) }
    }

    /// What to tell a person when every address was tried in vain.
    private var deadEnd: DiscoveryNotice? {
        var isNowhere = true
        for place in places.values {
            switch place.outcome {
            case .itself: break
            case .failed: isNowhere = false
            case .untried, .member: return nil
            }
        }
        return isNowhere
            ? .nowhereToLook : .alone(tried: allPlaces.filter { $0.outcome != .itself })
    }

    /// How long the shell may sleep unless the members change.
    func pause(at now: MonotonicInstant) -> Duration {
        guard places.values.count(where: \.isBusy) < DiscoveryLimits.attemptsMax else {
            return .milliseconds(250)
        }
        let next =
            places.values.filter { !$0.isBusy }.map(\.nextTry).min()
            ?? now + DiscoveryLimits.connectedRetry
        return max(next - now, .milliseconds(50))
    }

    // MARK: Attempts

    /// What to dial of what an address resolved to; empty when it is this node.
    mutating func targets(
        of address: NetworkAddress, resolved: [NetworkAddress], at now: MonotonicInstant
    ) -> [NetworkAddress] {
        places[address]?.isUnresolvedTold = false
        let kept = Array(resolved.prefix(DiscoveryLimits.recordsMax))
        places[address]?.resolved = kept
        return kept.filter { !ownAddresses.contains($0) && foundOwn[$0] == nil }
    }

    /// A numeric address led back to this node.
    mutating func isItself(_ target: NetworkAddress, at now: MonotonicInstant) {
        foundOwn[target] = now + DiscoveryLimits.selfRetry
    }

    /// An address's name could not be resolved.
    mutating func unresolved(
        _ address: NetworkAddress, _ reason: String, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        let isNews = places[address]?.isUnresolvedTold == false
        places[address]?.isUnresolvedTold = true
        places[address]?.resolved = []
        var effects = finished(address, .failed(reason), at: now, using: &generator)
        if isNews { effects.append(.tell(.unresolved(address, reason: reason))) }
        return effects
    }

    /// An attempt is over.
    mutating func finished(
        _ address: NetworkAddress, _ outcome: PlaceOutcome, at now: MonotonicInstant,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard var place = places[address] else { return [] }
        place.isBusy = false
        place.outcome = outcome
        place.triedAt = now
        var effects: [Effect] = []
        let pause: Duration
        switch outcome {
        case .member(let node):
            if isAlone, !isMet { effects.append(.tell(.found(address, node))) }
            isMet = true
            place.node = node
            place.failures = 0
            pause = DiscoveryLimits.retryFirst
        case .itself:
            if !place.isSelfTold, place.origin == .seed {
                effects.append(.tell(.itself(address)))
            }
            place.isSelfTold = true
            place.failures = 0
            pause = DiscoveryLimits.selfRetry
        case .failed, .untried:
            place.failures += 1
            pause = pauseAfterFailure(of: place)
        }
        place.nextTry = now + Self.jittered(pause, using: &generator)
        places[address] = place
        return effects
    }

    private func pauseAfterFailure(of place: DiscoveryPlace) -> Duration {
        let isRemembered = place.origin == .remembered
        guard isAlone else {
            // Members long gone are tried ever more seldom; an address that somebody gave is not.
            return isRemembered
                ? Self.doubled(
                    DiscoveryLimits.connectedRetry, place.failures,
                    most: DiscoveryLimits.goneRetryMax)
                : DiscoveryLimits.connectedRetry
        }
        return Self.doubled(
            DiscoveryLimits.retryFirst, place.failures,
            most: isRemembered ? DiscoveryLimits.rememberedRetryMax : DiscoveryLimits.retryMax)
    }

    private static func doubled(_ pause: Duration, _ failures: Int, most: Duration) -> Duration {
        min(pause * (1 << min(max(0, failures - 1), 16)), most)
    }

    /// Between half of it and all of it: nodes that lost each other at one moment do not all come
    /// back at one moment.
    private static func jittered(
        _ pause: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let whole = pause.nanoseconds
        return .nanoseconds(Int64.random(in: whole / 2...whole, using: &generator))
    }
}
