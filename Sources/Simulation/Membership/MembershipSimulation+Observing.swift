import Gossip
import Wire

/// What the checkers are told.
extension MembershipSimulation {
    private mutating func observe(_ observation: MembershipObservation) {
        checkers.observe(observation, at: now)
    }

    // MARK: What the world does

    mutating func noteBeginning() {
        let conditions = configuration.network
        let loss = 1 - (1 - conditions.loss) * (1 - conditions.corruption)
        if loss > 0 { observe(.conditions(loss: loss)) }
    }

    mutating func noteStarted(_ node: Int) {
        observe(.started(node, generation: nodes[node].generation))
        nodes[node].claimed = nil
        nodes[node].datagramsSent = 0
        noteClaim(node)
        // Each looks at another time.
        let first = SimulationLimits.surveyInterval * (node % 16) / 16
        queue.push(
            .survey(node, start: nodes[node].start, number: 0),
            at: now + first + .milliseconds(100))
    }

    mutating func noteCrashed(_ node: Int) { observe(.crashed(node)) }

    mutating func noteLeft(_ node: Int) { observe(.left(node)) }

    mutating func noteStopped(_ node: Int) { observe(.stopped(node)) }

    mutating func noteImpaired(_ node: Int, _ impairment: Impairment) {
        observe(.impaired(node, impairment))
    }

    mutating func noteRecovered(_ node: Int, _ impairment: Impairment) {
        observe(.recovered(node, impairment))
    }

    mutating func noteSplit(_ groups: [[Int]]) { observe(.split(groups)) }

    mutating func noteHealed() {
        for cut in cuts { notePairs(cut.from, cut.to) { .mended($0, $1) } }
        cuts = []
        observe(.healed)
    }

    /// Where only datagrams are cut, links and relays must do: nothing is forgiven.
    mutating func noteCut(_ cut: Cut) {
        guard !cut.isDatagramsOnly else { return noteHindered() }
        cuts.append(cut)
        notePairs(cut.from, cut.to) { .cut($0, $1) }
    }

    mutating func noteHindered() { observe(.hindered) }

    mutating func noteClogged(_ from: [Int], _ to: [Int]) {
        notePairs(from, to) { .cut($0, $1) }
    }

    mutating func noteUnclogged(_ from: [Int], _ to: [Int]) {
        notePairs(from, to) { .mended($0, $1) }
    }

    private mutating func notePairs(
        _ from: [Int], _ to: [Int], _ observation: (Int, Int) -> MembershipObservation
    ) {
        for a in from {
            for b in to where a != b { observe(observation(a, b)) }
        }
    }

    // MARK: What nodes say and believe

    /// To be called after everything that a node did.
    mutating func noteClaim(_ node: Int) {
        let incarnation = peek(node) { $0.core.local.incarnation }
        guard incarnation != nodes[node].claimed else { return }
        nodes[node].claimed = incarnation
        observe(.claimed(node, peek(node) { $0.core.local }))
    }

    private mutating func noteSizes(_ node: Int) {
        let sizes = peek(node) { $0.sizes }
        observe(.held(node, configuration.sabotage?.altered(sizes) ?? sizes))
    }

    mutating func noteBelief(_ node: Int, _ subject: Int, _ view: MemberView) {
        let unread =
            nodes[node].inbox.isEmpty
            ? 0 : nodes[node].inbox.datagrams(from: addresses[addresses.own(subject)])
        observe(
            .believed(observer: node, subject: subject, Belief(view), unread: unread))
        guard nodes.count <= SimulationLimits.inspectedMax else { return }
        for (section, version, digest) in view.sections {
            observe(
                .described(
                    observer: node, subject: subject, section,
                    generation: view.alive.generation, version: version, digest: digest))
        }
    }

    // MARK: What nodes do

    mutating func noteDatagram(_ node: Int, _ bytes: [UInt8], to receiver: Int?) {
        nodes[node].datagramsSent += 1
        observe(.datagram(from: node, bytes: bytes.count))
        if configuration.inspectsPackets {
            // One packet may go to several addresses of its receiver.
            var digest = TraceDigest()
            digest.add(bytes)
            guard nodes[node].inspected != digest.value else { return }
            nodes[node].inspected = digest.value
            inspect(SimulatedCipher.plaintext(ofPlain: bytes), from: node, to: receiver)
        }
    }

    mutating func noteLinkPacket(_ node: Int, _ bytes: [UInt8]) {
        observe(.packet(from: node, bytes: bytes.count))
    }

    /// What a packet passes on of what others say, to a third.
    private mutating func inspect(_ packet: [UInt8], from node: Int, to receiver: Int?) {
        guard let receiver, let packet = try? GossipPacket(decoding: packet) else { return }
        // What one says oneself, or tells the accused, is an answer, and repeated as often as asked.
        var answering: Set<NodeID> = [id(node), id(receiver)]
        for claim in packet.claims where claim.body.subject == id(receiver) {
            // An accuser's claim to be here goes with what it says.
            answering.insert(claim.author)
        }
        for claim in packet.claims {
            guard !answering.contains(claim.author), !answering.contains(claim.body.subject)
            else { continue }
            observe(.carried(from: node, digest: claim.digest))
        }
    }

    /// What a node put into packets, and why; to be called before these packets go out.
    mutating func notePackings(_ node: Int) {
        guard configuration.inspectsPackets else { return }
        for packing in peek(node, { $0.takePackings() }) {
            let packed = PackedClaims(
                receiver: packing.receiver.flatMap { index($0) },
                onlyDials: packing.receiver.map { onlyDials($0, to: node) } ?? false,
                isProbe: packing.isProbe,
                told: packing.told.compactMap(packed),
                asked: packing.asked.compactMap(packed),
                corrections: packing.corrections.compactMap(packed),
                passedOn: packing.passedOn.compactMap(packed),
                filled: packing.filled.compactMap(packed),
                turn: packing.turn.flatMap { index($0) })
            observe(.packed(from: node, packed))
        }
    }

    /// Whether a node knows of another, by its own word, that it can only dial out.
    private mutating func onlyDials(_ other: NodeID, to node: Int) -> Bool {
        peek(node) { $0.core.view(of: other)?.alive.reachability.acceptsLinks == false }
    }

    private func packed(_ bytes: [UInt8]) -> PackedClaim? {
        guard let claim = try? Claim(decoding: bytes), let author = index(claim.author),
            let subject = index(claim.body.subject)
        else { return nil }
        var isAccusation = false
        if case .suspect = claim.body { isAccusation = true }
        return PackedClaim(
            author: author, subject: subject, isAccusation: isAccusation, digest: claim.digest)
    }

    mutating func noteTicked(_ node: Int, isIdle: Bool) {
        let next = nextDeadline(node)
        observe(.ticked(node, next: next))
        if !isIdle, nodes.count <= SimulationLimits.inspectedMax {
            noteSizes(node)
        }
    }

    /// What a node holds and did, looked at now and then.
    mutating func survey(_ node: Int, start: Int, number: Int) {
        guard nodes[node].start == start else { return }
        queue.push(
            .survey(node, start: start, number: number + 1),
            at: now + SimulationLimits.surveyInterval)
        noteWork(node)
        noteSizes(node)
        guard nodes.count <= SimulationLimits.inspectedMax, number % 12 == 11 else { return }
        let remembered = peek(node) { $0.core.memberViews }.compactMap { view in
            index(view.id).map { RememberedMember($0, Belief(view)) }
        }
        observe(.remembers(observer: node, remembered))
    }

    mutating func noteWork(_ node: Int) {
        let counters = peek(node) { $0.counters }
        let (gossip, datagrams) = (counters.gossip, counters.datagrams)
        var work = NodeWork()
        work.refutations = gossip.refutations
        work.signaturesChecked = gossip.signaturesChecked
        work.malformed = gossip.malformed + datagrams.malformed
        work.forged = gossip.forged
        work.datagramsSent = nodes[node].datagramsSent
        observe(.worked(node, work))
    }

    /// A node was handed what is nobody's: all it may do is count it, and answer no more than came.
    mutating func noteResisted(
        _ node: Int, _ effects: [EndpointEffect], bytes: Int, from source: NetworkAddress,
        viewsChanged: Bool
    ) {
        var changes = viewsChanged ? 1 : 0
        var answered = 0
        for effect in effects {
            if case .datagram(let answer, source) = effect {
                answered += answer.count
            } else {
                changes += 1
            }
        }
        observe(.resisted(node, changes: changes, amplified: max(0, answered - bytes)))
    }
}

extension MemberView {
    /// What it is known to say in each section, as a digest.
    fileprivate var sections: [(DescriptionSection, version: UInt32, digest: UInt64)] {
        var sections: [(DescriptionSection, version: UInt32, digest: UInt64)] = []
        if let metadata, let metadataVersion {
            let claim = MetadataClaim(
                node: id, generation: alive.generation, version: metadataVersion,
                metadata: metadata)
            let signed = Claim(.metadata(claim), signedBy: SimulatedAuthority(node: id))
            sections.append((.metadata, metadataVersion, signed.digest))
        }
        if let activity, let activityVersion {
            let claim = ActivityClaim(
                node: id, generation: alive.generation, version: activityVersion,
                activity: activity)
            let signed = Claim(.activity(claim), signedBy: SimulatedAuthority(node: id))
            sections.append((.activity, activityVersion, signed.digest))
        }
        return sections
    }
}

extension Claim.Body {
    /// Whom it is about.
    fileprivate var subject: NodeID {
        switch self {
        case .alive(let claim): claim.node
        case .metadata(let claim): claim.node
        case .activity(let claim): claim.node
        case .leave(let claim): claim.node
        case .suspect(let claim): claim.subject
        }
    }
}

extension Claim {
    fileprivate var digest: UInt64 {
        var digest = TraceDigest()
        digest.add(encoded)
        return digest.value
    }
}
