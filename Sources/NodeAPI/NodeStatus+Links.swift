// Links, and where members are looked for.
extension NodeStatus {
    /// An open link.
    public struct Link: Codable, Equatable, Sendable {
        /// The peer's name.
        public var peer: String
        /// The peer's id, in hexadecimal.
        public var peerID: String
        /// Whether this node dialled.
        public var initiated: Bool
        /// The round trip over the link in milliseconds, if measured.
        public var roundTripMilliseconds: Double?
        /// The name of the node that carries it; nil for one made directly.
        public var through: String?

        /// A link.
        public init(
            peer: String, peerID: String, initiated: Bool, roundTripMilliseconds: Double?
        ) {
            self.peer = peer
            self.peerID = peerID
            self.initiated = initiated
            self.roundTripMilliseconds = roundTripMilliseconds
        }

        private enum CodingKeys: String, CodingKey {
            case peer, initiated, through
            case peerID = "peer_id"
            case roundTripMilliseconds = "round_trip_ms"
        }
    }

    /// Where a node looks for members.
    public struct Discovery: Codable, Equatable, Sendable {
        /// Whether it knows no other member that lives.
        public var alone: Bool
        /// The addresses, those that somebody gave first.
        public var places: [Place]

        /// Where a node looks.
        public init(alone: Bool, places: [Place]) {
            self.alone = alone
            self.places = places
        }
    }

    /// An address at which members are looked for.
    public struct Place: Codable, Equatable, Sendable {
        /// The address, as `host:port`.
        public var address: String
        /// Where it comes from: `seed`, `ticket` or `remembered`.
        public var origin: String
        /// What its name last resolved to; itself for a numeric one.
        public var resolved: [String]
        /// What came of the last attempt: `untried`, `member`, `self` or `failed`.
        public var outcome: String
        /// The member's name, or why nobody answered.
        public var reason: String?
        /// Seconds since the last attempt was over.
        public var triedSecondsAgo: Double?

        /// An address.
        public init(
            address: String, origin: String, resolved: [String], outcome: String, reason: String?,
            triedSecondsAgo: Double?
        ) {
            self.address = address
            self.origin = origin
            self.resolved = resolved
            self.outcome = outcome
            self.reason = reason
            self.triedSecondsAgo = triedSecondsAgo
        }

        private enum CodingKeys: String, CodingKey {
            case address, origin, resolved, outcome, reason
            case triedSecondsAgo = "tried_seconds_ago"
        }
    }
}
