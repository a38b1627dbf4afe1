public import Wire

/// Bounds and times of ``ReachabilityMonitor``.
public enum ReachabilityLimits {
    /// The most members whose evidence of one kind is kept: the last heard of.
    public static let witnessesMax = 64
    /// The most members that a datagram was sent to within one ``coldTime``, of which that is known.
    public static let sentMax = 4096
    /// Nothing sent to a member for so long, a datagram from it came through no door that this node
    /// opened: firewalls and translators forget within 30 s when no answer came.
    static let coldTime: Duration = .seconds(30)
    /// What a witness saw counts for so long.
    static let evidenceLifetime: Duration = .seconds(60)
    /// Of uncalled datagrams that came, or did not, for so long: they are rarer.
    static let coldEvidenceLifetime: Duration = .seconds(600)
    /// A datagram that arrived so lately is not outweighed by one that failed since.
    static let recently: Duration = .seconds(15)
    /// When a datagram came so shortly before, not it was lost but the answer.
    static let twinTime: Duration = .seconds(2)
    /// Datagrams are given up after so many failures…
    static let missesMin = 6
    /// …over so long…
    static let doubtTime: Duration = .seconds(15)
    /// …seen by so many different members, or as many as can be, but never by one of several.
    static let demotersMax = 3
    /// Uncalled ones by so many.
    static let coldDemoters = 8
    /// For each witness of success it takes so many of failure.
    static let againstPerInFavour = 6
    /// Members that an uncalled datagram must have come from, or an incoming link, to prove that
    /// they come.
    static let proversMax = 2
    /// For so long at least a node that gave up datagrams leaves it at that; twice as long each time
    /// that it soon does so again…
    static let holdTime: Duration = .seconds(30)
    /// …up to this.
    static let holdTimeMax: Duration = .seconds(3600)
}

/// Finds out how this node can be reached, from what happens anyway.
///
/// A node begins as what it is configured to be, and that is also the best that it can be: one
/// configured as outbound-only stays so, and without a socket no datagram arrives.
///
/// **Down.** What does not arrive can't be seen, but what others do then can: a member whose ping by
/// datagram got no answer pings again through a relay or a link. Each member is one witness, for or
/// against, by the last that it showed. Datagrams are given up when those against are several, and
/// many times those for, with failure after failure for ``ReachabilityLimits/doubtTime``. Lost
/// datagrams don't add up to that: at a loss of one half still many arrive. One member, whatever it
/// does, is one witness. In a mesh of two there is only one, and its word counts.
///
/// Behind a translator datagrams come as answers, and uncalled ones don't. So attempts out of the
/// blue, by members that nothing was sent to for a while, are judged by themselves too: answers don't
/// make up for them. In a small mesh there are none, since everybody hears from everybody all the
/// time, which keeps the translator's doors open.
///
/// A node that has given up datagrams is ``Reachability/streamsOnly`` if different members made
/// links to it since it started, and ``Reachability/outboundOnly`` otherwise, which needs nothing
/// from others and so is the safe choice.
///
/// **Up.** By proof alone: datagrams that came uncalled, since, from two members (one where there is
/// no second). Failure can't be seen any more then, as nobody expects datagrams to arrive; others
/// try one now and then. Down is quick always; up takes longer the more often it goes back and forth.
public struct ReachabilityMonitor: Sendable {
    /// What happened. Only members' own doings count: each case names one.
    public enum Evidence: Sendable, Equatable {
        /// A datagram was sent to it, other than an answer to a greeting.
        case datagramSent(to: NodeID)
        /// An authenticated packet came from it by datagram, not through a relay.
        case datagramArrived(from: NodeID)
        /// It pinged, or answered a ping, by link or through a relay, though its claim says that it
        /// is reached by datagrams itself.
        case datagramMissed(NodeID)
        /// It made a link to this node.
        case inboundLink(from: NodeID)
    }

    /// The best class there can be.
    public let ceiling: Reachability
    /// The class found last.
    public private(set) var current: Reachability
    private var witnesses = Witnesses()
    /// Of uncalled datagrams alone.
    private var coldWitnesses = Witnesses()
    private var recentlySent = RecentlySent()
    /// Who made links to this node, the latest last.
    private var callers: [NodeID] = []
    private var hasDatagrams = true
    private var demotedAt: MonotonicInstant?
    private var hold = ReachabilityLimits.holdTime
    private var doubtSince: MonotonicInstant?
    private var misses = 0
    private var classifiedAt: MonotonicInstant?

    /// A node that has just started.
    public init(configured: Reachability, hasSocket: Bool) {
        ceiling = configured == .direct && !hasSocket ? .streamsOnly : configured
        current = ceiling
    }

    /// How many members evidence is kept of; at most ``ReachabilityLimits/witnessesMax``.
    public var witnessCount: Int { max(witnesses.count, coldWitnesses.count, callers.count) }

    /// How many members are remembered for having been sent to; at most twice
    /// ``ReachabilityLimits/sentMax``.
    public var sentCount: Int { recentlySent.count }

    /// When ``classify(at:members:directOthers:)`` may find something new without new evidence; nil
    /// when only evidence can change it.
    public var nextDeadline: MonotonicInstant? {
        let deadline =
            hasDatagrams
            ? doubtSince.map { $0 + ReachabilityLimits.doubtTime } : demotedAt.map { $0 + hold }
        // What was looked at then and left as it was waits for evidence.
        guard let deadline, let classifiedAt, deadline > classifiedAt else { return nil }
        return deadline
    }

    /// Takes in what happened. Cheap: called for every datagram.
    public mutating func note(_ evidence: Evidence, at now: MonotonicInstant) {
        guard ceiling == .direct else { return }
        switch evidence {
        case .datagramSent(let node): recentlySent.sent(to: node, at: now)
        case .datagramArrived(let node):
            witnesses.arrived(from: node, at: now)
            if recentlySent.isCold(node, at: now) { coldWitnesses.arrived(from: node, at: now) }
        case .datagramMissed(let node):
            // Once datagrams are given up, nobody should expect them to arrive.
            guard hasDatagrams,
                !witnesses.hasArrived(from: node, within: ReachabilityLimits.twinTime, at: now)
            else { return }
            misses += 1
            witnesses.missed(by: node, at: now)
            if recentlySent.isCold(node, at: now) { coldWitnesses.missed(by: node, at: now) }
        case .inboundLink(let node):
            callers.removeAll { $0 == node }
            if callers.count >= ReachabilityLimits.witnessesMax { callers.removeFirst() }
            callers.append(node)
        }
    }

    /// The class now.
    ///
    /// - Parameters:
    ///   - members: How many members take part, this node included.
    ///   - directOthers: How many of the others say that datagrams reach them: only their datagrams
    ///     can prove anything.
    public mutating func classify(
        at now: MonotonicInstant, members: Int, directOthers: Int
    ) -> Reachability {
        guard ceiling == .direct else { return current }
        classifiedAt = now
        if hasDatagrams {
            giveUpIfShown(members: members, at: now)
        } else {
            resumeIfProved(directOthers: directOthers, at: now)
        }
        let callersNeeded = min(ReachabilityLimits.proversMax, max(1, members - 1))
        current =
            hasDatagrams
            ? .direct : callers.count >= callersNeeded ? .streamsOnly : .outboundOnly
        return current
    }

    /// Gives datagrams up if the witnesses have been showing that for long enough.
    private mutating func giveUpIfShown(members: Int, at now: MonotonicInstant) {
        let votes = witnesses.votes(
            within: ReachabilityLimits.evidenceLifetime, recently: ReachabilityLimits.recently,
            at: now)
        let coldVotes = coldWitnesses.votes(
            within: ReachabilityLimits.coldEvidenceLifetime, recently: .zero, at: now)
        guard
            votes.condemn(needed: Self.demotersNeeded(members: members))
                || coldVotes.condemn(needed: ReachabilityLimits.coldDemoters)
        else {
            doubtSince = nil
            misses = 0
            return
        }
        let since = doubtSince ?? now
        doubtSince = since
        guard misses >= ReachabilityLimits.missesMin, now - since >= ReachabilityLimits.doubtTime
        else { return }
        let isAgain =
            demotedAt.map { now - $0 < hold + ReachabilityLimits.holdTimeMax } ?? false
        hold =
            isAgain
            ? min(hold * 2, ReachabilityLimits.holdTimeMax) : ReachabilityLimits.holdTime
        hasDatagrams = false
        demotedAt = now
        doubtSince = nil
        misses = 0
    }

    /// Of two others both, of more two or three: never one member alone, unless it is the only one.
    static func demotersNeeded(members: Int) -> Int {
        let others = max(1, members - 1)
        return others == 1 ? 1 : min(ReachabilityLimits.demotersMax, 1 + others / 2)
    }

    private mutating func resumeIfProved(directOthers: Int, at now: MonotonicInstant) {
        let needed = min(ReachabilityLimits.proversMax, max(1, directOthers))
        guard let demotedAt, now - demotedAt >= hold,
            coldWitnesses.arrivals(
                since: demotedAt, within: ReachabilityLimits.coldEvidenceLifetime, at: now)
                >= needed
        else { return }
        hasDatagrams = true
        witnesses.pardon()
        coldWitnesses.pardon()
    }
}
