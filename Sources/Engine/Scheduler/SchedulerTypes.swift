import Model

/// One answer of one request.
struct SequenceID: Hashable, Comparable, Sendable {
    /// The request's number, in the order of arrival.
    var request: Int
    var choice: UInt32

    static func < (left: Self, right: Self) -> Bool {
        (left.request, left.choice) < (right.request, right.choice)
    }
}

/// What the scheduler needs to know of a request.
struct Submission: Sendable {
    /// Who asks: requests of one caller share its part, and only they share pages.
    var caller = ""
    /// Which goes first: the higher before the lower.
    var priority: Int8 = 0
    /// When the answer is of no use any more, in seconds on the scheduler's clock.
    var deadline: Double?
    var kv = KVType.f16
    var prompt: [Int32]
    /// The choices to be answered, each with the tokens it already has. Not empty.
    var choices: [(choice: UInt32, generated: [Int32])]
    /// The most tokens of each answer, those it already has included.
    var answerTokensMax: Int
}

/// What is run next: entries go through the model together.
struct Step: Sendable {
    /// Pages of keys and values that the step uses; another generation is another set of pages.
    struct Pages: Hashable, Sendable {
        var kv: KVType
        var count: Int
        var generation: Int
    }

    /// Which rows of logits are wanted.
    enum Rows: Sendable { case none, last, all }

    struct Entry: Sendable {
        var sequence: SequenceID
        var tokens: [Int32]
        /// The position of the first token.
        var start: Int
        /// The pages of positions from 0 to those of the tokens.
        var pages: [Int32]
        var rows: Rows
        /// The sequences whose next token is sampled from the last row: this one, or all choices
        /// that begin where a prompt ends.
        var sampled: [SequenceID]
        /// How many of the tokens, at the end, are guesses. Then every row is wanted.
        var draftCount = 0
    }

    var pages: Pages
    /// Pages to be copied before the step runs, in this order.
    var copies: [(from: Int32, to: Int32)] = []
    var entries: [Entry] = []

    var rowCount: Int { entries.reduce(0) { $0 + $1.tokens.count } }
    var draftRows: Int { entries.reduce(0) { $0 + $1.draftCount } }
}

/// What became of an entry of a step.
enum EntryOutcome: Sendable {
    /// It ran; for each sequence to be sampled, in order, its new tokens.
    case ran([SampledTokens])
    /// It could not be run, even alone.
    case failed(EngineError)
}

/// New tokens of a sequence.
struct SampledTokens: Sendable {
    /// At least one, unless sampling failed or ended at once: drafts that held, and the one after.
    var tokens: [Int32]
    /// The answer is complete.
    var hasEnded = false
    /// Sampling failed, and the request with it.
    var failure: EngineError?
}

/// What the shell is to tell a request's reader.
enum SchedulerEffect: Equatable, Sendable {
    /// All its answers are complete.
    case completed(request: Int)
    /// It ended early.
    case ended(request: Int, EngineError)
}
