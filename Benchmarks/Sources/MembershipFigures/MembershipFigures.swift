/// How the membership protocol does, as curves over the size of the mesh and the share of datagrams
/// lost, measured in the simulator. The same plan gives the same figures on every machine.
public struct MembershipFigures: Sendable, Encodable {
    /// How long deaths take to be known.
    public var detection: [DetectionPoint] = []
    /// How long changes take to be known.
    public var dissemination: [DisseminationPoint] = []
    /// Healthy members taken for dead.
    public var falsePositives: [FalsePositivePoint] = []
    /// What a mesh in which nothing happens sends.
    public var idle: [IdlePoint] = []
    /// What is to be reached, and whether it was.
    public var goals: [MembershipGoal] = []

    /// The result of one run.
    private enum Part: Sendable {
        case detection(DetectionPoint)
        case dissemination(DisseminationPoint)
        case idle(IdlePoint)
        case count(Int, isPlain: Bool, FalsePositivePoint.Count)
    }

    /// Runs everything, on so many threads.
    ///
    /// - Parameter progress: Called with the number of runs done and of all, on any thread.
    public static func measure(
        _ plan: MembershipPlan, threads: Int,
        progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void
    ) -> MembershipFigures {
        var figures = MembershipFigures()
        var jobs: [(cost: Int, run: @Sendable () -> Part)] = []
        let seed = plan.seed
        for loss in plan.losses {
            for nodes in plan.sizes {
                for isRefused in [true, false] {
                    jobs.append(
                        (
                            nodes * plan.crashes * 100 / max(1, nodes / 16),
                            {
                                .detection(
                                    .measure(
                                        nodes: nodes, loss: loss, isRefused: isRefused,
                                        crashes: plan.crashes, seed: seed))
                            }
                        ))
                }
                // In large meshes changes differ less.
                let updates = nodes > 256 ? plan.updates / 2 : plan.updates
                jobs.append(
                    (
                        nodes * updates * 10,
                        {
                            .dissemination(
                                .measure(nodes: nodes, loss: loss, updates: updates, seed: seed))
                        }
                    ))
                jobs.append(
                    (
                        nodes * plan.idleMinutes * 60,
                        {
                            .idle(
                                .measure(
                                    nodes: nodes, loss: loss, minutes: plan.idleMinutes,
                                    seed: seed))
                        }
                    ))
            }
            for (nodes, ailment) in plan.falsePositiveRuns(loss: loss) {
                let minutes = plan.falsePositiveMinutes(among: nodes)
                let index = figures.falsePositives.count
                let none = FalsePositivePoint.Count(deaths: 0, suspicions: 0, replay: "")
                figures.falsePositives.append(
                    FalsePositivePoint(
                        nodes: nodes, ailment: ailment, ailing: plan.ailing, loss: loss,
                        memberHours: Double((nodes - plan.ailing) * minutes) / 60, shoal: none,
                        plain: none))
                for isPlain in [false, true] {
                    jobs.append(
                        (
                            nodes * minutes * 60,
                            {
                                .count(
                                    index, isPlain: isPlain,
                                    FalsePositivePoint.count(
                                        nodes: nodes, loss: loss, ailment, ailing: plan.ailing,
                                        minutes: minutes, seed: seed, isPlain: isPlain))
                            }
                        ))
                }
            }
        }
        jobs.sort { $0.cost > $1.cost }
        let count = jobs.count
        let parts = Jobs.run(jobs.map(\.run), threads: threads) { progress($0, count) }
        for part in parts { figures.add(part) }
        figures.detection.sort { ($0.loss, $0.nodes) < ($1.loss, $1.nodes) }
        figures.dissemination.sort { ($0.loss, $0.nodes) < ($1.loss, $1.nodes) }
        figures.idle.sort { ($0.loss, $0.nodes) < ($1.loss, $1.nodes) }
        figures.goals = figures.judged()
        return figures
    }

    private mutating func add(_ part: Part) {
        switch part {
        case .detection(let point): detection.append(point)
        case .dissemination(let point): dissemination.append(point)
        case .idle(let point): idle.append(point)
        case .count(let index, let isPlain, let count):
            if isPlain {
                falsePositives[index].plain = count
            } else {
                falsePositives[index].shoal = count
            }
        }
    }
}
