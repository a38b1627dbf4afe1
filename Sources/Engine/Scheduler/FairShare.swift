/// How much each caller was served, so that the one served least goes next.
///
/// The virtual token counter of Sheng et al., "Fairness in Serving Large Language Models" (OSDI
/// 2024): a caller's counter grows by a weight for each token of its prompts that was computed and
/// for each token made for it; who waits with the least counter goes first; and one that had
/// nothing here begins at the least counter of those who have, so that idling saves up no credit.
/// While callers wait, what they were served differs by no more than what one step and the
/// requests already running give. Deviation: computing a preempted sequence anew is not charged.
struct FairShare: Sendable {
    private var served: [String: Double] = [:]
    /// How many requests each caller has here.
    private var present: [String: Int] = [:]
    /// The least counter of those present, never going back.
    private var floor = 0.0

    /// A caller's counter; those unknown would begin at the floor.
    func served(_ caller: String) -> Double { max(served[caller] ?? floor, 0) }

    /// A request of `caller` came.
    mutating func enter(_ caller: String) {
        if present[caller] == nil {
            raiseFloor()
            served[caller] = max(served[caller] ?? floor, floor)
        }
        present[caller, default: 0] += 1
    }

    /// A request of `caller` ended.
    mutating func leave(_ caller: String) {
        guard let count = present[caller] else { return }
        present[caller] = count > 1 ? count - 1 : nil
        if count == 1 { forgetSome() }
    }

    /// `caller` was served: so many tokens of its prompt, so many made for it.
    mutating func charge(_ caller: String, promptTokens: Int, madeTokens: Int) {
        served[caller, default: floor] +=
            Double(promptTokens) * SchedulerLimits.promptTokenWeight
            + Double(madeTokens) * SchedulerLimits.madeTokenWeight
    }

    private mutating func raiseFloor() {
        let least = present.keys.map { served[$0] ?? floor }.min()
        if let least { floor = max(floor, least) }
    }

    /// Forgets callers who have nothing here and are owed nothing: those below the floor, and
    /// beyond a number also others, least first.
    private mutating func forgetSome() {
        raiseFloor()
        served = served.filter { present[$0.key] != nil || $0.value > floor }
        let absent = served.filter { present[$0.key] == nil }
        guard absent.count > SchedulerLimits.absentCallersMax else { return }
        let least = absent.min { ($0.value, $0.key) < ($1.value, $1.key) }
        if let least { served[least.key] = nil }
    }

    /// How many callers are remembered.
    var callerCount: Int { served.count }
}
