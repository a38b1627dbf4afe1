// The members, and what they offer.
extension NodeStatus {
    /// What a member is believed to be.
    public enum MemberState: String, Codable, Sendable, CaseIterable {
        /// It answers.
        case alive
        /// It has stopped answering, and may still.
        case suspect
        /// It is gone without a word.
        case dead
        /// It said that it goes.
        case left
    }

    /// How much work a member has.
    public struct Load: Codable, Equatable, Sendable {
        /// Requests that wait.
        public var queued: Int
        /// Requests that run.
        public var running: Int
        /// Tokens for which the caches of keys and values have room, of all models in memory.
        public var freeKVTokens: Int

        /// A load.
        public init(queued: Int, running: Int, freeKVTokens: Int = 0) {
            self.queued = queued
            self.running = running
            self.freeKVTokens = freeKVTokens
        }

        private enum CodingKeys: String, CodingKey {
            case queued, running
            case freeKVTokens = "free_kv_tokens"
        }
    }

    /// How fast a member runs one of its models, as it measured.
    public struct Speed: Codable, Equatable, Sendable {
        /// The model's name.
        public var model: String
        /// Tokens of a prompt, a second.
        public var prefillTokensPerSecond: Double
        /// Tokens of an answer, a second.
        public var decodeTokensPerSecond: Double

        /// A speed.
        public init(
            model: String, prefillTokensPerSecond: Double, decodeTokensPerSecond: Double
        ) {
            self.model = model
            self.prefillTokensPerSecond = prefillTokensPerSecond
            self.decodeTokensPerSecond = decodeTokensPerSecond
        }

        private enum CodingKeys: String, CodingKey {
            case model
            case prefillTokensPerSecond = "prefill_tokens_per_second"
            case decodeTokensPerSecond = "decode_tokens_per_second"
        }
    }

    /// Someone in the mesh.
    public struct Member: Codable, Equatable, Sendable {
        /// The name in its certificate.
        public var name: String
        /// Its id, in hexadecimal.
        public var id: String
        /// What it is believed to be.
        public var state: MemberState
        /// Whether it is this node.
        public var isSelf: Bool
        /// Where it says that it is reached, as `host:port`.
        public var addresses: [String]
        /// How it is reached: `direct`, by `streams only` (datagrams don't arrive), or `outbound
        /// only` (over links that it dials).
        public var reachability: String
        /// The way that gossip goes to it now: `datagram`, `link`, or `relay via NAME`; nil for this
        /// node, and where there is none.
        public var path: String?
        /// Where datagrams for it go, as `host:port`: where it was heard from, or where it says it is.
        public var datagramAddresses: [String] = []
        /// The names of its models.
        public var models: [String]
        /// The round trip to it in milliseconds, if measured.
        public var roundTripMilliseconds: Double?
        /// What the coordinates of both predict of it, in milliseconds; where it is not measured,
        /// that is the best there is.
        public var estimatedRoundTripMilliseconds: Double?
        /// Its work, if known.
        public var load: Load?
        /// How fast it runs its models, those it has measured.
        public var speeds: [Speed] = []
        /// Of how many beginnings of prompts it tells that it has them cached.
        public var cachedPrefixes = 0
        /// What it runs, such as `shoal 0.1.0`.
        public var software: String?
        /// Counts its starts.
        public var generation: UInt64 = 0
        /// Counts what it said of itself within this start.
        public var incarnation: UInt32 = 0
        /// How late its own timers are, as it tells, from 0 to 7: others give it that much longer.
        public var patience = 0
        /// Seconds since its state last changed.
        public var stateSinceSeconds: Double
        /// Whether this node has a link to it.
        public var hasLink: Bool
        /// Whether it may let others in; nil while its certificate is not known.
        public var isIssuer: Bool?
        /// What its certificate lets it do; empty while that is not known.
        public var roles: [String] = []

        /// A member.
        public init(
            name: String, id: String, state: MemberState, isSelf: Bool, addresses: [String],
            reachability: String, models: [String], roundTripMilliseconds: Double?, load: Load?,
            stateSinceSeconds: Double, hasLink: Bool
        ) {
            self.name = name
            self.id = id
            self.state = state
            self.isSelf = isSelf
            self.addresses = addresses
            self.reachability = reachability
            self.models = models
            self.roundTripMilliseconds = roundTripMilliseconds
            self.load = load
            self.stateSinceSeconds = stateSinceSeconds
            self.hasLink = hasLink
        }

        private enum CodingKeys: String, CodingKey {
            case name, id, state, addresses, reachability, path, models, load, speeds, software
            case roles
            case generation, incarnation, patience
            case isSelf = "self"
            case datagramAddresses = "datagram_addresses"
            case roundTripMilliseconds = "round_trip_ms"
            case estimatedRoundTripMilliseconds = "round_trip_estimated_ms"
            case cachedPrefixes = "cached_prefixes"
            case stateSinceSeconds = "state_since_seconds"
            case hasLink = "link"
            case isIssuer = "issuer"
        }
    }

    /// A place on the ladder of an alias. It is announced; requests are not routed by it yet.
    public struct Rung: Codable, Equatable, Hashable, Sendable {
        /// The alias.
        public var alias: String
        /// How many models come before this one.
        public var rung: Int

        /// A place.
        public init(alias: String, rung: Int) {
            self.alias = alias
            self.rung = rung
        }
    }

    /// A model of the mesh.
    public struct Model: Codable, Equatable, Sendable {
        /// The name to ask for it by.
        public var id: String
        /// The root of its file's hash tree, in hexadecimal.
        public var digest: String
        /// The names of the nodes that hold it.
        public var nodes: [String]
        /// How its weights are stored, such as `Q4_K_M`; empty where nobody says.
        public var format: String
        /// The aliases that nodes announce it under.
        public var rungs: [Rung]

        /// A model.
        public init(
            id: String, digest: String, nodes: [String], format: String = "", rungs: [Rung] = []
        ) {
            self.id = id
            self.digest = digest
            self.nodes = nodes
            self.format = format
            self.rungs = rungs
        }
    }
}
