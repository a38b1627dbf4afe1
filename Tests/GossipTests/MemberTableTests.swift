import Testing
import Wire

@testable import Gossip

@Suite struct MemberTableTests {
    private func member(_ number: UInt64) -> Member {
        Member(
            aliveClaim(number), signed(.alive(aliveClaim(number)), by: number), isCertified: true,
            versions: 1...1, at: .origin)
    }

    @Test func `it holds what a dictionary would, through growth and removals`() {
        for seed in 1...3 as ClosedRange<UInt64> {
            var random = TestRandom(seed: seed)
            var table = MemberTable()
            var model: [UInt64: MemberState] = [:]
            for _ in 0..<3000 {
                let number = UInt64.random(in: 1...150, using: &random)
                if let slot = table.slot(of: node(number)) {
                    #expect(table[slot].state == model[number])
                    if Bool.random(using: &random) {
                        table.remove(slot)
                        model[number] = nil
                    } else if let state = MemberState.allCases.randomElement(using: &random) {
                        table.change(slot) { $0.state = state }
                        model[number] = state
                    }
                } else {
                    #expect(model[number] == nil, "seed \(seed)")
                    _ = table.insert(member(number))
                    model[number] = .alive
                }
            }
            #expect(table.order.map { table.id($0) } == model.keys.sorted().map(node))
            let active = model.filter { $0.value <= .suspect }.keys.sorted().map(node)
            #expect(table[.active].map { table.id($0) }.sorted() == active)
            #expect(table[.dead].count == model.values.count { $0 == .dead })
            #expect(table[.left].count == model.values.count { $0 == .left })
            #expect(table.suspects.count == model.values.count { $0 == .suspect })
        }
    }

    @Test func `a core that begins with what another knows leaves itself out`() {
        var template = Bench(99)
        for number in 1...20 as ClosedRange<UInt64> { template.admit(number) }
        let core = GossipCore(
            local: aliveClaim(5), metadata: metadata(5), authority: ToyAuthority(node: node(5)),
            now: .origin, knowing: template.core)
        #expect(core.memberViews.map(\.id) == (1...20).filter { $0 != 5 }.map { node($0) })
        #expect(core.view(of: node(5)) == nil)
        #expect(template.core.memberViews.count == 20, "the other's knowledge is its own")
        #expect(core.nextDeadline > .origin || core.sizes.members == 19)
    }
}

@Suite struct BroadcastQueueTests {
    private func claim(_ number: UInt64) -> Claim { signed(.alive(aliveClaim(number)), by: number) }

    private func key(_ number: UInt32) -> BroadcastQueue.Key {
        BroadcastQueue.Key(kind: .alive, subject: number)
    }

    @Test func `what was passed on least often comes first, the urgent before it`() {
        var queue = BroadcastQueue()
        for number in 1...4 as ClosedRange<UInt32> {
            queue.add(claim(UInt64(number)), key(number), lane: .second, limit: 8)
        }
        let length = claim(1).encoded.count
        let first = queue.take(room: 2 * length, count: 16, limit: 3, receiver: nil)
        #expect(first == [claim(1).encoded, claim(2).encoded])
        queue.add(claim(9), key(9), lane: .first, limit: 8)
        let second = queue.take(room: 3 * length, count: 16, limit: 3, receiver: nil)
        #expect(second == [claim(9).encoded, claim(3).encoded, claim(4).encoded])
    }

    @Test func `each claim is passed on so many times and no more`() {
        var queue = BroadcastQueue()
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        queue.add(claim(2), key(2), lane: .idle, limit: 8)
        var counts = [0, 0]
        for _ in 0..<50 {
            for bytes in queue.take(room: 1000, count: 16, limit: 8, receiver: nil) {
                counts[bytes == claim(1).encoded ? 0 : 1] += 1
            }
        }
        #expect(counts == [8, 4])
        #expect(queue.count == 0 && !queue.isUrgent)
    }

    @Test func `nobody is told what it said itself, and it counts as told`() {
        var queue = BroadcastQueue()
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        for _ in 0..<3 {
            #expect(queue.take(room: 1000, count: 16, limit: 3, receiver: 1).isEmpty)
        }
        #expect(queue.count == 0)
    }

    @Test func `a newer claim replaces an older one, and the queue is bounded`() {
        var queue = BroadcastQueue()
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        let newer = signed(.alive(aliveClaim(1, incarnation: 1)), by: 1)
        queue.add(newer, key(1), lane: .second, limit: 8)
        #expect(queue.take(room: 1000, count: 16, limit: 3, receiver: nil) == [newer.encoded])
        var dropped = 0
        for number in 0..<UInt32(2 * GossipLimits.broadcastsMax)
        where !queue.add(newer, key(number), lane: .second, limit: 8) { dropped += 1 }
        #expect(queue.count <= GossipLimits.broadcastsMax)
        #expect(dropped >= GossipLimits.broadcastsMax)
    }

    /// Takes all there is, so often; returns how often each claim came.
    private func taken(_ queue: inout BroadcastQueue, times: Int, limit: Int = 8) -> Int {
        (0..<times).reduce(0) { count, _ in
            count + queue.take(room: 1000, count: 16, limit: limit, receiver: nil).count
        }
    }

    @Test func `a claim that is due again goes on where it was`() {
        var queue = BroadcastQueue()
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        #expect(taken(&queue, times: 3) == 3)
        queue.remove(key(1))
        #expect(taken(&queue, times: 3) == 0)
        queue.add(claim(1), key(1), lane: .first, limit: 8)
        // In place of itself it goes on too.
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        #expect(taken(&queue, times: 20) == 5)
        queue.add(claim(1), key(1), lane: .second, limit: 8)
        #expect(queue.count == 0, "it was passed on as often as it may be")
        queue.add(claim(1), key(1), lane: .second, limit: 12)
        #expect(taken(&queue, times: 20, limit: 12) == 4, "in a mesh that grew since")
        let newer = signed(.alive(aliveClaim(1, incarnation: 1)), by: 1)
        queue.add(newer, key(1), lane: .second, limit: 8)
        #expect(taken(&queue, times: 20) == 8, "other words are another claim")
    }

    @Test func `a claim that was dropped to make room goes on where it was`() {
        var queue = BroadcastQueue()
        queue.add(claim(1), key(1), lane: .idle, limit: 8)
        #expect(taken(&queue, times: 2) == 2)
        var isFull = false
        for number in 2..<UInt32(GossipLimits.broadcastsMax + 2) where !isFull {
            isFull = !queue.add(claim(2), key(number), lane: .second, limit: 8)
        }
        #expect(isFull)
        for number in 2..<UInt32(GossipLimits.broadcastsMax + 2) { queue.remove(key(number)) }
        #expect(taken(&queue, times: 20) == 0, "it was the least urgent")
        queue.add(claim(1), key(1), lane: .idle, limit: 8)
        #expect(taken(&queue, times: 20) == 2)
    }

    @Test func `what was said of a forgotten member, and by it, is news when it comes again`() {
        var queue = BroadcastQueue()
        let keys = [
            key(1), BroadcastQueue.Key(kind: .suspect, subject: 2, accuser: 1),
            BroadcastQueue.Key(kind: .suspect, subject: 1, accuser: 2),
            BroadcastQueue.Key(kind: .suspect, subject: 2, accuser: 3),
        ]
        for _ in 0..<2 {
            for key in keys { queue.add(claim(1), key, lane: .second, limit: 8) }
            _ = taken(&queue, times: 20)
            #expect(queue.count == 0)
        }
        queue.forget(1)
        for key in keys { queue.add(claim(1), key, lane: .second, limit: 8) }
        #expect(queue.count == 3)
    }

    @Test func `what was passed on is remembered within a bound, the oldest forgotten first`() {
        var past = PassedOn()
        let most = UInt32(GossipLimits.broadcastsMax)
        for number in 0..<3 * most {
            past.note(key(number), 7, count: 4)
            // One that is noted again keeps its place.
            past.note(key(number), 7, count: 5)
            #expect(past.count <= GossipLimits.broadcastsMax)
        }
        #expect(past.count(of: key(3 * most - 1), 7) == 5)
        #expect(past.count(of: key(2 * most), 7) == 5)
        #expect(past.count(of: key(2 * most - 1), 7) == 0)
        #expect(past.count(of: key(2 * most), 8) == 0, "of other words nothing is known")
        past.forget(2 * most)
        past.note(key(2 * most), 7, count: 1)
        past.note(key(5 * most), 7, count: 1)
        #expect(past.count(of: key(2 * most), 7) == 1, "noted anew, it is among the youngest")
    }

    @Test func `a claim that does not fit waits, and others go`() {
        var queue = BroadcastQueue()
        let small = signed(.leave(LeaveClaim(node: node(2), generation: 1)), by: 2)
        queue.add(claim(1), key(1), lane: .first, limit: 8)
        queue.add(small, BroadcastQueue.Key(kind: .leave, subject: 2), lane: .second, limit: 8)
        let room = small.encoded.count
        #expect(queue.take(room: room, count: 16, limit: 3, receiver: nil) == [small.encoded])
        #expect(queue.count == 2)
    }
}

@Suite struct RateBucketTests {
    @Test func `a bucket gives its burst at once and then one each period`() {
        let rate = RateBucket.Rate(every: .seconds(1), burst: 5)
        var limit = RateBucket()
        var now = MonotonicInstant.origin
        var taken = 0
        for _ in 0..<100 where limit.take(rate, at: now) { taken += 1 }
        #expect(taken == 5)
        for _ in 0..<30 {
            now = now + .milliseconds(500)
            if limit.take(rate, at: now) { taken += 1 }
        }
        #expect(taken == 20)
        limit.charge(rate, 1000, at: now)
        #expect(!limit.hasRoom(rate, at: now))
        #expect(limit.hasRoom(rate, at: now + .seconds(1)))
    }
}
