import Wire

/// Metadata and activity: what members say besides being here.
extension GossipCore {
    /// A section of what a member says, apart from its being here.
    struct Section {
        let node: NodeID
        let generation: UInt64
        let version: UInt32
        let kind: ClaimKind

        init(_ claim: MetadataClaim) {
            (node, generation, version) = (claim.node, claim.generation, claim.version)
            kind = .metadata
        }

        init(_ claim: ActivityClaim) {
            (node, generation, version) = (claim.node, claim.generation, claim.version)
            kind = .activity
        }
    }

    mutating func receive(
        _ section: Section, _ claim: Claim, from source: NodeID, at now: MonotonicInstant,
        _ effects: inout [GossipEffect]
    ) {
        guard section.node != nodeID else { return }
        guard let slot = members.slot(of: section.node) else {
            keepForLater(section, claim, from: source, at: now)
            return
        }
        guard section.generation == members[slot].generation, members[slot].state != .left
        else { return }
        if let known = members[slot].section(section.kind)?.version, section.version <= known {
            return
        }
        guard
            isWelcome(claim, of: slot, from: source, rate: GossipLimits.sectionNews, at: now)
        else { return }
        let claim = authority.kept(claim)
        members[slot].renewSection(section.kind, claim, version: section.version)
        pass(
            on: claim, section.kind, of: slot,
            lane: section.kind == .metadata ? .second : .idle)
        effects.append(.changed(section.node, .updated))
    }

    /// Of a node whose certificate is awaited.
    private mutating func keepForLater(
        _ section: Section, _ claim: Claim, from source: NodeID, at now: MonotonicInstant
    ) {
        guard let waiting = pending[section.node],
            waiting.alive.generation == section.generation
        else { return }
        let known = section.kind == .metadata ? waiting.metadata : waiting.activity
        if let known, known == claim || known.sectionVersion >= section.version { return }
        guard isGenuine(claim, from: source, at: now) else { return }
        if section.kind == .metadata {
            pending[section.node]?.metadata = claim
        } else {
            pending[section.node]?.activity = claim
        }
    }
}

extension Claim {
    /// The version of a section; 0 of other claims.
    var sectionVersion: UInt32 {
        switch body {
        case .metadata(let claim): claim.version
        case .activity(let claim): claim.version
        case .alive, .leave, .suspect: 0
        }
    }
}
