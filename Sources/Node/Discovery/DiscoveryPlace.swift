public import Wire

// Discovery: where a node looks for its mesh when it knows nobody alive.
//
//   DiscoveryPlace    an address worth trying, and what came of it
//   DiscoveryCore     which to try when, as a value: time, chance and names' addresses are handed in
//   PeerMemory        members' addresses from this and earlier runs
//   NameResolver      the system's resolver, all records, with a time limit
//   DiscoveryService  runs the core: resolves, dials, remembers, tells the log and the status

/// Bounds of discovery.
public enum DiscoveryLimits {
    /// The most addresses in the configuration.
    public static let seedsMax = 64
    /// The most addresses tried of what one name resolves to.
    public static let recordsMax = 16
    /// Addresses that are resolved or dialled at once.
    public static let attemptsMax = 16
    /// Members remembered for the next start.
    public static let peersMax = NodeLimits.knownPeersMax
    /// How long before the latest sighting of anybody a member was last seen that is forgotten. Not
    /// measured against the clock: a machine that was off for a year remembers whom it knew.
    public static let memory: Duration = .seconds(30 * 86_400)
    /// The pause after the first failure at an address, while the node is alone; it doubles…
    public static let retryFirst: Duration = .seconds(1)
    /// …up to this, for addresses that somebody gave…
    public static let retryMax: Duration = .seconds(30)
    /// …and up to this for remembered ones, which may be many and long gone.
    public static let rememberedRetryMax: Duration = .seconds(300)
    /// The pause between attempts at an address that leads to nobody known, while the node is not
    /// alone: how two halves of a mesh that forgot each other meet.
    public static let connectedRetry: Duration = .seconds(300)
    /// That pause doubles up to this for the addresses of members that the mesh has forgotten.
    public static let goneRetryMax: Duration = .seconds(4 * 3600)
    /// How long an address that led back to this node is not tried.
    public static let selfRetry: Duration = .seconds(3600)
    /// A look-up that takes longer counts as failed.
    public static let lookupTimeout: Duration = .seconds(10)
    /// Look-ups that the system has not ended; more are refused.
    public static let lookupsMax = 64
}

/// Where an address of discovery comes from.
public enum PlaceOrigin: String, Sendable, Codable, Comparable, CaseIterable {
    /// The configuration, the environment or a flag.
    case seed
    /// The ticket by which the node joined.
    case ticket
    /// The members of this run and earlier ones.
    case remembered

    /// Those that somebody gave come first.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .seed: 0
        case .ticket: 1
        case .remembered: 2
        }
    }
}

/// What came of the last attempt at an address.
public enum PlaceOutcome: Sendable, Equatable {
    /// None was made.
    case untried
    /// A member answered.
    case member(NodeID)
    /// It leads back to this node.
    case itself
    /// Nobody did; why.
    case failed(String)
}

/// An address at which the mesh may be found.
public struct DiscoveryPlace: Sendable, Equatable {
    /// The address, perhaps of a name.
    public let address: NetworkAddress
    /// Where it comes from.
    public internal(set) var origin: PlaceOrigin
    /// The member that was there last, if known.
    public internal(set) var node: NodeID?
    /// What it last resolved to: itself for a numeric one.
    public internal(set) var resolved: [NetworkAddress] = []
    /// What came of the last attempt.
    public internal(set) var outcome = PlaceOutcome.untried
    /// When the last attempt was over.
    public internal(set) var triedAt: MonotonicInstant?

    /// Its turn among those of the same origin and age: a member's best address before anyone's
    /// second best.
    var rank: Int
    /// Counts the addresses as they come: the last word on order.
    let serial: Int
    var failures = 0
    var nextTry: MonotonicInstant
    var isBusy = false
    /// That its name does not resolve was said, and it did not resolve since.
    var isUnresolvedTold = false
    var isSelfTold = false
}

/// Something about discovery that a person should know.
public enum DiscoveryNotice: Sendable, Equatable {
    /// A name has no address; told once, until it has one again.
    case unresolved(NetworkAddress, reason: String)
    /// A seed is this node.
    case itself(NetworkAddress)
    /// Every address was tried, nobody answered, and the node knows no member that lives.
    case alone(tried: [DiscoveryPlace])
    /// The node knows of no address to try.
    case nowhereToLook
    /// A node that was alone met a member.
    case found(NetworkAddress, NodeID)
}
