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
}
