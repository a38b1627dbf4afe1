// What other members say of this node.
extension NodeStatus {
    /// A member whose clock differs from this node's by more than is allowed for.
    public struct ClockBeside: Codable, Equatable, Sendable {
        /// The member's name.
        public var member: String
        /// Its id, in hexadecimal.
        public var id: String
        /// How far this machine's clock is ahead of the member's; negative where it is behind.
        public var aheadSeconds: Double
        /// The same in words.
        public var text: String
        /// Seconds since the member said so last.
        public var secondsAgo: Double

        /// As given.
        public init(
            member: String, id: String, aheadSeconds: Double, text: String, secondsAgo: Double
        ) {
            self.member = member
            self.id = id
            self.aheadSeconds = aheadSeconds
            self.text = text
            self.secondsAgo = secondsAgo
        }

        private enum CodingKeys: String, CodingKey {
            case member, id, text
            case aheadSeconds = "ahead_seconds"
            case secondsAgo = "seconds_ago"
        }
    }

    /// A member that says that this node was revoked.
    public struct SaidRevoked: Codable, Equatable, Sendable {
        /// The member's name.
        public var by: String
        /// Its id, in hexadecimal.
        public var id: String
        /// What it said.
        public var text: String
        /// Seconds since it said so last.
        public var secondsAgo: Double

        /// As given.
        public init(by: String, id: String, text: String, secondsAgo: Double) {
            self.by = by
            self.id = id
            self.text = text
            self.secondsAgo = secondsAgo
        }

        private enum CodingKeys: String, CodingKey {
            case by, id, text
            case secondsAgo = "seconds_ago"
        }
    }
}
