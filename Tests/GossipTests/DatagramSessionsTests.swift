import Testing
import Wire

@testable import Gossip

/// A cipher with the shape of the real one and no strength: what differs gives other keys, and a
/// changed byte does not authenticate.
struct ToyCipher: DatagramCipher {
    let node: NodeID
    let linkKey: LinkKey
    var meshKeyID: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    func key(
        sender: NodeID, receiver: NodeID, senderBoot: BootID, receiverBoot: BootID, peer: NodeID,
        peerLinkKey: LinkKey
    ) -> [UInt8]? {
        let shared = [linkKey.bytes, peerLinkKey.bytes].sorted { $0.lexicographicallyPrecedes($1) }
        let digest = toyDigest(
            shared + [sender.bytes, receiver.bytes, senderBoot.bytes, receiverBoot.bytes])
        return (0..<4).flatMap { bytes(scrambled(digest &+ UInt64($0))) }
    }

    func seal(
        key: [UInt8], counter: UInt64, header: [UInt8], _ plaintext: [UInt8]
    ) -> [UInt8] {
        let stream = toyDigest([key, bytes(counter)])
        let hidden = plaintext.enumerated().map { index, byte in
            byte ^ UInt8(truncatingIfNeeded: scrambled(stream &+ UInt64(index)))
        }
        let tag = toyDigest([key, bytes(counter), header, hidden])
        return hidden + bytes(tag) + bytes(scrambled(tag))
    }

    func open(
        key: [UInt8], counter: UInt64, header: [UInt8], _ ciphertext: [UInt8]
    ) -> [UInt8]? {
        guard ciphertext.count >= 16 else { return nil }
        let hidden = Array(ciphertext.dropLast(16))
        let tag = toyDigest([key, bytes(counter), header, hidden])
        guard Array(ciphertext.suffix(16)) == bytes(tag) + bytes(scrambled(tag)) else { return nil }
        let stream = toyDigest([key, bytes(counter)])
        return hidden.enumerated().map { index, byte in
            byte ^ UInt8(truncatingIfNeeded: scrambled(stream &+ UInt64(index)))
        }
    }

    func hint(of node: NodeID) -> [UInt8] { bytes(toyDigest([meshKeyID, node.bytes])) }
}

private func sessions(
    _ number: UInt64, boot: UInt64, linkKey: UInt64? = nil, meshKeyID: [UInt8]? = nil
) -> DatagramSessions {
    var cipher = ToyCipher(
        node: node(number), linkKey: LinkKey(number: linkKey ?? number))
    if let meshKeyID { cipher.meshKeyID = meshKeyID }
    return DatagramSessions(
        nodeID: node(number), boot: BootID(high: 77, low: boot), cipher: cipher)
}

/// Two nodes that know each other, with every datagram on record.
private struct Pair {
    var a = sessions(1, boot: 11)
    var b = sessions(2, boot: 22)
    var now = MonotonicInstant.origin
    var record: [[UInt8]] = []

    init() { introduce() }

    mutating func introduce() {
        a.know(node(2), linkKey: LinkKey(number: 2))
        b.know(node(1), linkKey: LinkKey(number: 1))
    }

    /// Sends from one to the other, carries replies to and fro, and returns what b got (or a).
    mutating func send(_ packet: [UInt8], fromA: Bool = true) -> [[UInt8]] {
        var received: [[UInt8]] = []
        var waiting: [(bytes: [UInt8], toB: Bool)] =
            (fromA ? a.seal(packet, to: node(2), at: now) : b.seal(packet, to: node(1), at: now))
            .map { ($0, fromA) }
        var steps = 0
        while !waiting.isEmpty, steps < 50 {
            steps += 1
            let (bytes, toB) = waiting.removeFirst()
            record.append(bytes)
            let got = toB ? b.open(bytes, at: now) : a.open(bytes, at: now)
            if let packet = got.packet { received.append(packet.bytes) }
            waiting += got.replies.map { ($0, !toB) }
        }
        #expect(steps < 50, "an exchange ends")
        return received
    }
}

@Suite struct DatagramSessionsTests {
    @Test func aPacketArrivesAfterOneGreeting() {
        var pair = Pair()
        #expect(pair.send([1, 2, 3]) == [[1, 2, 3]])
        #expect(pair.record.count == 3, "hello, answer, data")
        #expect(pair.send([4], fromA: false) == [[4]])
        #expect(pair.record.count == 4, "the other direction needs no greeting of its own")
    }

    @Test func aReplayedDatagramIsRefused() {
        var pair = Pair()
        for number in 0..<20 as Range<UInt8> { _ = pair.send([number]) }
        let refusedBefore = pair.b.counters.replayed
        for datagram in pair.record { #expect(pair.b.open(datagram, at: pair.now).packet == nil) }
        #expect(pair.b.counters.replayed == refusedBefore + 20)
        #expect(pair.send([99]) == [[99]])
    }

    @Test func reorderedDatagramsEachCountOnceWithinTheWindow() {
        for seed in 0..<50 as Range<UInt64> {
            var pair = Pair()
            var random = TestRandom(seed: seed)
            _ = pair.send([0])
            let sent = (1...40).flatMap { pair.a.seal([UInt8($0)], to: node(2), at: pair.now) }
            var got: [UInt8] = []
            for datagram in (sent + sent).shuffled(using: &random) {
                if let packet = pair.b.open(datagram, at: pair.now).packet { got += packet.bytes }
            }
            #expect(got.sorted() == (1...40).map { UInt8($0) }, "seed \(seed)")
        }
    }

    @Test func whatIsOlderThanTheWindowIsRefused() {
        var pair = Pair()
        _ = pair.send([0])
        let late = pair.a.seal([1], to: node(2), at: pair.now)
        for number in 0..<UInt8(DatagramLimits.replayWindow) { _ = pair.send([number]) }
        for datagram in late { #expect(pair.b.open(datagram, at: pair.now).packet == nil) }
    }

    @Test func noFlippedBitIsAcceptedNorChangesAnything() {
        var pair = Pair()
        _ = pair.send([0])
        let good = pair.a.seal([7, 7, 7], to: node(2), at: pair.now)
        #expect(good.count == 1)
        for datagram in good {
            for bit in 0..<datagram.count * 8 {
                var flipped = datagram
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let got = pair.b.open(flipped, at: pair.now)
                #expect(got.packet == nil, "bit \(bit)")
                // What seems to be of another start is greeted, with no more than it sent.
                #expect(got.replies.reduce(0) { $0 + $1.count } <= flipped.count)
            }
            for length in 0..<datagram.count {
                #expect(
                    pair.b.open(Array(datagram.prefix(length)), at: pair.now).packet == nil)
            }
            // The counter was not used up by the forgeries.
            #expect(pair.b.open(datagram, at: pair.now).packet?.bytes == [7, 7, 7])
        }
    }

    @Test func flippedGreetingsAreRefused() {
        var pair = Pair()
        let hello = pair.a.seal([1], to: node(2), at: pair.now)
        for datagram in hello {
            for bit in 0..<datagram.count * 8 {
                var flipped = datagram
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let got = pair.b.open(flipped, at: pair.now)
                #expect(got.packet == nil, "bit \(bit)")
                #expect(got.replies.reduce(0) { $0 + $1.count } <= flipped.count)
            }
        }
    }

    @Test func anAnswerIsNeverLargerThanWhatAskedForIt() {
        var pair = Pair()
        for datagram in pair.a.seal([UInt8](repeating: 1, count: 1000), to: node(2), at: pair.now) {
            let answer = pair.b.open(datagram, at: pair.now)
            #expect(answer.packet == nil)
            #expect(answer.replies.count == 1)
            #expect(answer.replies.allSatisfy { $0.count <= datagram.count })
        }
    }

    @Test func aReplayedHelloChangesNothing() {
        var pair = Pair()
        _ = pair.send([0])
        let hello = pair.record[0]
        // a starts anew; its old hello is played back at b.
        pair.a = sessions(1, boot: 12)
        pair.introduce()
        #expect(pair.send([1]) == [[1]])
        for _ in 0..<10 {
            let got = pair.b.open(hello, at: pair.now)
            #expect(got.packet == nil)
            for reply in got.replies {
                #expect(pair.a.open(reply, at: pair.now) == .init())
            }
        }
        #expect(pair.send([2]) == [[2]])
        #expect(pair.send([3], fromA: false) == [[3]])
    }

    @Test func recordingsOfAnEarlierStartStayDead() {
        var pair = Pair()
        for number in 0..<5 as Range<UInt8> { _ = pair.send([number]) }
        let old = pair.record
        for start in 0..<10 as Range<UInt64> {
            pair.a = sessions(1, boot: 100 + start)
            pair.introduce()
            #expect(pair.send([50]) == [[50]], "start \(start)")
            for datagram in old { #expect(pair.b.open(datagram, at: pair.now).packet == nil) }
        }
    }

    @Test func nothingIsBelievedThatIsNotUnderOurOwnBoot() {
        // b restarts: everything recorded was made for its earlier start.
        var pair = Pair()
        for number in 0..<5 as Range<UInt8> { _ = pair.send([number]) }
        pair.b = sessions(2, boot: 23)
        pair.introduce()
        for datagram in pair.record { #expect(pair.b.open(datagram, at: pair.now).packet == nil) }
    }

    @Test func aRestartOfTheReceiverIsNoticedWithinAFewProbes() {
        var pair = Pair()
        _ = pair.send([0])
        pair.b = sessions(2, boot: 23)
        pair.introduce()
        var probes = 0
        while pair.send([UInt8](repeating: 1, count: 7)).isEmpty, probes < 10 {
            probes += 1
            pair.now = pair.now + .seconds(1)
        }
        #expect(probes == 1)
        #expect(pair.send([2]) == [[2]])
    }

    @Test func aRestartOfTheSenderIsNoticedAtOnce() {
        var pair = Pair()
        _ = pair.send([0])
        pair.a = sessions(1, boot: 12)
        pair.introduce()
        #expect(pair.send([1]) == [[1]])
        #expect(pair.send([2], fromA: false) == [[2]])
    }

    @Test func bothMayGreetAtOnce() {
        var pair = Pair()
        let helloA = pair.a.seal([1], to: node(2), at: pair.now)
        let helloB = pair.b.seal([2], to: node(1), at: pair.now)
        let answersB = helloA.flatMap { pair.b.open($0, at: pair.now).replies }
        let answersA = helloB.flatMap { pair.a.open($0, at: pair.now).replies }
        let dataA = answersB.flatMap { pair.a.open($0, at: pair.now).replies }
        let dataB = answersA.flatMap { pair.b.open($0, at: pair.now).replies }
        #expect(dataA.compactMap { pair.b.open($0, at: pair.now).packet?.bytes } == [[1]])
        #expect(dataB.compactMap { pair.a.open($0, at: pair.now).packet?.bytes } == [[2]])
        #expect(pair.send([3]) == [[3]])
        #expect(pair.send([4], fromA: false) == [[4]])
    }

    @Test func aReflectedDatagramIsRefused() {
        var pair = Pair()
        _ = pair.send([0])
        for datagram in pair.a.seal([1], to: node(2), at: pair.now) {
            #expect(pair.a.open(datagram, at: pair.now) == .init())
        }
    }

    @Test func strangersAndOtherMeshesAreRefused() {
        var pair = Pair()
        var stranger = sessions(3, boot: 33)
        stranger.know(node(2), linkKey: LinkKey(number: 2))
        for datagram in stranger.seal([1], to: node(2), at: pair.now) {
            #expect(pair.b.open(datagram, at: pair.now) == .init())
        }
        #expect(pair.b.counters.unknownSender == 1)
        var other = sessions(1, boot: 11, meshKeyID: [9, 9, 9, 9, 9, 9, 9, 9])
        other.know(node(2), linkKey: LinkKey(number: 2))
        for datagram in other.seal([1], to: node(2), at: pair.now) {
            #expect(pair.b.open(datagram, at: pair.now) == .init())
        }
        var wrongKey = sessions(1, boot: 11, linkKey: 5)
        wrongKey.know(node(2), linkKey: LinkKey(number: 2))
        for datagram in wrongKey.seal([1], to: node(2), at: pair.now) {
            #expect(pair.b.open(datagram, at: pair.now) == .init())
        }
        #expect(pair.b.counters.notAuthentic == 1)
    }

    @Test func aNewLinkKeyMakesANewSession() {
        var pair = Pair()
        _ = pair.send([0])
        pair.a.renew(cipher: ToyCipher(node: node(1), linkKey: LinkKey(number: 9)))
        #expect(pair.send([7]) == [[7]], "the claim with the new key must get through")
        #expect(pair.send([8], fromA: false) == [[8]])
        pair.b.know(node(1), linkKey: LinkKey(number: 9))
        #expect(pair.send([2], fromA: false) == [[2]])
        #expect(pair.send([1]) == [[1]])
        for datagram in pair.record.prefix(3) {
            #expect(pair.b.open(datagram, at: pair.now).packet == nil)
        }
    }

    @Test func packetsThatWaitForASessionAreBounded() {
        var pair = Pair()
        var greetings: [[UInt8]] = []
        for number in 0..<50 as Range<UInt8> {
            greetings += pair.a.seal([number], to: node(2), at: pair.now)
        }
        #expect(greetings.count == 1, "one hello, not fifty")
        let answers = greetings.flatMap { pair.b.open($0, at: pair.now).replies }
        let data = answers.flatMap { pair.a.open($0, at: pair.now).replies }
        #expect(data.count == DatagramLimits.queuedMax)
    }

    @Test func answersToGreetingsAreLimitedInRate() {
        var pair = Pair()
        var answered = 0
        for number in 0..<2000 as Range<UInt64> {
            var fresh = sessions(1, boot: 1000 + number)
            fresh.know(node(2), linkKey: LinkKey(number: 2))
            for hello in fresh.seal([1], to: node(2), at: pair.now) {
                answered += pair.b.open(hello, at: pair.now).replies.count
            }
        }
        #expect(answered == DatagramLimits.helloAnswersPerSecondMax)
    }

    @Test func randomDatagramsAreCountedAndDropped() {
        var pair = Pair()
        _ = pair.send([0])
        for seed in 0..<2000 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            let count = Int.random(in: 0...1400, using: &random)
            var datagram = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Half of them carry a genuine header.
            if seed % 2 == 0, let last = pair.record.last, count > DatagramLimits.headerBytes {
                datagram.replaceSubrange(
                    0..<DatagramLimits.headerBytes, with: last.prefix(DatagramLimits.headerBytes))
            }
            let got = pair.b.open(datagram, at: pair.now)
            #expect(got.packet == nil, "seed \(seed)")
            #expect(got.replies.reduce(0) { $0 + $1.count } <= datagram.count, "seed \(seed)")
        }
        #expect(pair.send([1]) == [[1]])
    }
}
