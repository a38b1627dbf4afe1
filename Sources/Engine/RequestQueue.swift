/// Which request runs next: first come, first served, with a bound. Pure.
struct RequestQueue<Job: AnyObject> {
    private var waiting: [Job] = []
    let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { waiting.count }

    /// Puts a job last. Throws where too many wait; then nothing has changed.
    mutating func append(_ job: Job) throws(EngineError) {
        guard waiting.count < limit else { throw .queueFull(limit: limit) }
        waiting.append(job)
    }

    /// Takes the job that waited longest.
    mutating func next() -> Job? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Takes out a job that waits; false where it doesn't.
    mutating func remove(_ job: Job) -> Bool {
        guard let index = waiting.firstIndex(where: { $0 === job }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Takes out all jobs.
    mutating func removeAll() -> [Job] {
        defer { waiting = [] }
        return waiting
    }
}

extension RequestQueue: Sendable where Job: Sendable {}
