/// The node and the mesh as it sees it: the body of `GET /shoal/v1/status`, and what
/// `shoal status --json` prints. Fields may be added; none changes its meaning.
public struct NodeStatus: Codable, Equatable, Sendable {
    /// This node.
    public var node: Node
    /// Everyone in the mesh, this node included.
    public var members: [Member]
    /// Every model of the mesh.
    public var models: [Model]
    /// The open links of this node.
    public var links: [Link]
    /// Counts since the node started, by name.
    public var counters: [String: UInt64]
    /// Where it looks for members.
    public var discovery: Discovery?

    /// A status.
    public init(
        node: Node, members: [Member], models: [Model], links: [Link], counters: [String: UInt64],
        discovery: Discovery? = nil
    ) {
        self.node = node
        self.members = members
        self.models = models
        self.links = links
        self.counters = counters
        self.discovery = discovery
    }

    /// This node.
    public struct Node: Codable, Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its id, in hexadecimal.
        public var id: String
        /// The mesh's name.
        public var meshName: String
        /// The mesh's fingerprint, for people to compare.
        public var meshFingerprint: String
        /// The version of the program.
        public var version: String
        /// The arithmetic it follows; nodes of the same one give the same tokens.
        public var numerics: String
        /// Where it listens for clients, as `host:port`.
        public var http: String
        /// Where peers reach it, as `host:port`.
        public var peerAddresses: [String]
        /// Seconds since it started.
        public var uptimeSeconds: Double
        /// How others reach it: `direct`, `streams only` or `outbound only`.
        public var reachability: String
        /// Why it is that.
        public var reachabilityReason: String
        /// Where others see it, beside ``peerAddresses``, as `host:port`.
        public var observedAddresses: [String]
        /// What it was told to do wrong on purpose, as written after `--fault`.
        public var faults: [String]
        /// What its certificate lets it do.
        public var roles: [String] = []
        /// When its certificate ends, in seconds since 1970.
        public var certificateEnds: UInt64?
        /// Why the mesh does not accept it; nil when it does.
        public var exclusion: String?
        /// The gate key that it uses: how often the mesh has rolled it.
        public var gateKeyEpoch: UInt64?
        /// Why it does not serve its peers yet; nil when it does.
        public var waitingReason: String?
        /// The members from which it has not heard yet and would, by name; nil when it serves.
        public var waitingFor: [String]?
        /// What to do about that.
        public var waitingAdvice: String?
        /// Members that say that this node was revoked, the latest first; nil for none. It is what they
        /// say: ``exclusion`` is what is proven.
        public var saidRevoked: [SaidRevoked]?
        /// Members that refuse this node because its clock is another than theirs, the latest first;
        /// nil for none.
        public var clocks: [ClockBeside]?
        /// Why what it knows of revocations and gate keys is not on disk; nil when it is. It acts by
        /// it all the same.
        public var storageFault: String?
        /// The ids of the nodes that it knows to be revoked, in hexadecimal.
        public var revoked: [String] = []
        /// How many files and connections it may have open at once.
        public var openFilesMax: Int?

        /// This node.
        public init(
            name: String, id: String, meshName: String, meshFingerprint: String, version: String,
            numerics: String, http: String, peerAddresses: [String], uptimeSeconds: Double,
            reachability: String, reachabilityReason: String, observedAddresses: [String] = [],
            faults: [String] = []
        ) {
            self.name = name
            self.id = id
            self.meshName = meshName
            self.meshFingerprint = meshFingerprint
            self.version = version
            self.numerics = numerics
            self.http = http
            self.peerAddresses = peerAddresses
            self.uptimeSeconds = uptimeSeconds
            self.reachability = reachability
            self.reachabilityReason = reachabilityReason
            self.observedAddresses = observedAddresses
            self.faults = faults
        }

        private enum CodingKeys: String, CodingKey {
            case name, id, version, numerics, http, reachability, faults
            case meshName = "mesh_name"
            case meshFingerprint = "mesh_fingerprint"
            case peerAddresses = "peer_addresses"
            case reachabilityReason = "reachability_reason"
            case observedAddresses = "observed_addresses"
            case uptimeSeconds = "uptime_seconds"
            case roles, exclusion, revoked
            case certificateEnds = "certificate_ends"
            case gateKeyEpoch = "gate_key_epoch"
            case waitingReason = "waiting_reason"
            case waitingFor = "waiting_for"
            case waitingAdvice = "waiting_advice"
            case storageFault = "storage_fault"
            case saidRevoked = "said_revoked"
            case clocks
            case openFilesMax = "open_files_max"
        }
    }

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
