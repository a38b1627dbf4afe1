import Wire

/// What members showed lately of whether datagrams reach this node: the last outcome of each, of a
/// bounded number of them.
struct Witnesses: Sendable {
    private struct Witness: Sendable {
        var id: NodeID
        var arrived: MonotonicInstant?
        var missed: MonotonicInstant?
    }

    /// How many witnesses say that datagrams don't arrive, and how many that they do.
    struct Votes {
        var against = 0
        var inFavour = 0

        /// Whether those against are enough, and many times those in favour.
        func condemn(needed: Int) -> Bool {
            against >= needed && inFavour * ReachabilityLimits.againstPerInFavour <= against
        }
    }

    /// The one heard of last comes last.
    private var all: [Witness] = []

    var count: Int { all.count }

    mutating func arrived(from node: NodeID, at now: MonotonicInstant) {
        let index = index(of: node)
        all[index].arrived = now
    }

    mutating func missed(by node: NodeID, at now: MonotonicInstant) {
        let index = index(of: node)
        all[index].missed = now
    }

    /// Each one's last outcome within `lifetime`; what arrived within `recently` counts whatever
    /// failed since.
    func votes(within lifetime: Duration, recently: Duration, at now: MonotonicInstant) -> Votes {
        var votes = Votes()
        for witness in all {
            let arrived = witness.arrived.flatMap { now - $0 < lifetime ? $0 : nil }
            let missed = witness.missed.flatMap { now - $0 < lifetime ? $0 : nil }
            switch (arrived, missed) {
            case (nil, nil): break
            case (_?, nil): votes.inFavour += 1
            case (nil, _?): votes.against += 1
            case (let arrived?, let missed?):
                if arrived >= missed || now - arrived < recently {
                    votes.inFavour += 1
                } else {
                    votes.against += 1
                }
            }
        }
        return votes
    }

    /// How many a datagram arrived from after `start`, within `lifetime`.
    func arrivals(
        since start: MonotonicInstant, within lifetime: Duration, at now: MonotonicInstant
    ) -> Int {
        all.count { witness in
            witness.arrived.map { $0 > start && now - $0 < lifetime } ?? false
        }
    }

    /// Whether a datagram arrived from `node` within `duration`.
    func hasArrived(from node: NodeID, within duration: Duration, at now: MonotonicInstant) -> Bool
    {
        all.last { $0.id == node }?.arrived.map { now - $0 < duration } ?? false
    }

    /// Forgets all failures.
    mutating func pardon() {
        for index in all.indices { all[index].missed = nil }
    }

    /// Where `node` is in the list, moved or added to its end; the first makes room.
    private mutating func index(of node: NodeID) -> Int {
        if let index = all.lastIndex(where: { $0.id == node }) {
            if index < all.count - 1 { all.append(all.remove(at: index)) }
        } else {
            if all.count >= ReachabilityLimits.witnessesMax { all.removeFirst() }
            all.append(Witness(id: node))
        }
        return all.count - 1
    }
}

/// Whom this node sent datagrams to lately: what comes from the others was not called for.
struct RecentlySent: Sendable {
    /// In this span of ``ReachabilityLimits/coldTime``, and in the one before.
    private var now: Set<NodeID> = []
    private var before: Set<NodeID> = []
    private var turnedAt: MonotonicInstant?
    /// Until then nothing is known to be uncalled.
    private var warmUntil: MonotonicInstant?

    var count: Int { now.count + before.count }

    mutating func sent(to node: NodeID, at time: MonotonicInstant) {
        turn(at: time)
        if now.count < ReachabilityLimits.sentMax {
            now.insert(node)
        } else if !now.contains(node) {
            warmUntil = time + ReachabilityLimits.coldTime * 2
        }
    }

    /// Whether nothing was sent to `node` for ``ReachabilityLimits/coldTime`` at least.
    mutating func isCold(_ node: NodeID, at time: MonotonicInstant) -> Bool {
        turn(at: time)
        guard let warmUntil, time >= warmUntil else { return false }
        return !now.contains(node) && !before.contains(node)
    }

    private mutating func turn(at time: MonotonicInstant) {
        let span = ReachabilityLimits.coldTime
        guard let last = turnedAt else {
            turnedAt = time
            // An earlier start of this node may have left doors open.
            warmUntil = time + span * 2
            return
        }
        guard time - last >= span else { return }
        before = time - last < span * 2 ? now : []
        now = []
        turnedAt = time
    }
}
