import Gossip
import Simulation
import Wire

/// Healthy members taken for dead while others stand still again and again, for one size and loss:
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

    /// Members.
    public var nodes: Int
    /// Of those, so many stand still again and again; their own deaths are not false.
    public var stalled: Int
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
    /// One protocol's part of a point.
    static func count(
        nodes: Int, loss: Double, stalled: Int, minutes: Int, seed: UInt64, isPlain: Bool
    ) -> Count {
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .seconds(60 * minutes))
        configuration.loss = loss
        configuration.isWarm = true
        configuration.stalled = stalled
        configuration.allowsFalseDeaths = true
        if isPlain { configuration.gossip = .plainSWIM }
        let report = MembershipSimulation.run(configuration)
        return Count(
            deaths: report.falseDeaths, suspicions: report.falseSuspicions,
            replay: configuration.replayCommand)
    }
}
