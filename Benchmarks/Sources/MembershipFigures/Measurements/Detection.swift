import Gossip
import Simulation
import Wire

/// How long a death takes to be known, for one size, loss and way to die.
public struct DetectionPoint: Sendable, Encodable {
    /// Members.
    public var nodes: Int
    /// The share of datagrams lost.
    public var loss: Double
    /// Whether the dead process's host still answers, and refuses links: a process that ended. Else
    /// the host falls silent: a power cut.
    public var isRefused: Bool
    /// Deaths.
    public var crashes: Int
    /// Deaths that some member had not seen when the node was started again.
    public var missed: Int
    /// Until the first other member knew.
    public var first: Times
    /// Until the last one did.
    public var all: Times
    /// Runs this again.
    public var replay: String
}

/// Counts, death by death, who knows.
private final class DeathRecorder {
    private struct Death {
        var node: Int
        var at: MonotonicInstant
        var waiting: Set<Int>
        var first: Duration?
        var last: Duration?
    }

    private var deaths: [Death]

    /// - Parameter schedule: Each death with the time at which the node is started again.
    init(_ schedule: [(node: Int, at: Duration, back: Duration)], nodes: Int) {
        deaths = schedule.map { death in
            // Those that are down themselves need not know.
            let down = schedule.filter { $0.at <= death.back && $0.back >= death.at }.map(\.node)
            return Death(
                node: death.node, at: .origin + death.at,
                waiting: Set(0..<nodes).subtracting(down))
        }
    }

    func note(_ now: MonotonicInstant, observer: Int, subject: Int) {
        // The last death of the node that has begun; each is over before the next.
        guard let index = deaths.lastIndex(where: { $0.node == subject && $0.at <= now }),
            deaths[index].waiting.remove(observer) != nil
        else { return }
        let after = now - deaths[index].at
        deaths[index].first = deaths[index].first ?? after
        deaths[index].last = after
    }

    var first: [Duration] { deaths.compactMap(\.first) }
    var all: [Duration] { deaths.filter { $0.waiting.isEmpty }.compactMap(\.last) }
    var missed: Int { deaths.count { !$0.waiting.isEmpty } }
}

extension DetectionPoint {
    /// Deaths come in rounds, in large meshes several in a round, and every node that died is
    /// started again before the next round.
    private static let roundLength: Duration = .seconds(100)
    private static let downTime: Duration = .seconds(70)
    private static let spread: Duration = .seconds(12)

    static func measure(
        nodes: Int, loss: Double, isRefused: Bool, crashes: Int, seed: UInt64
    ) -> DetectionPoint {
        let atOnce = max(1, nodes / 16)
        let rounds = (crashes + atOnce - 1) / atOnce
        var schedule: [(node: Int, at: Duration, back: Duration)] = []
        var random = SeededRandom(seed: seed, stream: 7 << 40)
        for round in 0..<rounds {
            let victims = Array(0..<nodes).shuffled(using: &random)
                .prefix(min(atOnce, crashes - schedule.count))
            for victim in victims {
                let at =
                    Duration.seconds(15) + roundLength * round
                    + random.duration(in: .zero...spread)
                schedule.append((victim, at, at + downTime))
            }
        }
        var configuration = MembershipSimulation.Configuration(
            nodes: nodes, seed: seed, duration: .seconds(10) + roundLength * rounds)
        configuration.loss = loss
        configuration.refusesAfterCrash = isRefused
        configuration.isWarm = true
        configuration.allowsFalseDeaths = true
        configuration.faults = schedule.flatMap {
            [
                MembershipSimulation.Fault(at: $0.at, .crash($0.node)),
                MembershipSimulation.Fault(at: $0.back, .restart($0.node)),
            ]
        }
        let recorder = DeathRecorder(schedule, nodes: nodes)
        _ = MembershipSimulation.run(configuration) { now, observer, subject, view in
            guard view.state == .dead else { return }
            recorder.note(now, observer: observer, subject: subject)
        }
        return DetectionPoint(
            nodes: nodes, loss: loss, isRefused: isRefused, crashes: schedule.count,
            missed: recorder.missed, first: Times(recorder.first), all: Times(recorder.all),
            replay: configuration.replayCommand)
    }
}
