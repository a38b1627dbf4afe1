import Model

/// Which sequences run next, with which pages: the pure core of the engine.
///
/// A state machine without clock, threads or randomness. The shell hands in requests,
/// cancellations, the time and what became of each step, and gets back steps to run and what to
/// tell readers. Between ``plan(now:)`` and ``complete(_:seconds:)`` or ``abort()`` one step is
/// under way; requests may come and go meanwhile.
///
/// The rules:
/// - A step is every sequence that is being decoded, one token each (more where drafts are tried),
///   and then pieces of prompts, as many tokens as keep the step short (chunked prefill with decode
///   first: Agrawal et al., "Sarathi-Serve", OSDI 2024).
/// - Keys and values are in pages, shared by sequences with a common prefix, copied when one of
///   several users writes (Kwon et al., "PagedAttention", SOSP 2023).
/// - The highest priority goes first, within it the caller served least (``FairShare``), within
///   that the oldest request. What goes first but does not fit holds up all behind it.
/// - When pages run out, the sequence with the lowest priority, the youngest of those, gives its
///   own back and is computed anew later. It goes on with the same tokens. The same happens for a
///   request of higher priority, or of a caller who has fewer requests running than another.
/// - Pages hold keys and values of one type at a time. A request of another type waits until those
///   running have ended; the kept pages are then lost.
///
/// Why tokens cannot change: each depends on its sequence's tokens alone, the model's results do
/// not depend on what shares a step or how a prompt was cut, and pages are reused only where all
/// tokens up to their end are equal.
struct Scheduler: Sendable {
    struct Configuration: Sendable {
        /// The most requests waiting.
        var queuedRequestsMax = EngineLimits.queuedRequestsMax
        /// The most sequences that hold pages.
        var sequencesMax = EngineLimits.sequencesMax
        /// The most tokens of prompts in a step.
        var promptTokensMax = 256
        /// How many pages there may be, for each type of keys and values.
        var pageCounts: [KVType: Int]
        var pagePositions = EngineLimits.pagePositions
        var speculation = SpeculationMode.auto
    }

    struct Request: Sendable {
        let caller: String
        let priority: Int8
        let deadline: Double?
        let kv: KVType
        let promptCount: Int
        let answerTokensMax: Int
        /// The choices that have not ended.
        var open: [UInt32]
        /// The choice that computes the prompt; the others wait until it has.
        let leader: UInt32
        var isStarted = false
        /// The others have their share of the prompt's pages.
        var isForked: Bool
        var cachedPromptTokens = 0
    }

    struct Sequence: Sendable {
        enum State: Sendable {
            /// The request has not begun, or the leader still computes the prompt.
            case waiting
            /// Holds the pages of its tokens.
            case active
            /// Gave its pages back; will be computed anew.
            case parked
        }

        /// The prompt and the answer so far.
        var tokens: [Int32]
        var state = State.waiting
        /// Positions whose keys and values are in the pages.
        var computed = 0
        var pages: [Int32] = []
        /// Leading pages that are registered, and the link after them.
        var registered = 0
        var link: PageLink
        /// Positions its caller was charged for.
        var charged = 0
        var speculation = SpeculationRecord()

        /// Tokens to be run before the next one can be sampled.
        var pending: Int { tokens.count - computed }
    }

    let configuration: Configuration
    var requests: [Int: Request] = [:]
    var sequences: [SequenceID: Sequence] = [:]
    var pool: PagePool
    /// What the pool's pages are; nil before the first request.
    var pages: Step.Pages?
    var fair = FairShare()
    var budget: StepBudget
    var speculation: SpeculationController
    var rates = StepRates()
    /// The step under way.
    var underway: Step?
    /// Requests whose prompts are still being encoded: they have a place in the queue.
    private(set) var reservedCount = 0
    private var nextRequest = 0

    init(_ configuration: Configuration) {
        self.configuration = configuration
        pool = PagePool(pageCount: 0, positions: configuration.pagePositions)
        budget = StepBudget(tokensMax: configuration.promptTokensMax)
        speculation = SpeculationController(mode: configuration.speculation)
    }

    // MARK: What is here

    /// Requests that have not begun.
    var queuedCount: Int { requests.values.count { !$0.isStarted } + reservedCount }
    /// Requests that have.
    var runningCount: Int { requests.values.count { $0.isStarted } }
    var isEmpty: Bool { requests.isEmpty }
    /// All pages; before the first request those of the usual type.
    var pageCount: Int {
        pages?.count ?? configuration.pageCounts[.f16] ?? configuration.pageCounts.values.max() ?? 0
    }
    /// Pages that could be had at once.
    var availablePages: Int { pages == nil ? pageCount : pool.availableCount }

    /// Tokens of prompts still to be computed, as far as is known.
    var pendingPromptTokens: Int {
        sequences.reduce(0) { sum, entry in
            guard let request = requests[entry.key.request] else { return sum }
            let isFollower = !request.isForked && entry.key.choice != request.leader
            return isFollower ? sum : sum + max(0, request.promptCount - entry.value.computed)
        }
    }

    var active: [SequenceID] { sequences.filter { $0.value.state == .active }.keys.sorted() }

    // MARK: Coming and going

    /// Keeps a place in the queue for a request whose prompt is still to be encoded, or throws
    /// ``EngineError/queueFull(limit:)``. It becomes a request by `submit`, or is given up.
    mutating func reserve() throws(EngineError) {
        guard queuedCount < configuration.queuedRequestsMax else {
            throw .queueFull(limit: configuration.queuedRequestsMax)
        }
        reservedCount += 1
    }

    mutating func giveUpReservation() { reservedCount -= 1 }

    /// Takes a request. Gives its number, and whom it displaced in a full queue.
    ///
    /// Throws, and has changed nothing, where the queue is full, the deadline has passed, or a
    /// sequence would not fit the pages even alone.
    mutating func submit(
        _ submission: Submission, now: Double, isReserved: Bool = false
    ) throws(EngineError) -> (request: Int, effects: [SchedulerEffect]) {
        if let deadline = submission.deadline, deadline <= now { throw .deadlineExceeded }
        try checkFits(submission)
        let id = nextRequest
        if isReserved { reservedCount -= 1 }
        insert(submission, id)
        // What can begin does so at once, and does not wait in the queue.
        admit(mayPark: false)
        guard queuedCount > configuration.queuedRequestsMax else {
            nextRequest += 1
            return (id, [])
        }
        let refused = requestToRefuse(newest: id)
        remove(refused)
        guard refused != id else {
            if isReserved { reservedCount += 1 }
            throw .queueFull(limit: configuration.queuedRequestsMax)
        }
        nextRequest += 1
        return (
            id, [.ended(request: refused, .queueFull(limit: configuration.queuedRequestsMax))]
        )
    }

    private func checkFits(_ submission: Submission) throws(EngineError) {
        let count = configuration.pageCounts[submission.kv] ?? 0
        // The last token is never run, so it needs no place.
        let positions = submission.prompt.count + max(submission.answerTokensMax - 1, 0)
        guard pool.pages(for: positions) <= count else {
            throw .contextTooLarge(
                tokens: submission.prompt.count + submission.answerTokensMax,
                limit: count * configuration.pagePositions)
        }
    }

    private mutating func insert(_ submission: Submission, _ id: Int) {
        let choices = submission.choices.map(\.choice)
        fair.enter(submission.caller)
        requests[id] = Request(
            caller: submission.caller, priority: submission.priority,
            deadline: submission.deadline, kv: submission.kv,
            promptCount: submission.prompt.count, answerTokensMax: submission.answerTokensMax,
            open: choices, leader: choices[0], isForked: choices.count == 1)
        for (choice, generated) in submission.choices {
            sequences[SequenceID(request: id, choice: choice)] = Sequence(
                tokens: submission.prompt + generated, link: .scope(submission.caller))
        }
    }

    /// Who leaves a queue that is over its bound: the lowest priority; of those, where the newest
    /// is among them, who has the longest queue gives up its youngest ("longest queue drop", as in
    /// McKenney, "Stochastic Fairness Queueing", 1990), so that no caller can keep others out.
    private func requestToRefuse(newest: Int) -> Int {
        let waiting = requests.filter { !$0.value.isStarted }
        guard let lowest = waiting.values.map(\.priority).min(), let new = waiting[newest] else {
            return newest
        }
        let candidates = waiting.filter { $0.value.priority == lowest }
        guard new.priority == lowest else { return candidates.keys.max() ?? newest }
        var lengths: [String: Int] = [:]
        for request in waiting.values { lengths[request.caller, default: 0] += 1 }
        // Of equals the newest goes: displacing another of its kind would help no one.
        let victim = candidates.max { left, right in
            let (a, b) = (lengths[left.value.caller] ?? 0, lengths[right.value.caller] ?? 0)
            return (a, left.key) < (b, right.key)
        }
        guard let victim, victim.value.caller != new.caller,
            (lengths[victim.value.caller] ?? 0) > (lengths[new.caller] ?? 0)
        else { return newest }
        return victim.key
    }

    /// Ends a request at once: its pages are free, and a step under way no longer counts for it.
    /// False where it is not here.
    mutating func cancel(_ request: Int) -> Bool {
        guard requests[request] != nil else { return false }
        remove(request)
        return true
    }

    /// Ends all requests. Gives their numbers.
    mutating func removeAll() -> [Int] {
        let all = requests.keys.sorted()
        for request in all { remove(request) }
        return all
    }

    /// Ends the requests whose deadline has passed.
    mutating func expire(now: Double) -> [SchedulerEffect] {
        let late = requests.filter { $0.value.deadline.map { $0 <= now } ?? false }.keys.sorted()
        return late.map { request in
            remove(request)
            return .ended(request: request, .deadlineExceeded)
        }
    }

    mutating func remove(_ id: Int) {
        guard let request = requests.removeValue(forKey: id) else { return }
        for choice in request.open { removeSequence(SequenceID(request: id, choice: choice)) }
        fair.leave(request.caller)
    }

    mutating func removeSequence(_ id: SequenceID) {
        guard let sequence = sequences.removeValue(forKey: id) else { return }
        pool.release(sequence.pages)
    }
}
