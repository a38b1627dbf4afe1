public import Gossip
import Synchronization
public import Trust
public import Wire

/// A member with what its certificate says of it.
public struct KnownMember: Sendable, Equatable {
    /// The membership's view.
    public let view: MemberView
    /// The verified certificate; nil while this node does not hold it.
    public let certificate: VerifiedMember?
    /// The way that gossip goes to it; nil while there is none, and for those who are gone.
    public let path: GossipPath?
}

/// What a node knows of itself.
public struct OwnView: Sendable {
    /// What it says of itself now.
    public let claim: AliveClaim
    /// Where others see it.
    public let observed: [NetworkAddress]
    /// Why its claim says that it is reached as it does, for a person.
    public let reachabilityReason: String
}

/// A change of one member.
public struct MembershipEvent: Sendable, Equatable {
    /// The member after the change.
    public let member: KnownMember
    /// What changed.
    public let event: MemberEvent
}

/// The members as last published: written on the gossip thread, read on any.
final class PublishedMembers: Sendable {
    private let members = Mutex<[KnownMember]>([])

    var value: [KnownMember] {
        get { members.withLock { $0 } }
        set { members.withLock { $0 = newValue } }
    }

    var count: Int { members.withLock { $0.count } }
}

/// Verified certificate chains by the beginning of their digest: to tell who a member is, and to
/// hand on. Bounded; the oldest go first.
struct CertificateShelf {
    private var entries: [CertificateTag: (chain: CertificateChain, member: VerifiedMember)] = [:]
    private var order: [CertificateTag] = []

    mutating func put(_ chain: CertificateChain, _ member: VerifiedMember) {
        let tag = member.digest.tag
        if entries.updateValue((chain, member), forKey: tag) == nil { order.append(tag) }
        if order.count > MeshTransportLimits.certificatesKept {
            entries[order.removeFirst()] = nil
        }
    }

    /// Drops the chains that a condition holds for, and gives their names.
    mutating func drop(where condition: (CertificateChain) -> Bool) -> Set<CertificateTag> {
        let dropped = Set(order.filter { entries[$0].map { condition($0.chain) } ?? true })
        guard !dropped.isEmpty else { return [] }
        for tag in dropped { entries[tag] = nil }
        order.removeAll { dropped.contains($0) }
        return dropped
    }

    func chain(_ tag: CertificateTag) -> CertificateChain? { entries[tag]?.chain }

    func member(_ tag: CertificateTag) -> VerifiedMember? { entries[tag]?.member }
}
