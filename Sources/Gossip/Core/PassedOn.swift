import Wire

/// How often claims were passed on that wait no longer, as far back as there is room.
struct PassedOn: Sendable {
    private struct Record {
        /// Of the claim's signature: one who made two claims that share it would harm its own.
        var mark: UInt64
        var count: UInt8
        /// Its place in ``order``, counted from the first one ever.
        var number: Int
    }

    private var records: [BroadcastQueue.Key: Record] = [:]
    /// Keys in the order in which they were noted first; the oldest go first.
    private var order: [BroadcastQueue.Key] = []
    private var head = 0
    private var dropped = 0

    /// How many are remembered.
    var count: Int { records.count }

    /// How often a claim was passed on: 0 of another than the last of its key.
    func count(of key: BroadcastQueue.Key, _ mark: UInt64) -> Int {
        guard !records.isEmpty, let record = records[key], record.mark == mark else { return 0 }
        return Int(record.count)
    }

    mutating func note(_ key: BroadcastQueue.Key, _ mark: UInt64, count: Int) {
        let count = UInt8(clamping: count)
        if let number = records[key]?.number {
            records[key] = Record(mark: mark, count: count, number: number)
            return
        }
        if order.count - head >= GossipLimits.broadcastsMax { dropOldest() }
        records[key] = Record(mark: mark, count: count, number: dropped + order.count)
        order.append(key)
    }

    /// Forgets what was said of a member, and by it.
    mutating func forget(_ slot: MemberTable.Slot) {
        guard !records.isEmpty else { return }
        records = records.filter { $0.key.subject != slot && $0.key.accuser != slot }
    }

    private mutating func dropOldest() {
        let key = order[head]
        // One that was forgotten and noted again has a later place.
        if records[key]?.number == dropped + head { records[key] = nil }
        head += 1
        guard 2 * head > order.count else { return }
        order.removeFirst(head)
        dropped += head
        head = 0
    }
}

extension Claim {
    /// Tells claims of one author apart.
    var mark: UInt64 {
        var mark: UInt64 = 0
        for byte in encoded.suffix(GossipLimits.signatureBytes) {
            mark = (mark &* 0x0000_0100_0000_01b3) ^ UInt64(byte)
        }
        return mark
    }
}
