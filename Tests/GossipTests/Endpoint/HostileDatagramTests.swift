import Testing
import Wire

@testable import Gossip

/// What strangers can do to an endpoint: nothing.
@Suite struct HostileDatagramTests {
    private let stranger = address(200)

    /// A datagram made up from what was seen on the wire.
    private func madeUp(
        from record: [Wires.Sent], using random: inout TestRandom
    ) -> [UInt8] {
        guard let seen = record.randomElement(using: &random)?.bytes,
            let other = record.randomElement(using: &random)?.bytes
        else { return [] }
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            let count = Int.random(in: 0...1400, using: &random)
            return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 1: return Array(seen.prefix(Int.random(in: 0..<seen.count, using: &random)))
        case 2:
            let more = Int.random(in: 1...100, using: &random)
            return seen + [UInt8](repeating: 7, count: more)
        case 3:
            // One header and another's content.
            return Array(seen.prefix(DatagramLimits.headerBytes))
                + Array(other.dropFirst(DatagramLimits.headerBytes))
        case 4:
            // A later number.
            var bytes = seen
            bytes[34] = UInt8.random(in: 0...255, using: &random)
            return bytes
        case 5:
            // A later start.
            var bytes = seen
            bytes[18] = UInt8.random(in: 0...255, using: &random)
            return bytes
        default:
            var bytes = seen
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            return bytes
        }
    }

    @Test func madeUpDatagramsChangeNothing() {
        var wires = mesh(3, running: .seconds(30))
        let record = wires.record
        for seed in 0..<6000 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            let target = UInt64.random(in: 1...3, using: &random)
            let datagram = madeUp(from: record, using: &random)
            // One that is just as it was is a replay; there is another test of those.
            guard !record.contains(where: { $0.bytes == datagram }) else { continue }
            let before = wires.holdings(target)
            let deadline = wires.endpoints[target]?.nextDeadline
            let next = wires.randoms[target]
            wires.record = []
            wires.deliver(datagram, to: target, from: stranger)
            let after = wires.holdings(target)
            #expect(after.views == before.views, "seed \(seed)")
            #expect(after.sizes?.sessions == before.sizes?.sessions, "seed \(seed)")
            #expect(after.sizes?.gossip == before.sizes?.gossip, "seed \(seed)")
            #expect(after.sizes?.addresses == before.sizes?.addresses, "seed \(seed)")
            #expect(wires.endpoints[target]?.nextDeadline == deadline, "seed \(seed)")
            #expect(wires.randoms[target] == next, "seed \(seed): it drew no number")
            // What goes back goes to where it came from, and is no more.
            #expect(wires.record.allSatisfy { $0.to == stranger }, "seed \(seed)")
            let answered = wires.record.reduce(0) { $0 + $1.bytes.count }
            #expect(answered <= datagram.count, "seed \(seed)")
            wires.now = wires.now + .microseconds(100)
        }
        wires.events = [:]
        wires.run(.seconds(60))
        #expect(wires.events.values.allSatisfy { !$0.contains { $0.event == .suspected } })
    }

    @Test func aWholeConversationPlayedBackChangesNothing() {
        var wires = mesh(3, running: .seconds(30))
        let record = wires.record
        wires.record = []
        for sent in record {
            guard let target = wires.addresses[sent.to] else { continue }
            let before = wires.holdings(target)
            let deadline = wires.endpoints[target]?.nextDeadline
            wires.deliver(sent.bytes, to: target, from: stranger)
            let after = wires.holdings(target)
            #expect(after.views == before.views && after.sizes?.gossip == before.sizes?.gossip)
            #expect(after.sizes?.sessions == before.sizes?.sessions)
            #expect(wires.endpoints[target]?.nextDeadline == deadline)
        }
        let hellos = record.filter { $0.bytes[1] == DatagramKind.hello.rawValue }
        #expect(wires.record.count <= hellos.count)
        #expect(wires.record.allSatisfy { $0.to == stranger })
    }

    @Test func recordingsOfEarlierStartsChangeNothing() {
        var wires = mesh(2, running: .seconds(10))
        var record = wires.record
        for generation in 2...4 as ClosedRange<UInt64> {
            for number in [1, 2] as [UInt64] { wires.start(number, generation: generation) }
            wires.introduce()
            wires.run(.seconds(10))
            for sent in record {
                guard let target = wires.addresses[sent.to] else { continue }
                let before = wires.holdings(target)
                wires.deliver(sent.bytes, to: target, from: sent.from)
                #expect(wires.holdings(target).views == before.views)
                #expect(wires.holdings(target).sizes?.gossip == before.sizes?.gossip)
                #expect(wires.holdings(target).sizes?.sessions == before.sizes?.sessions)
            }
            record = wires.record
            wires.events = [:]
            wires.run(.seconds(30))
            #expect(wires.events.values.allSatisfy { !$0.contains { $0.event == .suspected } })
        }
    }

    @Test func whatAMembersDatagramsCallForthIsNotTurnedOnWhomItNames() {
        var wires = mesh(2)
        // 2 claims to be where somebody else is.
        guard var claim = wires.endpoints[2]?.core.local else { return }
        claim.addresses = [stranger]
        wires.give(2, .identity(claim))
        wires.run(.seconds(3))
        #expect(wires.endpoints[1]?.core.view(of: node(2))?.alive.addresses == [stranger])
        wires.now = wires.now + .seconds(5)
        wires.record = []
        for step in 0..<100 as Range<UInt32> {
            wires.send(
                GossipPacket.encode(.ping(sequence: step), claims: []), from: 2, to: 1)
            wires.now = wires.now + .milliseconds(10)
        }
        #expect(wires.record.count { $0.to == address(2) } == 100, "an ack to each")
        #expect(wires.record.count { $0.to == stranger } <= 10, "a few, whatever it sends")
        // Nor does a hello send anything elsewhere than back.
        wires.hidesBoots = true
        wires.start(2, generation: 2)
        wires.tell(2, of: 1)
        wires.record = []
        wires.send(GossipPacket.encode(.ping(sequence: 1), claims: []), from: 2, to: 1)
        guard let hello = wires.record.first else { return }
        wires.record = []
        wires.deliver(hello.bytes, to: 1, from: address(201))
        #expect(wires.record.map(\.to) == [address(201)])
    }

    @Test func aMemberWhoseSourcesAreForgedDrawsLittleMoreThanItSends() {
        var wires = mesh(2)
        // There is much to say, and acks carry it.
        for number in 100..<170 as Range<UInt64> {
            wires.give(1, .certified(node(number), tag(number)))
            let claim = signed(.alive(aliveClaim(number)), by: number).encoded
            let packet = GossipPacket.encode(.none, claims: [claim])
            wires.give(1, .packet(packet, from: node(2), path: .link))
        }
        wires.record = []
        var sent = 0
        let forger = stranger
        wires.meddler = { sent in
            // What 2 sends seems to come from elsewhere.
            guard sent.to == address(1) else { return [] }
            return [Wires.Sent(bytes: sent.bytes, from: forger, to: sent.to)]
        }
        for step in 0..<100 as Range<UInt32> {
            let before = wires.record.count
            wires.send(GossipPacket.encode(.ping(sequence: step), claims: []), from: 2, to: 1)
            sent += wires.record[before].bytes.count
        }
        let back = wires.record.filter { $0.to == stranger }.reduce(0) { $0 + $1.bytes.count }
        #expect(back > 10_000, "\(back) bytes")
        #expect(back <= 3 * sent + 32_768, "\(back) bytes for \(sent)")
        #expect((wires.endpoints[1]?.counters.endpoint.unanswered ?? 0) > 0)
    }

    @Test func aFloodFromOneAddressDoesNotStopAnothersHello() {
        var wires = mesh(3, running: .seconds(10), hidesBoots: true)
        let hellos = wires.record.filter {
            $0.bytes[1] == DatagramKind.hello.rawValue && $0.to == address(3)
        }
        #expect(!hellos.isEmpty)
        wires.record = []
        for step in 0..<20_000 {
            wires.deliver(hellos[step % hellos.count].bytes, to: 3, from: stranger)
        }
        #expect((1...64).contains(wires.record.count), "a recording has few answers")
        #expect(wires.counters(3).overLimit > 19_000)
        // A node whose generation was set back sends what might be a recording.
        wires.start(2, generation: 0)
        wires.tell(2, of: 3)
        wires.record = []
        wires.send(GossipPacket.encode(.ping(sequence: 1), claims: []), from: 2, to: 3)
        #expect(
            wires.record.contains {
                $0.bytes[1] == DatagramKind.answer.rawValue && $0.to == address(2)
            })
    }

    @Test func aFloodWithAMembersOwnAddressDoesNotStopItsHello() {
        var wires = mesh(2, running: .seconds(10), hidesBoots: true)
        let seen = wires.record.filter { $0.to == address(1) }
        for step in 0..<20_000 {
            var bytes = seen[step % seen.count].bytes
            if step % 2 == 0 { bytes[30] ^= UInt8(step >> 8 & 255) }
            wires.deliver(bytes, to: 1, from: address(2))
        }
        wires.start(2, generation: 2)
        wires.tell(2, of: 1)
        wires.record = []
        wires.send(GossipPacket.encode(.ping(sequence: 1), claims: []), from: 2, to: 1)
        #expect(wires.record.count >= 4, "hello, answer, ping, ack")
    }

    @Test func whoIsFasterWithACopyTakesNothingAway() {
        var wires = Wires()
        let copier = stranger
        // A copy of each datagram comes from elsewhere, before the datagram itself.
        wires.meddler = { sent in
            [Wires.Sent(bytes: sent.bytes, from: copier, to: sent.to), sent]
        }
        for number in 1...3 as ClosedRange<UInt64> { wires.start(number) }
        wires.introduce()
        wires.run(.seconds(120))
        for (_, events) in wires.events {
            #expect(!events.contains { $0.event == .suspected })
        }
        #expect(wires.endpoints[1]?.counters.gossip.probesFailed == 0)
    }

    @Test func theRulesOfLengthHoldForEveryTruncation() {
        var wires = mesh(2)
        let record = wires.record
        for sent in record.prefix(20) {
            for count in 0..<sent.bytes.count {
                wires.record = []
                wires.deliver(Array(sent.bytes.prefix(count)), to: 1, from: stranger)
                #expect(wires.record.reduce(0) { $0 + $1.bytes.count } <= count)
            }
        }
        #expect(wires.state(1, of: 2) == .alive)
    }
}
