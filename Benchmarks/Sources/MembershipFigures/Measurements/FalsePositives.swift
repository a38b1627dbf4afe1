import Gossip
import Simulation
import Wire

/// Healthy members taken for dead while others are unwell again and again, for one size and loss:
/// with Lifeguard and all else, and by plain SWIM in the same run under the same seed.
public struct FalsePositivePoint: Sendable, Encodable {
    /// What one protocol did.
    public struct Count: Sendable, Encodable {
        /// Times that a member took a healthy, connected one for dead.
        public var deaths: Int
        /// Times that it suspected one.
        public var suspicions: Int
        /// Runs this again.
        public var replay: String
    }

    /// What others suffer from; their own deaths are not false.
    public enum Ailment: String, Sendable, Encodable {
        /// They stand still.
        case stalled
        /// Nothing goes out of them or in, while their timers run on; then everything at once.
        case blocked
    }

    /// Members.
    public var nodes: Int
    /// What some of those suffer from, again and again.
    public var ailment: Ailment
    /// How many.
    public var ailing: Int
    /// The share of datagrams lost.
    public var loss: Double
    /// Healthy members times simulated hours.
    public var memberHours: Double
    /// This protocol.
    public var shoal: Count
    /// SWIM with memberlist's fixed timeout and nothing more.
    public var plain: Count

    /// How many times fewer false deaths there are than with plain SWIM. Where there is none at all
    /// one is assumed, so that the ratio is at least this.
    public var leastRatio: Double { Double(plain.deaths) / Double(max(1, shoal.deaths)) }
}

extension FalsePositivePoint {
    /// Blocked for so long, as in Lifeguard's longer anomalies, and free for half of it.
    private static let blocked: Duration = .seconds(16)
    private static let free: Duration = .seconds(8)
    /// Nobody is unwell before: who is healthy must have been so for a while to count as that.
    private static let settling: Duration = .seconds(50)

    /// One protocol's part of a point.
    static func count(
        nodes: Int, loss: Double, _ ailment: Ailment, ailing: Int, minutes: Int, seed: UInt64,
        isPlain: Bool
    ) -> Count {
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .seconds(60 * minutes))
        configuration.loss = loss
        configuration.isWarm = true
        switch ailment {
        case .stalled: configuration.stalled = ailing
        case .blocked:
            configuration.faults = MembershipSimulation.Fault.blockades(
                of: ailing, among: nodes, from: settling, length: blocked, gap: free,
                until: configuration.duration)
        }
        configuration.allowsFalseDeaths = true
        if isPlain { configuration.gossip = .plainSWIM }
        let report = MembershipSimulation.run(configuration)
        return Count(
            deaths: report.falseDeaths, suspicions: report.falseSuspicions,
            replay: configuration.replayCommand)
    }
}
