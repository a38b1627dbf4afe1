public import NodeAPI
import Trust
public import Wire

// Doctor: what is wrong with a node, and what to do.
//
//   Doctor            what it is given, and the order of the examination
//   DoctorReport      what it finds
//   DirectoryDoctor   files, permissions, the lock, the configuration
//   TrustDoctor       certificates and the clock
//   StandingDoctor    how the running node stands with its mesh
//   NetworkDoctor     ports, own addresses, a test of both
//   PlacesDoctor      the addresses at which members are looked for, and what answers there
//   MeshDoctor        what the running node says
//   MachineDoctor     models, memory, disk, limits
//
// It writes nothing, makes no link, and prints no secret.

/// Bounds of an examination.
public enum DoctorLimits {
    /// The time for one probe of the network, and for one look-up.
    public static let probe: Duration = .seconds(3)
    /// Probes that run at once.
    public static let probesMax = 64
    /// The most remembered members whose addresses are tried.
    public static let rememberedMax = 24
    /// The most addresses tried of one remembered member, the best first.
    public static let rememberedAddressesMax = 3
    /// A node's certificate that nobody renews is warned of this long before its end.
    public static let certificateWarning: Duration = .seconds(2 * 86_400)
    /// An issuer's certificate is warned of this long before its end.
    public static let issuerWarning: Duration = .seconds(30 * 86_400)
    /// A file that was begun and not finished counts as left behind after this long.
    public static let temporaryAge: Duration = .seconds(60)
    /// A member that is alive for this long has a way that gossip goes.
    public static let pathSettles: Duration = .seconds(30)
    /// Less free disk than this is a problem: state can't be written.
    public static let diskBytesMin = 64 << 20
    /// Less free disk than this is warned of.
    public static let diskBytesLow = 1 << 30
    /// Fewer open files than this are warned of: links, clients and models each take some.
    public static let openFilesLow = 1024
    /// Counters that should stay at zero are warned of from this share of the datagrams received.
    public static let strayShare = 0.01
    /// And from this many.
    public static let strayMin: UInt64 = 20
}

/// Examines the node of a directory, whether it runs or not.
public struct Doctor: Sendable {
    let path: String
    let environment: [String: String]
    let now: WallTime
    /// What the running node says; nil when none runs or it does not answer.
    let status: NodeStatus?
    /// How the identity is sealed, if it is.
    let keys: KeyProtection
    /// Why the running node does not say anything.
    let silence: String?
    let resolver: NameResolver
    let checkModel: @Sendable (_ path: String) -> String?
    let probeLimit: Duration

    /// An examination that has not begun.
    ///
    /// - Parameters:
    ///   - path: The node's directory.
    ///   - environment: As `shoal node run` would read it.
    ///   - now: The present.
    ///   - status: What the running node says, if one runs and answers.
    ///   - keys: Where the identity is sealed, the passphrase; without it what needs it is left out.
    ///   - silence: Why the node that runs does not answer, if it does not.
    ///   - checkModel: Says what is wrong with a model file, if something is; it must not read all
    ///     of it.
    public init(
        path: String, environment: [String: String], now: WallTime, status: NodeStatus?,
        keys: KeyProtection = .none,
        silence: String? = nil, resolver: NameResolver = .system(within: DoctorLimits.probe),
        probeLimit: Duration = DoctorLimits.probe,
        checkModel: @escaping @Sendable (_ path: String) -> String?
    ) {
        self.path = path
        self.environment = environment
        self.now = now
        self.status = status
        self.keys = keys
        self.silence = silence
        self.resolver = resolver
        self.probeLimit = probeLimit
        self.checkModel = checkModel
    }

    /// What could be read of the directory; what could not is nil, and was reported.
    struct Subject: Sendable {
        var files: DirectoryFiles
        var genesis: Genesis?
        /// The node's id, also where its identity is sealed.
        var node: NodeID?
        var identity: Identity?
        var chain: CertificateChain?
        var issuer: Certificate?
        var trust: TrustState?
        var gateKeys: GateKeyRing?
        var configuration: NodeConfiguration?
        /// Whether no other node of the mesh is known.
        var isAlone: Bool {
            files.list("mesh/issued").isEmpty
                && StateDirectory.peerMemory(in: files).entries.isEmpty
        }

        /// Whether a process holds the directory.
        var isLocked = false
        /// What that process, or the last one, told.
        var running: RunningNode?
    }

    /// Examines everything.
    ///
    /// - Parameter progress: Called with the share of the examination that is done, from 0 to 1.
    public func examine(
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async -> DoctorReport {
        var report = DoctorReport(directory: path)
        let subject = examineDirectory(&report)
        examineTrust(subject, &report)
        examineStanding(&report)
        progress(0.1)
        async let places = tryPlaces(of: subject) { progress(0.1 + 0.8 * $0) }
        async let network = examineNetwork(of: subject)
        report.checks += await network
        let tried = await places
        progress(0.9)
        report.tried = tried.map(\.tried)
        examinePlaces(tried, of: subject, &report)
        examineMesh(&report)
        examineMachine(subject, &report)
        progress(1)
        let order = DoctorReport.Area.allCases
        // Stable: within an area in the order of the examination.
        report.checks = order.flatMap { area in report.checks.filter { $0.area == area } }
        return report
    }
}
