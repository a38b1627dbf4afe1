import Gossip
import Wire

extension MembershipSwarm {
    /// A smaller run that still breaks an invariant: faults are left out, first in halves, then one
    /// by one (Zeller's delta debugging, without its complements), then what the network does and
    /// the nodes' peculiarities, as long as `isBroken` says that what is left is still broken.
    ///
    /// - Parameter runsMax: How often `isBroken` may be asked; each time is a run.
    public static func shrunk(
        _ broken: MembershipSimulation.Configuration, runsMax: Int = 200,
        isBroken: (MembershipSimulation.Configuration) -> Bool
    ) -> MembershipSimulation.Configuration {
        var best = broken
        var runs = 0
        func take(_ candidate: MembershipSimulation.Configuration) -> Bool {
            guard candidate != best, candidate.problem == nil, runs < runsMax else { return false }
            runs += 1
            guard isBroken(candidate) else { return false }
            best = candidate
            return true
        }
        for change in simplifications {
            var candidate = best
            change(&candidate)
            _ = take(candidate)
        }
        var size = max(1, best.faults.count / 2)
        while runs < runsMax, !best.faults.isEmpty {
            var start = 0
            var isShorter = false
            while start < best.faults.count, runs < runsMax {
                var candidate = best
                candidate.faults.removeSubrange(start..<min(start + size, best.faults.count))
                if take(candidate) { isShorter = true } else { start += size }
            }
            if size == 1, !isShorter { break }
            size = max(1, size / 2)
        }
        // What happens after the first breach is of no interest; less time is less to read.
        for share in [4, 2] as [Int] {
            var candidate = best
            candidate.duration = best.duration - best.duration / share
            _ = take(candidate)
        }
        return best
    }

    private static let simplifications:
        [@Sendable (inout MembershipSimulation.Configuration) -> Void] = [
            { $0.network = NetworkConditions() },
            { $0.network.loss = 0 },
            { $0.network.duplication = 0 },
            { $0.network.reordering = 0 },
            { $0.network.corruption = 0 },
            { $0.network.replay = 0 },
            { $0.network.mtu = nil },
            { $0.network.latency = NetworkConditions().latency },
            { $0.timerLateness = .zero ... .zero },
            { $0.stalled = 0 },
            { $0.outboundOnly = 0 },
            { $0.datagramsBlocked = 0 },
            { $0.versions = [] },
            { $0.refusesAfterCrash = true },
            { $0.seeds = 1 },
            { $0.gossip = GossipConfiguration() },
        ]
}
