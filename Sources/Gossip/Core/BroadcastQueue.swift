import Wire

/// Claims waiting to be passed on, each a bounded number of times: those passed on least often
/// first (SWIM, section 4.1), in three lanes.
///
/// The bound is each claim's own, not that of its stay here: one that is taken out, or dropped to make
/// room, and is due again goes on where it was. An accusation that its accuser withdrew and made
/// again, in the same words, is such a one.
///
/// Taking and adding cost the same however many wait: each lane has one queue for each number of
/// times sent, and a replaced claim stays in its queue as a shell that is dropped when it comes up.
struct BroadcastQueue: Sendable {
    /// What a claim is about; a newer one replaces an older of the same key.
    struct Key: Hashable {
        var kind: ClaimKind
        var subject: MemberTable.Slot
        var accuser: MemberTable.Slot = .max
    }

    /// How urgent.
    enum Lane: Int, CaseIterable {
        /// Refutations and farewells: they keep the living, and spare probes of the gone.
        case first
        /// Who is here, and who is suspected.
        case second
        /// What members do. It waits for packets that are sent for another reason.
        case idle
    }

    private struct Entry {
        var key: Key
        var bytes: [UInt8]
        var mark: UInt64
        var lane: Lane
        var sent: Int
        /// Times that it was sent to one of several receivers who count as one; see ``take``.
        var parts = 0
        /// Whether it still is what is to be said; else it is dropped when it comes up.
        var isWanted = true
    }

    private struct Fifo {
        var entries: [UInt32] = []
        var head = 0

        var count: Int { entries.count - head }

        mutating func removeFirst() -> UInt32 {
            let entry = entries[head]
            head += 1
            if head == entries.count {
                entries.removeAll(keepingCapacity: true)
                head = 0
            }
            return entry
        }

        mutating func append(_ entry: UInt32) {
            if head > 32, 2 * head > entries.count {
                entries.removeFirst(head)
                head = 0
            }
            entries.append(entry)
        }
    }

    /// Entries by number, and the numbers that are free.
    private var entries: [Entry] = []
    private var free: [UInt32] = []
    /// By lane, then by times sent.
    private var queues: [[Fifo]] = Array(repeating: [], count: Lane.allCases.count)
    private var waiting: [Key: UInt32] = [:]
    private var counts = [0, 0, 0]
    private var past = PassedOn()

    /// How many wait.
    var count: Int { waiting.count }

    /// Whether anything waits that is worth a packet.
    var isUrgent: Bool { counts[0] + counts[1] > 0 }

    /// Adds a claim, in place of an older one of its key, unless it was passed on as often as it may
    /// be. False when something else was dropped to make room.
    ///
    /// - Parameter limit: How often each claim is passed on.
    @discardableResult
    mutating func add(_ claim: Claim, _ key: Key, lane: Lane, limit: Int) -> Bool {
        remove(key)
        let mark = claim.mark
        let sent = past.count(of: key, mark)
        guard sent < Self.bound(limit, lane) else { return true }
        // Shells count: their number is bounded with that of all.
        let hadRoom = entries.count - free.count < GossipLimits.broadcastsMax
        if !hadRoom { dropOne() }
        let entry = Entry(key: key, bytes: claim.encoded, mark: mark, lane: lane, sent: sent)
        let number: UInt32
        if let last = free.popLast() {
            number = last
            entries[Int(number)] = entry
        } else {
            number = UInt32(entries.count)
            entries.append(entry)
        }
        waiting[key] = number
        counts[lane.rawValue] += 1
        put(number, lane, sent: sent)
        return hadRoom
    }

    /// What no packet is sent for is not worth as much: exchanges make good what is missed.
    private static func bound(_ limit: Int, _ lane: Lane) -> Int {
        lane == .idle ? (limit + 1) / 2 : limit
    }

    /// What was said of a member that is forgotten, and by it, is news if it comes again.
    mutating func forget(_ slot: MemberTable.Slot) { past.forget(slot) }

    mutating func remove(_ key: Key) {
        guard !waiting.isEmpty, let number = waiting.removeValue(forKey: key) else { return }
        let entry = entries[Int(number)]
        // A part is rounded up: who has a claim withdrawn and made again gains nothing by it.
        let sent = entry.sent + (entry.parts > 0 ? 1 : 0)
        if sent > 0 { past.note(key, entry.mark, count: sent) }
        counts[entries[Int(number)].lane.rawValue] -= 1
        entries[Int(number)].isWanted = false
        entries[Int(number)].bytes = []
    }

    /// The claims passed on least often, as many as fit, but none about `receiver`, who knows better.
    /// Each is counted as passed on once more, and dropped after the last time.
    ///
    /// - Parameters:
    ///   - room: Bytes for claims.
    ///   - count: The most claims.
    ///   - limit: How often each is passed on.
    ///   - share: How many receivers such as this one count as one.
    mutating func take(
        room: Int, count: Int, limit: Int, receiver: MemberTable.Slot?, share: Int = 1
    ) -> [[UInt8]] {
        guard !waiting.isEmpty else { return [] }
        var taken: [[UInt8]] = []
        var room = room
        var misfits = 0
        var again: [(number: UInt32, lane: Lane, sent: Int)] = []
        lanes: for lane in Lane.allCases where counts[lane.rawValue] > 0 {
            for sent in queues[lane.rawValue].indices {
                var looks = queues[lane.rawValue][sent].count
                while looks > 0 {
                    guard taken.count < count, room >= GossipLimits.claimBytesMin,
                        misfits < GossipLimits.broadcastMisfitsMax
                    else { break lanes }
                    looks -= 1
                    let number = queues[lane.rawValue][sent].removeFirst()
                    guard entries[Int(number)].isWanted else {
                        free.append(number)
                        continue
                    }
                    let key = entries[Int(number)].key
                    // The mesh may have shrunk since.
                    guard sent < Self.bound(limit, lane) else {
                        remove(key)
                        free.append(number)
                        continue
                    }
                    // What the receiver said itself counts as told.
                    if key.subject != receiver || key.kind == .suspect {
                        let length = entries[Int(number)].bytes.count
                        guard length <= room else {
                            misfits += 1
                            again.append((number, lane, sent))
                            continue
                        }
                        room -= length
                        taken.append(entries[Int(number)].bytes)
                    }
                    if share > 1 {
                        entries[Int(number)].parts += 1
                        guard entries[Int(number)].parts >= share else {
                            again.append((number, lane, sent))
                            continue
                        }
                        entries[Int(number)].parts = 0
                    }
                    entries[Int(number)].sent += 1
                    if sent + 1 < Self.bound(limit, lane) {
                        again.append((number, lane, sent + 1))
                    } else {
                        remove(key)
                        free.append(number)
                    }
                }
            }
        }
        for (number, lane, sent) in again { put(number, lane, sent: sent) }
        return taken
    }

    private mutating func put(_ number: UInt32, _ lane: Lane, sent: Int) {
        while queues[lane.rawValue].count <= sent { queues[lane.rawValue].append(Fifo()) }
        queues[lane.rawValue][sent].append(number)
    }

    /// Makes room: a shell goes, or the least urgent of what was passed on most often.
    private mutating func dropOne() {
        for lane in Lane.allCases.reversed() {
            for sent in queues[lane.rawValue].indices.reversed()
            where queues[lane.rawValue][sent].count > 0 {
                let number = queues[lane.rawValue][sent].removeFirst()
                if entries[Int(number)].isWanted { remove(entries[Int(number)].key) }
                free.append(number)
                return
            }
        }
    }
}
