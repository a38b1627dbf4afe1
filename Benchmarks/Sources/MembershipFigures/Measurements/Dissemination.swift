import Foundation
import Simulation
import Wire

/// How long a change of what a member offers takes to be known, for one size and loss.
public struct DisseminationPoint: Sendable, Encodable {
    /// Members.
    public var nodes: Int
    /// The share of datagrams lost.
    public var loss: Double
    /// Changes that were made.
    public var updates: Int
    /// Changes that did not get as far as 99.99 % of the members.
    public var missed: Int
    /// Seconds until half of the other members knew: the median change.
    public var halfMedian: Double
    /// Seconds until 99.99 % did, that is all in meshes of fewer than 10 000: the median change.
    public var nearlyAllMedian: Double
    /// The same for the slowest but one in a hundred.
    public var nearlyAllPercentile99: Double
    /// Serf's time to 99.99 %, where its published curve covers size and loss.
    public var serf: Double?
    /// Runs this again.
    public var replay: String
}

/// The published curve of Serf's convergence simulator, for 200 ms and a fan-out of 3: seconds to
/// 99.99 %.
enum SerfCurve {
    static let sizes: [Double] = [30, 100, 1000, 10_000]
    private static let seconds: [Double: [Double]] = [
        0: [1.8, 2.0, 2.2, 2.6], 0.25: [2.4, 2.6, 3.0, 3.4],
    ]

    /// Between the published points straight over the logarithm of the size; nil outside them.
    static func value(nodes: Int, loss: Double) -> Double? {
        guard let seconds = seconds[loss] else { return nil }
        let size = Double(nodes)
        for index in sizes.indices.dropFirst() where size <= sizes[index] {
            guard size >= sizes[index - 1] else { return nil }
            let share = log(size / sizes[index - 1]) / log(sizes[index] / sizes[index - 1])
            return seconds[index - 1] + share * (seconds[index] - seconds[index - 1])
        }
        return nil
    }
}

extension DisseminationPoint {
    static func measure(nodes: Int, loss: Double, updates: Int, seed: UInt64) -> Self {
        // One change each ten seconds: each has the mesh to itself.
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .seconds(20 + 10 * updates))
        configuration.loss = loss
        configuration.isWarm = true
        configuration.allowsFalseDeaths = true
        configuration.updates = updates
        let report = MembershipSimulation.run(configuration)
        let spread = report.dissemination
        return DisseminationPoint(
            nodes: nodes, loss: loss, updates: spread.updates,
            missed: spread.updates - spread.percent9999.count, halfMedian: spread.half.median,
            nearlyAllMedian: spread.percent9999.median,
            nearlyAllPercentile99: spread.percent9999.percentile99,
            serf: SerfCurve.value(nodes: nodes, loss: loss), replay: configuration.replayCommand)
    }
}
