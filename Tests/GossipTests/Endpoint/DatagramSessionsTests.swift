import Testing
import Wire

@testable import Gossip

@Suite struct DatagramSessionsTests {
    @Test func aPacketArrivesAfterOneGreeting() {
        var pair = Pair()
        #expect(pair.send([1, 2, 3]) == [[1, 2, 3]])
        #expect(pair.record.count == 3, "hello, answer, data")
        #expect(pair.send([4], fromA: false) == [[4]])
        #expect(pair.record.count == 4, "the other direction needs no greeting of its own")
    }

    @Test func toAStartThatIsClaimedNoGreetingIsSent() {
        var pair = Pair()
        let first = pair.a.seal([1, 2, 3], to: node(2), by: claimed(boot(22)), at: pair.now)
        #expect(pair.carry(first.map { ($0, true) }) == [[1, 2, 3]])
        #expect(pair.send([4], fromA: false) == [[4]])
        #expect(pair.record.count == 2, "data, and data back")
        for datagram in pair.record {
            #expect(pair.b.take(datagram, at: pair.now).packet == nil)
            #expect(pair.a.take(datagram, at: pair.now).packet == nil)
        }
    }

    @Test func aClaimOfAStartThatIsNotTheReceiversEndsWithTheReceiversFirstDatagram() {
        for claim in [boot(21), boot(22, 8), boot(23)] {
            var pair = Pair()
            _ = pair.carry(
                pair.a.seal([1, 1, 1, 1], to: node(2), by: claimed(claim), at: pair.now).map {
                    ($0, true)
                })
            #expect(pair.send([5]).isEmpty, "it draws nothing")
            // A start that is older than the claimed one may be a recording, until it answers.
            _ = pair.send([2, 2, 2, 2], fromA: false)
            #expect(pair.send([3]) == [[3]], "\(claim)")
            #expect(pair.send([4], fromA: false) == [[4]])
        }
    }

    @Test func aStartThatWasBelievedIsNotBegunAgainByItsClaim() {
        var pair = Pair()
        _ = pair.send([1], fromA: false)
        let recorded = pair.record
        // A newer generation is claimed, and the one before it once more.
        pair.a.claimed(node(2), linkKey: LinkKey(number: 2), generation: 30, incarnation: 0)
        let sent = pair.a.seal([2], to: node(2), by: claimed(boot(22)), at: pair.now)
        #expect(sent.allSatisfy { $0[1] == DatagramKind.hello.rawValue })
        for datagram in recorded { #expect(pair.a.take(datagram, at: pair.now).packet == nil) }
    }

    @Test func aReplayedDatagramIsRefused() {
        var pair = Pair()
        for number in 0..<20 as Range<UInt8> { _ = pair.send([number]) }
        let refusedBefore = pair.b.counters.replayed
        for datagram in pair.record { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
        #expect(pair.b.counters.replayed == refusedBefore + 20)
        // A further copy proves who sent it, if not from where: it tells of an address.
        for datagram in pair.record.suffix(1) {
            #expect(pair.b.take(datagram, at: pair.now).sender == node(1))
        }
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
                if let packet = pair.b.take(datagram, at: pair.now).packet { got += packet }
            }
            #expect(got.sorted() == (1...40).map { UInt8($0) }, "seed \(seed)")
        }
    }

    @Test func whatIsOlderThanTheWindowIsRefused() {
        var pair = Pair()
        _ = pair.send([0])
        let late = pair.a.seal([1], to: node(2), at: pair.now)
        for number in 0..<UInt8(DatagramLimits.replayWindow) { _ = pair.send([number]) }
        for datagram in late { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
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
                let got = pair.b.take(flipped, at: pair.now)
                #expect(got.packet == nil, "bit \(bit)")
                #expect(got.replies.isEmpty && got.released.isEmpty)
            }
            for length in 0..<datagram.count {
                #expect(
                    pair.b.take(Array(datagram.prefix(length)), at: pair.now).packet == nil)
            }
            // The counter was not used up by the forgeries.
            #expect(pair.b.take(datagram, at: pair.now).packet == [7, 7, 7])
        }
    }

    @Test func flippedGreetingsAreRefused() {
        var pair = Pair()
        let hello = pair.a.seal([1], to: node(2), at: pair.now)
        for datagram in hello {
            for bit in 0..<datagram.count * 8 {
                var flipped = datagram
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let got = pair.b.take(flipped, at: pair.now)
                #expect(got.packet == nil, "bit \(bit)")
                #expect(got.replies.reduce(0) { $0 + $1.count } <= flipped.count)
            }
        }
    }

    @Test func anAnswerIsNeverLargerThanWhatAskedForIt() {
        var pair = Pair()
        for datagram in pair.a.seal([UInt8](repeating: 1, count: 1000), to: node(2), at: pair.now) {
            let answer = pair.b.take(datagram, at: pair.now)
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
        pair.a = sessions(1, boot: boot(12))
        pair.introduce()
        #expect(pair.send([1]) == [[1]])
        for _ in 0..<10 {
            let got = pair.b.take(hello, at: pair.now)
            #expect(got.packet == nil)
            for reply in got.replies {
                #expect(pair.a.take(reply, at: pair.now).sender == nil)
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
            pair.a = sessions(1, boot: boot(100 + start))
            pair.introduce()
            #expect(pair.send([50]) == [[50]], "start \(start)")
            for datagram in old { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
        }
    }

    @Test func nothingIsBelievedThatIsNotUnderOurOwnBoot() {
        // b restarts: everything recorded was made for its earlier start.
        var pair = Pair()
        for number in 0..<5 as Range<UInt8> { _ = pair.send([number]) }
        pair.b = sessions(2, boot: boot(23))
        pair.introduce()
        for datagram in pair.record { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
    }

    /// Its claim, or its first datagram, tells of it; what is sent to it meanwhile draws nothing.
    @Test func aRestartOfTheReceiverIsNoticedWithItsClaimOrItsFirstDatagram() {
        for isClaimed in [true, false] {
            var pair = Pair()
            _ = pair.send([0])
            pair.b = sessions(2, boot: boot(23))
            pair.introduce()
            let before = pair.record.count
            #expect(pair.send([UInt8](repeating: 1, count: 7)).isEmpty)
            #expect(pair.record.count == before + 1, "no answer to what nobody may have sent")
            if isClaimed {
                pair.a.claimed(node(2), linkKey: LinkKey(number: 2), generation: 23, incarnation: 0)
            } else {
                #expect(pair.send([2], fromA: false) == [[2]])
            }
            #expect(pair.send([3]) == [[3]])
            #expect(pair.send([4], fromA: false) == [[4]])
        }
    }

    @Test func aRestartOfTheSenderIsNoticedAtOnce() {
        var pair = Pair()
        _ = pair.send([0])
        pair.a = sessions(1, boot: boot(12))
        pair.introduce()
        #expect(pair.send([1]) == [[1]])
        #expect(pair.send([2], fromA: false) == [[2]])
    }

    @Test func bothMayGreetAtOnce() {
        var pair = Pair()
        let helloA = pair.a.seal([1], to: node(2), at: pair.now)
        let helloB = pair.b.seal([2], to: node(1), at: pair.now)
        let answersB = helloA.flatMap { pair.b.take($0, at: pair.now).replies }
        let answersA = helloB.flatMap { pair.a.take($0, at: pair.now).replies }
        let dataA = answersB.flatMap { pair.a.take($0, at: pair.now).released }
        let dataB = answersA.flatMap { pair.b.take($0, at: pair.now).released }
        #expect(dataA.compactMap { pair.b.take($0, at: pair.now).packet } == [[1]])
        #expect(dataB.compactMap { pair.a.take($0, at: pair.now).packet } == [[2]])
        #expect(pair.send([3]) == [[3]])
        #expect(pair.send([4], fromA: false) == [[4]])
    }

    @Test func aReflectedDatagramIsRefused() {
        var pair = Pair()
        _ = pair.send([0])
        for datagram in pair.a.seal([1], to: node(2), at: pair.now) {
            #expect(pair.a.take(datagram, at: pair.now) == .init())
        }
    }

    @Test func strangersAndOtherMeshesAreRefused() {
        var pair = Pair()
        func refused(_ sender: DatagramSessions) {
            var sender = sender
            sender.know(2)
            for datagram in sender.seal([1], to: node(2), at: pair.now) {
                let got = pair.b.take(datagram, at: pair.now)
                #expect(got.packet == nil && got.sender == nil && got.replies.isEmpty)
            }
        }
        refused(sessions(3, boot: boot(33)))
        #expect(pair.b.counters.unknownSender == 1)
        refused(sessions(1, boot: boot(11), meshKeyID: 9))
        #expect(pair.b.counters.malformed == 1)
        refused(sessions(1, boot: boot(11), linkKey: 5))
        #expect(pair.b.counters.notAuthentic == 1)
    }

    @Test func anUnknownVersionIsCountedApart() {
        var pair = Pair()
        var datagram = pair.a.seal([1], to: node(2), at: pair.now)[0]
        datagram[0] += 1
        #expect(pair.b.take(datagram, at: pair.now) == .nothing)
        #expect(pair.b.counters.unknownVersion == 1 && pair.b.counters.malformed == 0)
    }

    @Test func packetsThatWaitForASessionAreBounded() {
        var pair = Pair()
        var greetings: [[UInt8]] = []
        for number in 0..<50 as Range<UInt8> {
            greetings += pair.a.seal([number], to: node(2), at: pair.now)
        }
        #expect(greetings.count == 1, "one hello, not fifty")
        let answers = greetings.flatMap { pair.b.take($0, at: pair.now).replies }
        let data = answers.flatMap { pair.a.take($0, at: pair.now).released }
        #expect(data.count == DatagramLimits.waitingMax)
        #expect(pair.a.counters.waitedInVain == 50 - UInt64(DatagramLimits.waitingMax))
    }

    @Test func answersToHellosThatMayBeRecordedAreLimitedInRate() {
        var pair = Pair()
        var answered = 0
        for number in 0..<2000 as Range<UInt64> {
            // Each of an earlier start than the one before.
            var fresh = sessions(1, boot: boot(5000 - number))
            fresh.know(2)
            for hello in fresh.seal([1], to: node(2), at: pair.now) {
                answered += pair.b.take(hello, at: pair.now).replies.count
            }
        }
        #expect(answered == 257, "the newest, and as many as one second allows")
        pair.a = sessions(1, boot: boot(5001))
        pair.introduce()
        #expect(pair.send([1]) == [[1]], "a hello that nobody can have recorded is answered")
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
            let got = pair.b.take(datagram, at: pair.now)
            #expect(got.packet == nil, "seed \(seed)")
            #expect(got.replies.reduce(0) { $0 + $1.count } <= datagram.count, "seed \(seed)")
        }
        #expect(pair.send([1]) == [[1]])
    }
}

/// What a claim of node 2 that tells a boot id gives.
private func claimed(_ boot: BootID) -> SessionMeans {
    SessionMeans(linkKey: LinkKey(number: 2), boot: boot)
}
