import Gossip
import Wire

/// Each update is sent at most λ·log N times by each member (SWIM, section 4.1), and what is sent
/// besides has bounds of its own.
///
/// A claim is in a packet for one of five reasons, and each member accounts for all that its
/// datagrams carry:
/// - It is **passed on**: the same words no more than λ·log N times in one start of the member,
///   whatever becomes of them between. Only a member that came back to the observer from being gone
///   is news: its record may have been forgotten. Members that can only dial out, or say so since
///   nobody ever reached them, hear from those alone that they dialled: to them a claim goes as often
///   as all others together would pass it on, up to ``Gossip/GossipLimits/dialledShareMax`` times.
/// - The receiver is **told** what it is accused of (Lifeguard's buddy system): beside a ping or an
///   answer, at most ``Gossip/GossipLimits/toldClaimsMax`` claims, all of them about the receiver, by
///   one who accuses it, or the sender's own.
/// - The receiver is **asked** about it: one accusation of another, beside a ping, before a burial.
/// - It **corrects** the receiver: a member's own claim to be here, at most
///   ``Gossip/GossipLimits/correctionsMax`` of them, about members whom the receiver suspected or took
///   for dead; in answers to its pings, and otherwise once a period.
/// - It **fills** a ping or an answer, where exchanges fail: the claims of one member, which has its
///   turn again only after all others that the sender knew meanwhile.
struct DisseminationChecker: MembershipChecker {
    static let name = "dissemination"

    let transmissionsMax: Int
    /// Who is not asked is corrected at most once in this time.
    let correctionInterval: Duration
    private(set) var judged = 0

    private struct Turn: Sendable {
        var number: Int
        var at: MonotonicInstant
    }

    /// What one start of a node did.
    private struct Account: Sendable {
        /// How often each claim was passed on, by subject and digest.
        var passedOn: [Int: [UInt64: Int]] = [:]
        /// The same to those who can only dial out.
        var passedOnDialled: [Int: [UInt64: Int]] = [:]
        /// For whatever reason.
        var packed: [UInt64: Int] = [:]
        var carried: [UInt64: Int] = [:]
        var turns: [Int: Turn] = [:]
        var turnCount = 0
        /// When it last corrected whom without being asked.
        var corrected: [Int: MonotonicInstant] = [:]
    }

    private var accounts: [Int: Account] = [:]
    /// Whom each suspected, or took for dead, in any start: what it said of them may be under way.
    private var doubted: [Int: Set<Int>] = [:]

    init(transmissionsMax: Int, correctionInterval: Duration = .seconds(1)) {
        self.transmissionsMax = transmissionsMax
        self.correctionInterval = correctionInterval
    }

    mutating func observe(
        _ observation: MembershipObservation, in world: MembershipWorld,
        at now: MonotonicInstant, _ findings: inout Findings
    ) {
        switch observation {
        case .started(let node, _), .crashed(let node):
            accounts[node] = nil
        case .believed(let observer, let subject, let belief, _):
            if belief.state == .suspect || belief.state == .dead {
                doubted[observer, default: []].insert(subject)
            }
            guard world.isTracked(observer), belief.state.isThere,
                world.belief(observer, subject)?.state.isThere == false
            else { return }
            accounts[observer]?.passedOn[subject] = nil
            accounts[observer]?.passedOnDialled[subject] = nil
            accounts[observer]?.corrected[subject] = nil
        case .packed(let node, let claims):
            guard world.nodes[node].isHonest else { return }
            judged += 1
            for claim in claims.all {
                accounts[node, default: Account()].packed[claim.digest, default: 0] += 1
            }
            judgePassedOn(node, claims, in: world, at: now, &findings)
            judgeTold(node, claims, at: now, &findings)
            judgeAsked(node, claims, at: now, &findings)
            judgeCorrections(node, claims, in: world, at: now, &findings)
            judgeFilled(node, claims, in: world, at: now, &findings)
        case .carried(let node, let digest):
            guard world.nodes[node].isHonest else { return }
            judged += 1
            accounts[node, default: Account()].carried[digest, default: 0] += 1
            let account = accounts[node] ?? Account()
            if account.carried[digest, default: 0] > account.packed[digest, default: 0] {
                findings.report(
                    Self.name, now, "node \(node) sent a claim that it does not account for")
            }
        default: return
        }
    }

    private mutating func judgePassedOn(
        _ node: Int, _ claims: PackedClaims, in world: MembershipWorld, at now: MonotonicInstant,
        _ findings: inout Findings
    ) {
        let isDialled = claims.onlyDials || claims.receiver.map(world.onlyDials) ?? false
        let ledger = isDialled ? \Account.passedOnDialled : \Account.passedOn
        let transmissionsMax =
            isDialled
            ? transmissionsMax * min(GossipLimits.dialledShareMax, max(1, world.nodes.count - 1))
            : transmissionsMax
        for claim in claims.passedOn {
            let count = (accounts[node]?[keyPath: ledger][claim.subject]?[claim.digest] ?? 0) + 1
            accounts[node]?[keyPath: ledger][claim.subject, default: [:]][claim.digest] = count
            guard count == transmissionsMax + 1 else { continue }
            findings.report(
                Self.name, now,
                "node \(node) passed a claim about node \(claim.subject) on more than "
                    + "\(transmissionsMax) times")
        }
    }

    private func judgeTold(
        _ node: Int, _ claims: PackedClaims, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard !claims.told.isEmpty else { return }
        if claims.told.count > GossipLimits.toldClaimsMax {
            findings.report(
                Self.name, now, "node \(node) told another \(claims.told.count) claims at once")
        }
        let others = claims.told.filter { $0.author != node }
        let accusers = claims.told.filter { $0.isAccusation && $0.subject == claims.receiver }
            .map(\.author)
        let isOwed = others.allSatisfy {
            $0.subject == claims.receiver || accusers.contains($0.author)
        }
        guard isOwed, others.isEmpty || claims.isProbe else {
            findings.report(
                Self.name, now, "node \(node) told another what it is not owed")
            return
        }
    }

    private func judgeAsked(
        _ node: Int, _ claims: PackedClaims, at now: MonotonicInstant, _ findings: inout Findings
    ) {
        guard !claims.asked.isEmpty else { return }
        let isQuestion =
            claims.isProbe && claims.asked.count == 1
            && claims.asked.allSatisfy { $0.isAccusation && $0.subject != claims.receiver }
        if !isQuestion {
            findings.report(
                Self.name, now, "node \(node) asked another about what is no accusation of a third")
        }
    }

    private mutating func judgeCorrections(
        _ node: Int, _ claims: PackedClaims, in world: MembershipWorld, at now: MonotonicInstant,
        _ findings: inout Findings
    ) {
        guard !claims.corrections.isEmpty, let receiver = claims.receiver else { return }
        let areClaims = claims.corrections.allSatisfy {
            !$0.isAccusation && $0.author == $0.subject && $0.subject != receiver
        }
        if !areClaims || claims.corrections.count > GossipLimits.correctionsMax {
            findings.report(
                Self.name, now, "node \(node) corrected another by what corrects nothing")
        }
        // Who breaks the rules may pass on what it does not believe.
        if world.nodes[receiver].isHonest, world.isTracked(receiver),
            claims.corrections.contains(where: {
                doubted[receiver]?.contains($0.subject) != true
            })
        {
            findings.report(
                Self.name, now, "node \(node) corrected node \(receiver), which doubted nobody")
        }
        guard !claims.isProbe else { return }
        if let last = accounts[node]?.corrected[receiver], now - last < correctionInterval {
            findings.report(
                Self.name, now, "node \(node) corrected node \(receiver) twice in a period")
        }
        accounts[node, default: Account()].corrected[receiver] = now
    }

    private mutating func judgeFilled(
        _ node: Int, _ claims: PackedClaims, in world: MembershipWorld, at now: MonotonicInstant,
        _ findings: inout Findings
    ) {
        guard let turn = claims.turn else {
            if !claims.filled.isEmpty {
                findings.report(Self.name, now, "node \(node) filled a packet out of turn")
            }
            return
        }
        if !claims.isProbe || claims.filled.contains(where: { $0.subject != turn }) {
            findings.report(
                Self.name, now, "node \(node) filled a packet with more than one member's claims")
        }
        let account = accounts[node] ?? Account()
        if let last = account.turns[turn] {
            // Who was there all the time, and had no turn in between.
            let passedOver = account.turns.first { other, turn in
                turn.number < last.number
                    && (other == node || isKnown(other, to: node, since: turn.at, in: world))
            }
            if let passedOver {
                findings.report(
                    Self.name, now,
                    "node \(node) filled packets with claims of node \(turn) twice, and not of "
                        + "node \(passedOver.key)")
            }
        }
        accounts[node, default: Account()].turnCount += 1
        accounts[node]?.turns[turn] = Turn(number: account.turnCount, at: now)
    }

    private func isKnown(
        _ subject: Int, to observer: Int, since: MonotonicInstant, in world: MembershipWorld
    ) -> Bool {
        guard world.isTracked(observer), let belief = world.belief(observer, subject) else {
            return false
        }
        return belief.state.isThere && belief.since < since
    }
}
