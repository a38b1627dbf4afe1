/// How many tokens of prompts go into a step so that it takes about as long as is wanted.
///
/// Learns from the steps before: the time of a step that ran prompts, divided by its rows. A short
/// step pays for reading the weights with few rows, so its rows look dear and the next step is
/// larger only as far as that; repeated, this settles where a step takes the time wanted.
struct StepBudget: Sendable {
    /// The most tokens of prompts in a step, whatever they cost.
    let tokensMax: Int
    /// Seconds a row took lately; nil before the first measurement.
    private(set) var secondsPerRow: Double?

    init(tokensMax: Int) { self.tokensMax = tokensMax }

    /// Tokens of prompts that the next step may run, beside `decodeRows` rows of decoding.
    ///
    /// - Parameter isAlone: nobody else waits for the step's end, so that it may take longer and
    ///   read the weights less often; cancelling does not wait for it either.
    func promptTokens(decodeRows: Int, isAlone: Bool) -> Int {
        let seconds = isAlone ? SchedulerLimits.stepSecondsAlone : SchedulerLimits.stepSeconds
        let rows = secondsPerRow.map { Int(min(seconds / max($0, 1e-9), 1e6)) }
        let wanted = (rows ?? SchedulerLimits.firstStepTokens) - decodeRows
        return min(max(wanted, SchedulerLimits.promptTokensMin), tokensMax)
    }

    /// Takes note of a step that ran prompts.
    mutating func measured(rows: Int, seconds: Double) {
        guard rows > 0, seconds > 0, seconds.isFinite else { return }
        let now = seconds / Double(rows)
        // A quarter of the news: one step held up by the machine changes little.
        secondsPerRow = secondsPerRow.map { $0 + (now - $0) / 4 } ?? now
    }
}
