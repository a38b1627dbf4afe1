/// Which sequences hold pages.
extension Scheduler {
    /// Gives pages to those who wait for them, who goes first first, until one does not fit.
    ///
    /// - Parameter mayPark: others may have to give way; only while no step is under way.
    mutating func admit(mayPark: Bool) {
        while let next = nextToAdmit() {
            if place(next) { continue }
            guard mayPark, makeRoom(for: next), place(next) else { return }
        }
    }

    /// Whether `left` goes before `right` when both wait for pages.
    private func waitsBefore(_ left: SequenceID, _ right: SequenceID) -> Bool {
        guard let first = requests[left.request], let second = requests[right.request] else {
            return left < right
        }
        if first.priority != second.priority { return first.priority > second.priority }
        let (mine, other) = (fair.served(first.caller), fair.served(second.caller))
        return mine != other ? mine < other : left < right
    }

    private func nextToAdmit() -> SequenceID? {
        var best: SequenceID?
        for (id, sequence) in sequences {
            guard let request = requests[id.request] else { continue }
            let waits =
                switch sequence.state {
                case .active: false
                case .parked: true
                // A follower is waited for by its leader's prompt, not by pages.
                case .waiting: !request.isStarted && id.choice == request.leader
                }
            guard waits else { continue }
            if let present = best, !waitsBefore(id, present) { continue }
            best = id
        }
        return best
    }

    /// Pages to be left for those who run: one each, so that they can go on for a while, and one
    /// for each choice that is to follow.
    private func reserve(beside count: Int, for id: SequenceID) -> Int {
        guard count > 0, let request = requests[id.request] else { return 0 }
        return count + (request.isForked ? 0 : request.open.count - 1)
    }

    /// Makes a sequence active, with pages for all its tokens; false where they don't suffice.
    private mutating func place(_ id: SequenceID) -> Bool {
        guard var sequence = sequences[id], var request = requests[id.request] else { return false }
        let running = active.count
        guard running < configuration.sequencesMax else { return false }
        if pages?.kv != request.kv {
            guard running == 0 else { return false }
            let count = configuration.pageCounts[request.kv] ?? 0
            let generation = (pages?.generation ?? 0) + 1
            pages = Step.Pages(kv: request.kv, count: count, generation: generation)
            pool = PagePool(pageCount: count, positions: configuration.pagePositions)
        }
        // At least one token is run, for its logits; and where others wait for the prompt's end,
        // the last token of the prompt, for theirs.
        let reusable =
            request.isForked || request.leader != id.choice
            ? sequence.tokens.count - 1 : request.promptCount - 1
        var link = PageLink.scope(request.caller)
        var found: [Int32] = []
        let size = configuration.pagePositions
        while (found.count + 1) * size <= reusable,
            let (page, next) = pool.take(
                after: link, tokens: sequence.tokens[found.count * size..<(found.count + 1) * size])
        {
            found.append(page)
            link = next
        }
        let needed = pool.pages(for: sequence.tokens.count) - found.count
        guard needed + reserve(beside: running, for: id) <= pool.availableCount else {
            pool.release(found)
            return false
        }
        sequence.pages = found
        for _ in 0..<needed {
            guard let page = pool.allocate() else { break }
            sequence.pages.append(page)
        }
        sequence.computed = found.count * size
        sequence.registered = found.count
        sequence.link = link
        if !request.isStarted {
            request.isStarted = true
            request.cachedPromptTokens = min(sequence.computed, request.promptCount)
            sequence.charged = sequence.computed
        }
        sequence.state = .active
        sequences[id] = sequence
        requests[id.request] = request
        return true
    }

    /// Takes pages from those who must give way to `id`, if that is enough for it.
    private mutating func makeRoom(for id: SequenceID) -> Bool {
        guard let request = requests[id.request], let sequence = sequences[id],
            pages?.kv == request.kv
        else { return false }
        var victims: [SequenceID] = []
        var gained = 0
        var running = runningRequests()
        let needed = pool.pages(for: sequence.tokens.count)
        for candidate in active.sorted(by: { outranks($1, $0) }) {
            let left = active.count - victims.count
            if left < configuration.sequencesMax,
                needed + reserve(beside: left, for: id) <= pool.availableCount + gained
            {
                break
            }
            guard candidate.request != id.request, let other = requests[candidate.request] else {
                continue
            }
            let mine = running[request.caller]?.count ?? 0
            let theirs = running[other.caller]?.count ?? 0
            guard
                other.priority < request.priority
                    || (other.priority == request.priority && other.caller != request.caller
                        && theirs >= mine + SchedulerLimits.giveWayRequests)
            else { continue }
            victims.append(candidate)
            gained += sequences[candidate]?.pages.count { pool.references(to: $0) == 1 } ?? 0
            if !active.contains(where: {
                $0.request == candidate.request && !victims.contains($0)
            }) {
                running[other.caller]?.remove(candidate.request)
            }
        }
        let left = active.count - victims.count
        guard left < configuration.sequencesMax,
            needed + reserve(beside: left, for: id) <= pool.availableCount + gained
        else { return false }
        for victim in victims { park(victim) }
        return true
    }

    /// Each caller's requests that hold pages.
    private func runningRequests() -> [String: Set<Int>] {
        var result: [String: Set<Int>] = [:]
        for id in active {
            guard let caller = requests[id.request]?.caller else { continue }
            result[caller, default: []].insert(id.request)
        }
        return result
    }

    /// Whether `left` keeps its pages rather than `right`: the higher priority, then the older.
    func outranks(_ left: SequenceID, _ right: SequenceID) -> Bool {
        let first = requests[left.request]?.priority ?? 0
        let second = requests[right.request]?.priority ?? 0
        return first != second ? first > second : left < right
    }

    /// Takes a sequence's pages; its tokens stay.
    mutating func park(_ id: SequenceID) {
        guard var sequence = sequences[id], sequence.state == .active else { return }
        pool.release(sequence.pages)
        sequence.pages = []
        sequence.computed = 0
        sequence.registered = 0
        sequence.link = .scope(requests[id.request]?.caller ?? "")
        sequence.state = .parked
        sequences[id] = sequence
    }
}
