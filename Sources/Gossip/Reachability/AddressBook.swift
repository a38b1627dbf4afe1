public import Wire

/// Where members are, as far as datagrams tell, and where they see this node.
///
/// A member is answered where it was last heard from: behind a translator that is the only way back.
/// But the source of a datagram is not authenticated: whoever copies one and is faster with the copy
/// appears to be the member, somewhere else. So hearing a member from a new address only adds a
/// destination. The earlier one, and those that the member has signed, are left out again when the
/// new one has lasted for ``AddressLimits/probation``; if the member is heard at the earlier one, or
/// at one that it signed, the new one goes at once.
///
/// A member that has signed one address and is heard there needs no entry: most need none.
public struct AddressBook: Sendable {
    private struct Place: Sendable {
        var address: NetworkAddress
        /// Since when the member is taken to be there.
        var since: MonotonicInstant
        var heardAt: MonotonicInstant
        /// Another address that it was heard from since.
        var challenger: NetworkAddress?
        /// Another member was heard from ``address`` since.
        var isContested = false
        /// When the first datagram was sent that nothing was heard after.
        var asked: MonotonicInstant?
    }

    private var places: [NodeID: Place] = [:]
    /// Whose place an address is, of those in ``places``.
    private var owners: [NetworkAddress: NodeID] = [:]
    /// What others report of this node.
    public var own = ObservedAddresses()

    /// An empty book.
    public init() {}

    /// How many members have an entry, at most ``AddressLimits/placesMax``.
    public var count: Int { places.count }

    /// A datagram of `node`, authenticated, came from `address`.
    ///
    /// - Parameters:
    ///   - isCopy: Whether it came before. A further copy confirms where the member is, and tells of no
    ///     new place: who copies datagrams sends them from anywhere, and after the original it would
    ///     double all that goes to the member.
    ///   - candidates: The addresses in its signed claim.
    public mutating func heard(
        _ node: NodeID, from address: NetworkAddress, isCopy: Bool = false,
        candidates: [NetworkAddress], at now: MonotonicInstant
    ) {
        if isCopy, candidates != [address], places[node]?.address != address { return }
        guard candidates != [address] else {
            // Where it says it is, and nowhere else.
            if places[node] != nil { forget(node) }
            return
        }
        contest(address, by: node)
        guard var place = places[node] else {
            guard places.count < AddressLimits.placesMax else { return }
            places[node] = Place(address: address, since: now, heardAt: now)
            owners[address] = node
            return
        }
        place.asked = nil
        if address == place.address {
            place.heardAt = now
            place.challenger = nil
            place.isContested = false
            owners[address] = node
        } else if place.isContested || now - place.heardAt >= AddressLimits.probation
            || candidates.contains(address) && !candidates.contains(place.address)
        {
            disown(place.address, of: node)
            place = Place(address: address, since: now, heardAt: now)
            owners[address] = node
        } else {
            place.challenger = address
        }
        places[node] = place
    }

    /// Where to send what is for `node`: best first, without repetition, at most
    /// ``AddressLimits/destinationsMax``. Names are for the caller to resolve.
    ///
    /// One address as long as there is no reason for doubt. The others are added when nothing was
    /// heard since a datagram sent ``AddressLimits/answerTime`` ago, when the member may have moved,
    /// or when the way back to it has probably closed.
    ///
    /// - Parameters:
    ///   - candidates: The addresses in its signed claim, best first.
    ///   - isInDoubt: The member is suspected or worse, or asked for by another through this node:
    ///     all that could reach it is tried.
    public mutating func destinations(
        of node: NodeID, candidates: [NetworkAddress], isInDoubt: Bool = false,
        at now: MonotonicInstant
    ) -> [NetworkAddress] {
        guard let index = places.index(forKey: node) else {
            return Self.fill([], with: candidates, at: now)
        }
        let place = places.values[index]
        if place.asked == nil { places.values[index].asked = now }
        let isSigned = candidates.contains(place.address)
        let isSilent = place.asked.map { now - $0 >= AddressLimits.answerTime } ?? false
        let age = now - place.heardAt
        let isSettled =
            place.challenger == nil && !place.isContested
            && (isSigned || now - place.since >= AddressLimits.probation)
        let isThere =
            age < AddressLimits.fresh
            || !isSilent && (isSigned || age < AddressLimits.translationLifetime)
        if isSettled, isThere, !isInDoubt { return [place.address] }
        var list = [place.address]
        if let challenger = place.challenger { list.insert(challenger, at: 0) }
        // A name is looked up each time: not for a member that may well be where it was.
        let more = isInDoubt || isSilent ? candidates : candidates.filter(\.isNumeric)
        if place.isContested {
            return Self.fill(Array(list.dropLast()), with: more + [place.address], at: now)
        }
        return Self.fill(list, with: more, at: now)
    }

    /// Adds to `list` what there is room for. With more candidates than that, the first is always
    /// among them, and the others take turns by the second.
    private static func fill(
        _ list: [NetworkAddress], with candidates: [NetworkAddress], at now: MonotonicInstant
    ) -> [NetworkAddress] {
        var list = list
        var others: [NetworkAddress] = []
        for candidate in candidates where !list.contains(candidate) && !others.contains(candidate) {
            others.append(candidate)
        }
        let room = AddressLimits.destinationsMax - list.count
        guard others.count > room else { return list + others }
        list.append(others.removeFirst())
        let turn = Int(now.nanoseconds.magnitude / 1_000_000_000 % UInt64(others.count))
        list += (others[turn...] + others[..<turn]).prefix(room - 1)
        return list
    }

    /// Where a member is taken to be, if that is not just what it has signed.
    func place(of node: NodeID) -> NetworkAddress? { places[node]?.address }

    /// Whether `address`, which a datagram of `node` came from, is certain enough to be told to the
    /// node as its own: see ``ObservedAddresses``.
    public func isSettled(
        _ node: NodeID, at address: NetworkAddress, candidates: [NetworkAddress],
        now: MonotonicInstant
    ) -> Bool {
        guard let place = places[node] else { return candidates == [address] }
        return place.address == address && place.challenger == nil
            && now - place.since >= AddressLimits.settling
    }

    /// Forgets a node's place. What it reported of this node's stands until it expires.
    public mutating func forget(_ node: NodeID) {
        guard let place = places.removeValue(forKey: node) else { return }
        disown(place.address, of: node)
    }

    /// Forgets the places of nodes of which `isKnown` says no.
    public mutating func sweep(isKnown: (NodeID) -> Bool) {
        for node in Array(places.keys) where !isKnown(node) { forget(node) }
    }

    /// An address that `node` speaks from now is hardly any more that of the member which spoke from
    /// it before: that one is looked for at all it has signed. Not forgotten, since a source can be
    /// forged.
    private mutating func contest(_ address: NetworkAddress, by node: NodeID) {
        guard let owner = owners[address], owner != node else { return }
        places[owner]?.isContested = true
    }

    private mutating func disown(_ address: NetworkAddress, of node: NodeID) {
        if owners[address] == node { owners[address] = nil }
    }
}
