import Wire

/// Claims waiting to be passed on, each a bounded number of times: those passed on least often
/// first (SWIM, section 4.1), in three lanes.
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
        var serial: UInt32
    }

    private struct Fifo {
        var entries: [Entry] = []
        var head = 0

        var count: Int { entries.count - head }

        mutating func removeFirst() -> Entry {
            let entry = entries[head]
            head += 1
            if head == entries.count {
                entries.removeAll(keepingCapacity: true)
                head = 0
            }
            return entry
        }

        mutating func append(_ entry: Entry) {
            if head > 32, 2 * head > entries.count {
                entries.removeFirst(head)
                head = 0
            }
            entries.append(entry)
        }
    }

    private struct Waiting {
        var serial: UInt32
        var lane: Lane
    }

    /// By lane, then by times sent.
    private var queues: [[Fifo]] = Array(repeating: [], count: Lane.allCases.count)
    private var waiting: [Key: Waiting] = [:]
    private var counts = [0, 0, 0]
    private var shells = 0
    private var serial: UInt32 = 0

    /// How many wait.
    var count: Int { waiting.count }

    /// Whether anything waits that is worth a packet.
    var isUrgent: Bool { counts[0] + counts[1] > 0 }

    /// Adds a claim, in place of an older one of its key. False when something else was dropped
    /// to make room.
    @discardableResult
    mutating func add(_ claim: Claim, _ key: Key, lane: Lane) -> Bool {
        remove(key)
        var hadRoom = true
        if waiting.count >= GossipLimits.broadcastsMax {
            hadRoom = false
            dropOne()
        }
        serial &+= 1
        waiting[key] = Waiting(serial: serial, lane: lane)
        counts[lane.rawValue] += 1
        put(Entry(key: key, bytes: claim.encoded, serial: serial), lane, sent: 0)
        return hadRoom
    }

    mutating func remove(_ key: Key) {
        guard let old = waiting.removeValue(forKey: key) else { return }
        counts[old.lane.rawValue] -= 1
        shells += 1
        if shells > waiting.count + 64 { sweep() }
    }

    /// The claims passed on least often, as many as fit, but none about `receiver`, who knows better.
    /// Each is counted as passed on once more, and dropped after the last time.
    ///
    /// - Parameters:
    ///   - room: Bytes for claims.
    ///   - count: The most claims.
    ///   - limit: How often each is passed on.
    mutating func take(
        room: Int, count: Int, limit: Int, receiver: MemberTable.Slot?
    ) -> [[UInt8]] {
        guard !waiting.isEmpty else { return [] }
        var taken: [[UInt8]] = []
        var room = room
        var again: [(entry: Entry, lane: Lane, sent: Int)] = []
        for lane in Lane.allCases where counts[lane.rawValue] > 0 {
            for sent in queues[lane.rawValue].indices {
                var looks = min(
                    queues[lane.rawValue][sent].count, GossipLimits.broadcastLooksMax)
                while looks > 0, taken.count < count, room > Claim.envelopeBytes {
                    looks -= 1
                    let entry = queues[lane.rawValue][sent].removeFirst()
                    guard waiting[entry.key]?.serial == entry.serial else {
                        shells -= 1
                        continue
                    }
                    // What the receiver said itself counts as told.
                    let isOwn = entry.key.subject == receiver && entry.key.kind != .suspect
                    if !isOwn {
                        guard entry.bytes.count <= room else {
                            again.append((entry, lane, sent))
                            continue
                        }
                        room -= entry.bytes.count
                        taken.append(entry.bytes)
                    }
                    if sent + 1 < limit {
                        again.append((entry, lane, sent + 1))
                    } else {
                        waiting[entry.key] = nil
                        counts[lane.rawValue] -= 1
                    }
                }
            }
        }
        for (entry, lane, sent) in again { put(entry, lane, sent: sent) }
        return taken
    }

    private mutating func put(_ entry: Entry, _ lane: Lane, sent: Int) {
        while queues[lane.rawValue].count <= sent { queues[lane.rawValue].append(Fifo()) }
        queues[lane.rawValue][sent].append(entry)
    }

    /// Makes room: the least urgent of what was passed on most often goes.
    private mutating func dropOne() {
        for lane in Lane.allCases.reversed() where counts[lane.rawValue] > 0 {
            for sent in queues[lane.rawValue].indices.reversed() {
                while queues[lane.rawValue][sent].count > 0 {
                    let entry = queues[lane.rawValue][sent].removeFirst()
                    guard waiting[entry.key]?.serial == entry.serial else {
                        shells -= 1
                        continue
                    }
                    waiting[entry.key] = nil
                    counts[lane.rawValue] -= 1
                    return
                }
            }
        }
    }

    private mutating func sweep() {
        for lane in Lane.allCases {
            for sent in queues[lane.rawValue].indices {
                let old = queues[lane.rawValue][sent]
                var new = Fifo()
                for entry in old.entries[old.head...]
                where waiting[entry.key]?.serial == entry.serial { new.append(entry) }
                queues[lane.rawValue][sent] = new
            }
        }
        shells = 0
    }
}
