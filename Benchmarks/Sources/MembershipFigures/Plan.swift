/// What is measured, and with how many samples.
public struct MembershipPlan: Sendable {
    /// Sizes of the mesh.
    public var sizes: [Int]
    /// Shares of datagrams lost.
    public var losses: [Double]
    /// Crashes, for each size, loss and way to crash.
    public var crashes: Int
    /// Changes of what a member offers, for each size and loss.
    public var updates: Int
    /// Simulated minutes of a mesh in which nothing happens.
    public var idleMinutes: Int
    /// Sizes of the mesh for false positives.
    public var falsePositiveSizes: [Int]
    /// Simulated minutes of each, for so many members; larger meshes run for as much less, down to
    /// a third.
    public var falsePositiveMinutes: Int
    /// Members that are unwell again and again while false positives are counted.
    public var ailing: Int
    /// All runs are drawn from this.
    public var seed: UInt64

    /// What the figures in the repository are made with.
    public static let full = MembershipPlan(
        sizes: [2, 3, 8, 16, 32, 64, 128, 256, 512, 1000], losses: [0, 0.05, 0.1, 0.25],
        crashes: 40, updates: 24, idleMinutes: 2, falsePositiveSizes: [8, 16, 32, 64, 128],
        falsePositiveMinutes: 30, ailing: 4, seed: 1)

    /// Fewer of everything, to see that it works.
    public static let quick = MembershipPlan(
        sizes: [2, 3, 8, 32, 128], losses: [0, 0.25], crashes: 16, updates: 12, idleMinutes: 2,
        falsePositiveSizes: [16, 64, 128], falsePositiveMinutes: 15, ailing: 4, seed: 1)

    /// Sizes and ailments of the runs in which false positives are counted. Blocked members are for
    /// a network that loses nothing: what plain SWIM makes of them is to show by itself.
    func falsePositiveRuns(loss: Double) -> [(Int, FalsePositivePoint.Ailment)] {
        let stalled = falsePositiveSizes.map { ($0, FalsePositivePoint.Ailment.stalled) }
        guard loss == 0 else { return stalled }
        return stalled + falsePositiveSizes.map { ($0, .blocked) }
    }

    /// Simulated minutes in which false positives are counted among so many members.
    func falsePositiveMinutes(among members: Int) -> Int {
        members <= 64 ? falsePositiveMinutes : max(1, falsePositiveMinutes / 3)
    }
}
