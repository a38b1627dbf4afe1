internal import Wire

/// Connections that wait at the door, at most so many. When one more comes, one goes: of a few
/// drawn at random, the one whose source has the most waiting. A crowd from one source so makes
/// place for others, and among equals nobody can say who goes.
struct WaitingRoom<State: Sendable>: Sendable {
    struct Entry: Sendable {
        let connection: UInt64
        let source: AdmissionSource
        let arrivedAt: MonotonicInstant
        var state: State
    }

    private let capacity: Int
    private var entries: [Entry] = []
    private var slots: [UInt64: Int] = [:]
    private var perSource: [AdmissionSource: Int] = [:]

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    subscript(connection: UInt64) -> Entry? { slots[connection].map { entries[$0] } }

    /// Changes what is known of a connection that waits, in place.
    mutating func update(_ connection: UInt64, _ body: (inout State) -> Void) {
        guard let slot = slots[connection] else { return }
        body(&entries[slot].state)
    }

    /// Takes a connection in, and returns the one that goes for it.
    mutating func insert(_ entry: Entry, using random: inout CrowdGenerator) -> UInt64? {
        let evicted = entries.count >= capacity ? crowded(using: &random) : nil
        if let evicted { _ = remove(evicted) }
        slots[entry.connection] = entries.count
        entries.append(entry)
        perSource[entry.source, default: 0] += 1
        return evicted
    }

    private func crowded(using random: inout CrowdGenerator) -> UInt64? {
        var worst: Entry?
        var most = 0
        for _ in 0..<AdmissionLimits.crowdSample {
            let entry = entries[Int(random.next() % UInt64(entries.count))]
            let crowd = perSource[entry.source] ?? 0
            if crowd > most { (worst, most) = (entry, crowd) }
        }
        return worst?.connection
    }

    mutating func remove(_ connection: UInt64) -> Entry? {
        guard let slot = slots.removeValue(forKey: connection) else { return nil }
        let entry = entries[slot]
        let last = entries.removeLast()
        if slot < entries.count {
            entries[slot] = last
            slots[last.connection] = slot
        }
        let left = (perSource[entry.source] ?? 1) - 1
        perSource[entry.source] = left > 0 ? left : nil
        return entry
    }

    /// Those that came at `instant` or before.
    func arrived(by instant: MonotonicInstant) -> [UInt64] {
        entries.filter { $0.arrivedAt <= instant }.map(\.connection)
    }
}

/// Draws who is looked at in a crowd: SplitMix64 (Steele, Lea, Flood 2014), from a secret seed.
struct CrowdGenerator: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
