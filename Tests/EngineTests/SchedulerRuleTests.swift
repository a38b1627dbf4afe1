import Model
import Testing

@testable import Engine

@Suite struct SchedulerRuleTests {
    private func submission(
        _ caller: String = "a", prompt: [Int32], most: Int = 4, choices: Int = 1,
        priority: Int8 = 0, deadline: Double? = nil, kv: KVType = .f16
    ) -> Submission {
        Submission(
            caller: caller, priority: priority, deadline: deadline, kv: kv, prompt: prompt,
            choices: (0..<UInt32(choices)).map { ($0, []) }, answerTokensMax: most)
    }

    /// Tokens that no other prompt begins with.
    private func prompt(_ number: Int, _ count: Int) -> [Int32] {
        (0..<Int32(count)).map { ($0 * 7 + Int32(number) * 131) % 89 }
    }

    private func finish(_ driver: inout CoreDriver) {
        while driver.step() {}
        #expect(driver.fault == nil)
        #expect(driver.wrongAnswer == nil)
        #expect(driver.scheduler.isEmpty)
    }

    @Test("A step is all that is decoded first, then prompts within the budget")
    func decodeFirst() throws {
        var driver = CoreDriver(pages: 100, prompt: 10)
        try driver.submit(submission(prompt: prompt(0, 3), most: 30))
        driver.step()
        try driver.submit(submission(prompt: prompt(1, 25), most: 3))
        for (index, count) in [10, 10, 5].enumerated() {
            driver.step()
            let step = try #require(driver.steps.last)
            #expect(step.entries.map { $0.sequence.request } == [0, 1])
            #expect(step.entries.map { $0.tokens.count } == [1, count])
            #expect(step.entries[1].rows == (index == 2 ? .last : .none))
        }
        driver.step()
        #expect(driver.steps.last?.entries.map { $0.tokens.count } == [1, 1])
        finish(&driver)
    }

    @Test("The budget settles where a step takes the time wanted, and longer when alone")
    func budget() {
        for base in [0.0, 0.036] {
            var budget = StepBudget(tokensMax: 4096)
            #expect(budget.promptTokens(decodeRows: 0, isAlone: false) == 64)
            var seconds = 0.0
            for _ in 0..<60 {
                let rows = budget.promptTokens(decodeRows: 2, isAlone: false) + 2
                // Reading the weights, or computing, whichever takes longer.
                seconds = max(base, 0.0012 * Double(rows))
                budget.measured(rows: rows, seconds: seconds)
            }
            #expect(seconds > 0.045 && seconds < 0.065)
            #expect(budget.promptTokens(decodeRows: 2, isAlone: true) > 100)
        }
        var slow = StepBudget(tokensMax: 4096)
        slow.measured(rows: 1, seconds: 10)
        #expect(slow.promptTokens(decodeRows: 5, isAlone: false) == 16)
        slow.measured(rows: 0, seconds: .nan)
        #expect(slow.secondsPerRow == 10)
    }

    @Test("A full queue refuses at once, and a place that is freed is taken again")
    func queueBound() throws {
        var driver = CoreDriver(pages: 100, sequences: 1, queue: 2)
        for number in 0..<3 { try driver.submit(submission(prompt: prompt(number, 3))) }
        #expect(driver.scheduler.queuedCount == 2 && driver.scheduler.runningCount == 1)
        #expect(throws: EngineError.queueFull(limit: 2)) {
            try driver.submit(submission(prompt: prompt(4, 3)))
        }
        #expect(throws: EngineError.queueFull(limit: 2)) { try driver.scheduler.reserve() }
        driver.cancel(1)
        try driver.submit(submission(prompt: prompt(5, 3)))
        finish(&driver)
        #expect(driver.endOrder == [1, 0, 2, 3])
    }

    @Test("Who fills the queue gives up its youngest place to a caller with fewer")
    func queueIsShared() throws {
        var driver = CoreDriver(pages: 100, sequences: 1, queue: 3)
        for number in 0..<4 { try driver.submit(submission("a", prompt: prompt(number, 3))) }
        try driver.submit(submission("b", prompt: prompt(9, 3)))
        #expect(driver.ends[3] == .some(.queueFull(limit: 3)))
        // With one and two places there is nothing more to give.
        #expect(throws: EngineError.queueFull(limit: 3)) {
            try driver.submit(submission("b", prompt: prompt(8, 3)))
        }
        try driver.submit(submission("a", prompt: prompt(7, 3), priority: 1))
        #expect(driver.ends[4] == .some(.queueFull(limit: 3)))
        #expect(throws: EngineError.queueFull(limit: 3)) {
            try driver.submit(submission("c", prompt: prompt(6, 3), priority: -1))
        }
        finish(&driver)
    }

    @Test("A deadline ends what waits and what runs, and is not taken once it has passed")
    func deadlines() throws {
        var driver = CoreDriver(pages: 100, sequences: 1)
        driver.secondsPerRow = 1
        try driver.submit(submission(prompt: prompt(0, 3), most: 30, deadline: 5.5))
        try driver.submit(submission(prompt: prompt(1, 3), deadline: 2))
        #expect(throws: EngineError.deadlineExceeded) {
            try driver.submit(submission(prompt: prompt(1, 3), deadline: 0))
        }
        finish(&driver)
        #expect(driver.ends[1] == .some(.deadlineExceeded))
        #expect(driver.ends[0] == .some(.deadlineExceeded))
        #expect(driver.endOrder == [1, 0] && driver.clock < 8)
        #expect(driver.scheduler.pool.availableCount == 100)
    }

    @Test("A caller with 30 requests does not hold up one with a single one")
    func fairness() throws {
        for (pages, sequences) in [(400, 4), (40, 16)] {
            var driver = CoreDriver(pages: pages, sequences: sequences, queue: 40)
            for number in 0..<30 {
                try driver.submit(submission("a", prompt: prompt(number, 20), most: 30))
            }
            for _ in 0..<10 { driver.step() }
            let before = driver.steps.count
            let single = try driver.submit(submission("b", prompt: prompt(99, 20), most: 10))
            while driver.ends[single] == nil, driver.step() {}
            // Two steps for its prompt, one for each token, and a few to make room.
            #expect(driver.steps.count - before <= 20)
            #expect(driver.endOrder.count { $0 != single } < 12)
            finish(&driver)
        }
    }

    @Test("Callers who always wait are served alike, whatever the size of their requests")
    func share() throws {
        var driver = CoreDriver(pages: 400, sequences: 4, queue: 60)
        for number in 0..<60 {
            let isBig = number % 4 > 0
            try driver.submit(
                submission(
                    isBig ? "big" : "small", prompt: prompt(number, isBig ? 30 : 8),
                    most: isBig ? 20 : 6))
        }
        var widest = 0.0
        while driver.scheduler.requests.values.contains(where: {
            $0.caller == "small" && !$0.isStarted
        }) {
            driver.step()
            let fair = driver.scheduler.fair
            widest = max(widest, abs(fair.served("big") - fair.served("small")))
        }
        // What four requests of the larger kind count for: 30 of prompt, 20 made at twice that.
        #expect(widest <= 4 * 70)
        finish(&driver)
    }

    @Test("Idling saves up no credit, and those who left are forgotten")
    func noCredit() {
        var fair = FairShare()
        fair.enter("a")
        fair.charge("a", promptTokens: 1000, madeTokens: 0)
        fair.enter("b")
        #expect(fair.served("b") == 1000)
        fair.charge("b", promptTokens: 0, madeTokens: 100)
        fair.leave("b")
        fair.enter("b")
        #expect(fair.served("b") == 1200)
        for number in 0..<5000 {
            fair.enter("\(number)")
            fair.charge("\(number)", promptTokens: number + 1, madeTokens: 0)
            fair.leave("\(number)")
        }
        #expect(fair.callerCount <= SchedulerLimits.absentCallersMax + 2)
    }

    @Test("A higher priority goes first and takes the place of a lower one that runs")
    func priorities() throws {
        var driver = CoreDriver(pages: 100, sequences: 1)
        let low = try driver.submit(submission(prompt: prompt(0, 3), most: 30, priority: -1))
        driver.step()
        let usual = try driver.submit(submission(prompt: prompt(1, 3)))
        let high = try driver.submit(submission(prompt: prompt(2, 3), priority: 5))
        finish(&driver)
        #expect(driver.endOrder == [high, usual, low])
    }

    @Test("Choices share the prompt's pages until they write, and get what each would alone")
    func choices() throws {
        var driver = CoreDriver(pages: 100, positions: 4)
        try driver.submit(submission(prompt: prompt(0, 10), most: 6, choices: 4))
        driver.step()
        // Three pages for the prompt; nothing else yet.
        #expect(driver.scheduler.pool.availableCount == 97)
        #expect(driver.steps[0].entries[0].sampled.count == 4)
        driver.step()
        let step = try #require(driver.steps.last)
        // The last to write keeps the page.
        #expect(step.entries.count == 4 && step.copies.count == 3)
        #expect(driver.scheduler.pool.availableCount == 94)
        finish(&driver)
        let answers = (0..<4).map { driver.answers[SequenceID(request: 0, choice: $0)] }
        #expect(Set(answers.map { $0 ?? [] }).count > 1)
    }

    @Test("A prompt that begins as an earlier one of the same caller is not computed again")
    func prefixes() throws {
        var driver = CoreDriver(pages: 100, positions: 4, prompt: 100)
        func ran(_ caller: String, _ prompt: [Int32]) throws -> (tokens: Int, cached: Int) {
            let before = driver.steps.count
            let request = try driver.submit(submission(caller, prompt: prompt, most: 1))
            let cached = driver.scheduler.requests[request]?.cachedPromptTokens ?? -1
            finish(&driver)
            return (driver.steps[before...].reduce(0) { $0 + $1.rowCount }, cached)
        }
        let first = prompt(0, 18)
        #expect(try ran("a", first) == (18, 0))
        #expect(try ran("a", first) == (2, 16))
        // The last token is always run: it gives the logits.
        #expect(try ran("a", Array(first.prefix(16))) == (4, 12))
        #expect(try ran("a", first.prefix(6) + prompt(5, 10)) == (12, 4))
        #expect(try ran("b", first) == (18, 0))
        // The same page of tokens after another beginning is another page.
        #expect(try ran("a", prompt(7, 4) + first.suffix(14)) == (18, 0))
    }

    @Test("When pages run out the youngest gives way, and gets the same tokens in the end")
    func preemption() throws {
        var driver = CoreDriver(pages: 12, positions: 2, sequences: 4)
        for number in 0..<4 {
            try driver.submit(submission(prompt: prompt(number, 4), most: 18))
        }
        var wasParked: Set<Int> = []
        while driver.step() {
            for (id, sequence) in driver.scheduler.sequences where sequence.state == .parked {
                wasParked.insert(id.request)
            }
        }
        #expect(!wasParked.isEmpty && !wasParked.contains(0))
        finish(&driver)
    }

    @Test("Cancelling frees pages at once, also while a step runs")
    func cancelling() throws {
        var driver = CoreDriver(pages: 20, positions: 4)
        let first = try driver.submit(submission(prompt: prompt(0, 30), most: 5, choices: 2))
        let second = try driver.submit(submission(prompt: prompt(1, 10), most: 20))
        driver.step()
        driver.step { driver in
            driver.cancel(first)
            #expect(driver.scheduler.active.allSatisfy { $0.request == second })
            #expect(driver.scheduler.pool.availableCount >= 17)
        }
        #expect(driver.scheduler.cancel(first) == false)
        finish(&driver)
    }

    @Test("A step that is given up is planned again, without what was cancelled")
    func aborting() throws {
        var driver = CoreDriver(pages: 20, positions: 4)
        let first = try driver.submit(submission(prompt: prompt(0, 10), most: 20, choices: 2))
        let second = try driver.submit(submission(prompt: prompt(1, 10), most: 20, choices: 3))
        for _ in 0..<3 { driver.step() }
        driver.step(abort: true) { $0.cancel(first) }
        let rows = try #require(driver.steps.last).entries.filter { $0.sequence.request == second }
        driver.step()
        #expect(driver.steps.last?.entries.map(\.tokens) == rows.map(\.tokens))
        finish(&driver)
    }

    @Test("Keys and values of another type wait for those that run, and are not mixed with them")
    func types() throws {
        var driver = CoreDriver(pages: 20, positions: 4)
        try driver.submit(submission(prompt: prompt(0, 10), most: 12))
        try driver.submit(submission(prompt: prompt(0, 10), kv: .f32))
        try driver.submit(submission("b", prompt: prompt(1, 10)))
        finish(&driver)
        #expect(Set(driver.steps.map(\.pages)).count >= 2)
        for step in driver.steps {
            #expect(
                step.entries.allSatisfy { ($0.sequence.request == 1) == (step.pages.kv == .f32) })
        }
    }

    @Test("A sequence that could never fit is refused; one that just fits runs")
    func tooLarge() throws {
        var driver = CoreDriver(pages: 5, positions: 4)
        #expect(throws: EngineError.contextTooLarge(tokens: 22, limit: 20)) {
            try driver.submit(submission(prompt: prompt(0, 10), most: 12))
        }
        #expect(driver.scheduler.isEmpty)
        try driver.submit(submission(prompt: prompt(0, 10), most: 11, choices: 3))
        finish(&driver)
    }

    @Test("One entry that fails ends its request, not the others'")
    func failure() throws {
        var scheduler = CoreDriver(pages: 20).scheduler
        let first = try scheduler.submit(submission(prompt: prompt(0, 3)), now: 0).request
        _ = try scheduler.submit(submission(prompt: prompt(1, 3)), now: 0)
        let step = try #require(scheduler.plan(now: 0).step)
        #expect(step.entries.count == 2)
        let error = EngineError.notANumber(reason: "x")
        let effects = scheduler.complete(
            [.failed(error), .ran([SampledTokens(tokens: [5])])], seconds: 0.01)
        #expect(effects == [.ended(request: first, error)])
        #expect(scheduler.runningCount == 1 && scheduler.active.count == 1)
    }
}
