import Simulation
import Wire

/// What a mesh in which nothing happens sends, for one size and loss.
public struct IdlePoint: Sendable, Encodable {
    /// Members.
    public var nodes: Int
    /// The share of datagrams lost.
    public var loss: Double
    /// Datagrams that a member sends in a probe period, which is a second.
    public var datagramsPerPeriod: Double
    /// Their bytes after encryption, without IP and UDP headers, per second.
    public var datagramBytesPerSecond: Double
    /// Packets over links in a probe period.
    public var linkPacketsPerPeriod: Double
    /// Bytes over links per second, push–pull included.
    public var linkBytesPerSecond: Double
    /// Signatures that a member checks per second.
    public var signaturesPerSecond: Double
    /// Runs this again.
    public var replay: String
}

extension IdlePoint {
    /// What is sent before this, while all measure their round trips for the first time, does not
    /// count.
    private static let settling: Duration = .seconds(60)

    static func measure(nodes: Int, loss: Double, minutes: Int, seed: UInt64) -> IdlePoint {
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: settling + .seconds(60 * minutes))
        configuration.countFrom = settling
        configuration.loss = loss
        configuration.isWarm = true
        configuration.allowsFalseDeaths = true
        let report = MembershipSimulation.run(configuration)
        let traffic = report.traffic
        return IdlePoint(
            nodes: nodes, loss: loss, datagramsPerPeriod: traffic.datagramsPerPeriod,
            datagramBytesPerSecond: traffic.datagramBytesPerSecond,
            linkPacketsPerPeriod: traffic.linkPacketsPerPeriod,
            linkBytesPerSecond: traffic.linkBytesPerSecond + traffic.exchangeBytesPerSecond,
            signaturesPerSecond: report.signaturesPerMemberPerSecond,
            replay: configuration.replayCommand)
    }
}
