/// What the next step runs.
extension Scheduler {
    /// What to tell readers, and the step to run next; no step where there is nothing to run.
    ///
    /// Until the step is completed or aborted no other is planned. Its copies are made in any case,
    /// before it runs.
    mutating func plan(now: Double) -> (effects: [SchedulerEffect], step: Step?) {
        precondition(underway == nil, "a step is under way")
        let effects = expire(now: now)
        admit(mayPark: true)
        guard let pages else { return (effects, nil) }
        var step = Step(pages: pages)
        planDecoding(&step)
        planPrompts(&step)
        guard !step.entries.isEmpty else { return (effects, nil) }
        underway = step
        return (effects, step)
    }

    /// Every sequence that only its last token is to be run of.
    private mutating func planDecoding(_ step: inout Step) {
        let order = active.sorted(by: outranks)
        let decoding = order.filter { isDecoding($0) }
        for id in decoding {
            // One that came before may have taken its pages.
            guard let sequence = sequences[id], sequence.state == .active,
                let request = requests[id.request]
            else { continue }
            let made = sequence.tokens.count - request.promptCount
            let drafts = draftTokens(
                of: id, beside: decoding.count, step: step,
                limit: request.answerTokensMax - made - 1)
            guard makeWritable(id, count: 1, step: &step) else { continue }
            let guesses = addDraftPages(id, drafts)
            guard let sequence = sequences[id] else { continue }
            let end = sequence.tokens.count + guesses.count
            step.entries.append(
                Step.Entry(
                    sequence: id, tokens: sequence.tokens.suffix(1) + guesses,
                    start: sequence.computed,
                    pages: Array(sequence.pages.prefix(pool.pages(for: end))),
                    rows: guesses.isEmpty ? .last : .all, sampled: [id],
                    draftCount: guesses.count))
        }
    }

    /// Whether only a sequence's last token is to be run. The last token of a prompt that others
    /// wait for is not decoded: they are sampled with it.
    private func isDecoding(_ id: SequenceID) -> Bool {
        guard let request = requests[id.request] else { return false }
        return sequences[id]?.pending == 1 && (request.isForked || request.leader != id.choice)
    }

    /// Guesses for what follows, where trying them is worth it.
    private mutating func draftTokens(
        of id: SequenceID, beside count: Int, step: Step, limit: Int
    ) -> [Int32] {
        let room = min(limit, SchedulerLimits.draftRowsMax - step.draftRows)
        guard room > 0, speculation.mode != .off, var sequence = sequences[id] else { return [] }
        let length = speculation.draftLength(
            &sequence.speculation, sequences: max(count, 1), limit: room)
        sequences[id]?.speculation = sequence.speculation
        guard length > 0 else { return [] }
        return NGramDrafter.draft(after: sequence.tokens, count: length)
    }

    /// As many guesses as there is room for without taking pages from anyone's reserve.
    private mutating func addDraftPages(_ id: SequenceID, _ drafts: [Int32]) -> [Int32] {
        guard !drafts.isEmpty, var sequence = sequences[id] else { return [] }
        let size = configuration.pagePositions
        let wanted = pool.pages(for: sequence.tokens.count + drafts.count)
        while sequence.pages.count < wanted, pool.availableCount > configuration.sequencesMax,
            let page = pool.allocate()
        {
            sequence.pages.append(page)
        }
        sequences[id] = sequence
        return Array(drafts.prefix(sequence.pages.count * size - sequence.tokens.count))
    }

    /// Pieces of prompts, and of answers to be computed anew, within the step's budget.
    private mutating func planPrompts(_ step: inout Step) {
        let waiting = active.filter { !isDecoding($0) }
        guard !waiting.isEmpty else { return }
        var left = budget.promptTokens(
            decodeRows: step.rowCount, isAlone: requests.count == 1 && reservedCount == 0)
        for id in waiting.sorted(by: isServedBefore) {
            guard left > 0 else { return }
            guard let sequence = sequences[id], sequence.state == .active,
                let request = requests[id.request]
            else { continue }
            var count = min(sequence.pending, left)
            let hasFollowers = !request.isForked && request.leader == id.choice
            if hasFollowers {
                count = min(count, request.promptCount - sequence.computed)
            }
            guard makeWritable(id, count: count, step: &step), let sequence = sequences[id] else {
                continue
            }
            let end = sequence.computed + count
            var sampled = end == sequence.tokens.count ? [id] : []
            if hasFollowers, end == request.promptCount {
                sampled += followers(of: id).filter {
                    sequences[$0]?.tokens.count == request.promptCount
                }
            }
            step.entries.append(
                Step.Entry(
                    sequence: id, tokens: Array(sequence.tokens[sequence.computed..<end]),
                    start: sequence.computed,
                    pages: Array(sequence.pages.prefix(pool.pages(for: end))),
                    rows: sampled.isEmpty ? .none : .last, sampled: sampled))
            left -= count
        }
    }

    /// The other choices of a leader's request, in order.
    func followers(of id: SequenceID) -> [SequenceID] {
        (requests[id.request]?.open ?? []).filter { $0 != id.choice }.map {
            SequenceID(request: id.request, choice: $0)
        }
    }

    /// Whose prompt goes on first: the higher priority, the caller served less, the older.
    private func isServedBefore(_ left: SequenceID, _ right: SequenceID) -> Bool {
        guard let first = requests[left.request], let second = requests[right.request] else {
            return left < right
        }
        if first.priority != second.priority { return first.priority > second.priority }
        let (mine, other) = (fair.served(first.caller), fair.served(second.caller))
        return mine != other ? mine < other : left < right
    }

    /// Sees to it that the next `count` positions of a sequence are in pages of its own. Takes
    /// them, where there are none, from those who rank below it and are not in the step yet; false,
    /// and the sequence may have been parked itself, where that is not enough.
    private mutating func makeWritable(_ id: SequenceID, count: Int, step: inout Step) -> Bool {
        guard let first = sequences[id].map({ $0.computed / configuration.pagePositions }) else {
            return false
        }
        // Only the page that is written next can be shared: a prompt's last, by several choices.
        // Whoever gives way may have been the other one to use it.
        while let shared = sequences[id]?.pages[safe: first], pool.references(to: shared) > 1 {
            guard let page = pool.allocate() else {
                guard parkOne(for: id, step: step) else { return false }
                continue
            }
            sequences[id]?.pages[first] = page
            step.copies.append((shared, page))
            pool.release([shared])
        }
        while let sequence = sequences[id], sequence.state == .active,
            sequence.pages.count < pool.pages(for: sequence.computed + count)
        {
            guard let page = pool.allocate() else {
                guard parkOne(for: id, step: step) else { return false }
                continue
            }
            sequences[id]?.pages.append(page)
        }
        return true
    }

    /// Takes the pages of whoever ranks lowest and is not in the step; false where there is no one,
    /// or it was `id` itself.
    private mutating func parkOne(for id: SequenceID, step: Step) -> Bool {
        let planned = Set(step.entries.map(\.sequence))
        let candidates = active.filter { !planned.contains($0) }
        guard let victim = candidates.max(by: outranks) else { return false }
        park(victim)
        return victim != id
    }
}

extension Array {
    /// The element at `index`, if there is one.
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
