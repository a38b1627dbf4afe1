import Testing
import Wire

@testable import Gossip

/// What happens to sessions when processes start anew, and when datagrams come twice or in disorder.
@Suite struct DatagramRestartTests {
    @Test func bothMayRestartAtOnce() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        pair.a = sessions(1, boot: boot(12))
        pair.b = sessions(2, boot: boot(23))
        pair.introduce()
        let fromA = pair.a.seal([1], to: node(2), at: pair.now)
        let fromB = pair.b.seal([2], to: node(1), at: pair.now)
        let got = pair.carry(fromA.map { ($0, true) } + fromB.map { ($0, false) })
        #expect(Set(got) == [[1], [2]])
        #expect(pair.send([3]) == [[3]] && pair.send([4], fromA: false) == [[4]])
    }

    @Test func aStartWhoseGenerationWasSetBackIsBelievedOnceItAnswers() {
        var pair = Pair(bootA: 50)
        #expect(pair.send([0]) == [[0]])
        pair.a = sessions(1, boot: boot(3))
        pair.introduce()
        // Its data alone is no proof; the question that it gets in return leads to one.
        #expect(pair.send([1, 1, 1, 1]).isEmpty)
        #expect(pair.send([2]) == [[2]])
        #expect(pair.send([3], fromA: false) == [[3]])
    }

    @Test func recordingsOfHundredsOfStartsStayDead() {
        var pair = Pair()
        var old: [[UInt8]] = []
        for start in 100..<300 as Range<UInt64> {
            pair.a = sessions(1, boot: boot(start))
            pair.introduce()
            pair.now = pair.now + .seconds(1)
            #expect(pair.send([50]) == [[50]], "start \(start)")
            old += pair.record
            pair.record = []
        }
        for datagram in old { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
        #expect(pair.send([51]) == [[51]])
        #expect(pair.send([52], fromA: false) == [[52]])
    }

    @Test func whatWasRecordedOfAForgottenSessionStaysDead() {
        var pair = Pair()
        for number in 0..<5 as Range<UInt8> { #expect(pair.send([number]) == [[number]]) }
        let old = pair.record
        pair.now = pair.now + DatagramLimits.sessionIdle
        pair.b.sweep(at: pair.now, known: 0) { _ in nil }
        #expect(!pair.b.hasSession(with: node(1)) && pair.b.directory.isEmpty)
        pair.b.know(1, at: pair.now)
        for datagram in old {
            #expect(pair.b.take(datagram, at: pair.now).packet == nil)
        }
        // The peer, which has a session still, is asked and then believed.
        pair.now = pair.now + .seconds(1)
        #expect(pair.send([1, 1, 1, 1]).isEmpty)
        #expect(pair.send([2]) == [[2]])
        #expect(pair.send([3], fromA: false) == [[3]])
    }

    @Test func greetingsMayComeTwiceAndInAnyOrder() {
        for seed in 0..<300 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            var pair = Pair()
            var waiting: [(bytes: [UInt8], toB: Bool)] = []
            var got: [[UInt8]] = []
            for step in 0..<6 as Range<UInt8> {
                pair.now = pair.now + .milliseconds(600)
                waiting += pair.a.seal([step], to: node(2), at: pair.now).map { ($0, true) }
                waiting += pair.b.seal([100 + step], to: node(1), at: pair.now).map { ($0, false) }
                for _ in 0..<4 where !waiting.isEmpty {
                    let index = Int.random(in: 0..<waiting.count, using: &random)
                    let (bytes, toB) = waiting[index]
                    // Half of them come again later.
                    if Bool.random(using: &random) { waiting.remove(at: index) }
                    let received =
                        toB ? pair.b.take(bytes, at: pair.now) : pair.a.take(bytes, at: pair.now)
                    if let packet = received.packet { got.append(packet) }
                    waiting += (received.replies + received.released).map { ($0, !toB) }
                }
            }
            #expect(Set(got).count == got.count, "seed \(seed): no packet twice")
            pair.now = pair.now + .seconds(3)
            _ = pair.send([200])
            #expect(pair.send([201]) == [[201]], "seed \(seed)")
            #expect(pair.send([202], fromA: false) == [[202]], "seed \(seed)")
        }
    }

    @Test func aLostHelloIsRepeatedWhilePacketsWait() {
        var pair = Pair()
        #expect(pair.a.seal([1], to: node(2), at: pair.now).count == 1)
        var hellos: [[UInt8]] = []
        while let due = pair.a.nextDeadline {
            pair.now = due
            hellos += pair.a.repeatHellos(at: pair.now).map(\.datagram)
        }
        #expect(hellos.count == DatagramLimits.helloRetriesMax)
        #expect(Set(hellos).count == hellos.count, "no two hellos have one number")
        #expect(pair.a.waiting == 0 && pair.a.counters.waitedInVain == 1, "at last it is dropped")
        #expect(pair.now == .origin + DatagramLimits.waitingLifetime)
    }

    @Test func anAnswerToAnyOfSeveralHellosIsTaken() {
        var pair = Pair()
        let first = pair.a.seal([1], to: node(2), at: pair.now)
        pair.now = pair.now + DatagramLimits.helloRetry
        let second = pair.a.repeatHellos(at: pair.now).map(\.datagram)
        #expect(first.count == 1 && second.count == 1)
        let answers = (first + second).flatMap { pair.b.take($0, at: pair.now).replies }
        #expect(answers.count == 2)
        #expect(pair.carry([(answers[0], false)]) == [[1]])
        #expect(pair.carry([(answers[1], false)]).isEmpty)
        #expect(pair.a.counters.replayed == 1)
    }

    @Test func anAnswerOfAnEarlierStartIsNotTakenForTheOneThatIsAwaited() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        let old = pair.record[1]
        #expect(old[1] == DatagramKind.answer.rawValue)
        let data = pair.b.seal([9, 9, 9, 9, 9, 9, 9], to: node(1), at: pair.now)
        pair.b = sessions(2, boot: boot(23))
        pair.introduce()
        #expect(pair.send([1], fromA: false) == [[1]])
        // a greets again, because of data of b's earlier start.
        #expect(data.map { pair.a.take($0, at: pair.now).replies.count } == [1])
        #expect(pair.a.take(old, at: pair.now).sender == nil)
        #expect(pair.send([2]) == [[2]])
    }

    @Test func whatIsOfAnEarlierStartDrawsNothingWhereThereIsNoSession() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        let data = pair.b.seal([9, 9, 9, 9, 9, 9, 9], to: node(1), at: pair.now)
        for start in 23...24 as ClosedRange<UInt64> {
            pair.b = sessions(2, boot: boot(start))
            pair.introduce()
            if start == 23 { #expect(pair.send([1], fromA: false) == [[1]]) }
            pair.now = pair.now + .seconds(1)
        }
        // The third start is claimed: what comes first is for a to say, or for b.
        pair.a.claimed(node(2), linkKey: LinkKey(number: 2), generation: 24, incarnation: 0)
        let recorded = data + pair.record.filter { $0[1] == DatagramKind.data.rawValue }
        for datagram in recorded {
            #expect(pair.a.take(datagram, at: pair.now).replies.isEmpty)
        }
        #expect(pair.send([2]) == [[2]])
    }

    @Test func hellosThroughRelaysAreLimitedApart() {
        var pair = Pair()
        #expect(pair.a.seal([1], to: node(2), at: pair.now).count == 1)
        var relayed = 0
        for number in 0..<10 as Range<UInt8> {
            relayed += pair.a.seal([number], to: node(2), isRelayed: true, at: pair.now).count
        }
        #expect(relayed == DatagramLimits.relayedHellosMax)
    }

    @Test func recordingsPlayedToANewStartDrawNothingAndDelayNothing() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        #expect(pair.send([1], fromA: false) == [[1]])
        let recorded = pair.record.filter { $0[1] == DatagramKind.data.rawValue }
        pair.b = sessions(2, boot: boot(23))
        pair.introduce()
        for datagram in recorded {
            // What looks like data of a's, of whatever start.
            var rubbish = datagram
            rubbish[33] ^= 1
            rubbish += [UInt8](repeating: 0, count: 20)
            for datagram in [datagram, rubbish] {
                let got = pair.b.take(datagram, at: pair.now)
                #expect(got.replies.isEmpty && got.released.isEmpty && got.sender == nil)
            }
        }
        #expect(pair.b.counters.hellosSent == 0)
        #expect(pair.send([2], fromA: false) == [[2]])
        #expect(pair.send([3]) == [[3]])
    }

    @Test func whatIsNotHeededIsStillOpenedInASession() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        let old = pair.a.seal([1], to: node(2), at: pair.now)
        for datagram in old {
            #expect(pair.b.take(datagram, isHeeded: false, at: pair.now).packet == [1])
        }
        // So is a new start, which nobody else can have made up.
        pair.a = sessions(1, boot: boot(12))
        pair.introduce()
        let hello = pair.a.seal([2], to: node(2), at: pair.now)
        let answers = hello.flatMap { pair.b.take($0, isHeeded: false, at: pair.now).replies }
        let data = answers.flatMap { pair.a.take($0, isHeeded: false, at: pair.now).released }
        #expect(data.compactMap { pair.b.take($0, isHeeded: false, at: pair.now).packet } == [[2]])
        // But not what may be a recording.
        for datagram in old {
            #expect(pair.b.take(datagram, isHeeded: false, at: pair.now) == .unproven)
        }
        #expect(pair.b.counters.overLimit == 1 && pair.b.counters.replayed == 0)
        for datagram in hello {
            #expect(pair.b.take(datagram, isHeeded: false, at: pair.now).replies.isEmpty)
        }
        #expect(pair.b.counters.overLimit == 2)
    }

    @Test func aMemberThatSendsTooMuchIsNotHeard() {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        var got = 0
        for number in 0..<2000 { got += pair.send([UInt8(number & 255)]).count }
        #expect(got == 511)
        #expect(pair.b.counters.overMemberLimit == 2001 - 512)
        pair.now = pair.now + .seconds(1)
        #expect(pair.send([1]) == [[1]])
    }

    /// Notes under which key each number was used.
    private final class Ledger: DatagramCipher, @unchecked Sendable {
        // Used by one test, on one thread.
        private let inner: ToyCipher
        private(set) var used: Set<[UInt8]> = []
        private(set) var repeated = 0

        init(_ inner: ToyCipher, after other: Ledger?) {
            self.inner = inner
            used = other?.used ?? []
        }

        var meshKeyID: UInt64 { inner.meshKeyID }
        func hint(of node: NodeID) -> UInt64 { inner.hint(of: node) }
        func root(of peer: NodeID, linkKey: LinkKey) -> DatagramKey? {
            inner.root(of: peer, linkKey: linkKey)
        }
        func key(
            root: DatagramKey, sender: NodeID, receiver: NodeID, senderBoot: BootID,
            receiverBoot: BootID
        ) -> DatagramKey {
            inner.key(
                root: root, sender: sender, receiver: receiver, senderBoot: senderBoot,
                receiverBoot: receiverBoot)
        }
        func seal(_ datagram: inout [UInt8], header: Int, key: DatagramKey, counter: UInt64) {
            if !used.insert(ToyCipher.raw(key) + bytes(counter)).inserted {
                repeated += 1
            }
            inner.seal(&datagram, header: header, key: key, counter: counter)
        }
        func open(
            _ datagram: [UInt8], header: Int, key: DatagramKey, counter: UInt64
        ) -> [UInt8]? { inner.open(datagram, header: header, key: key, counter: counter) }
    }

    @Test func noKeySeesANumberTwice() {
        for seed in 0..<100 as Range<UInt64> {
            var random = TestRandom(seed: seed)
            var pair = Pair()
            var linkKey: UInt64 = 1
            var ledger = Ledger(
                ToyCipher(node: node(1), linkKey: LinkKey(number: linkKey)), after: nil)
            pair.a.renew(cipher: ledger)
            for step in 0..<60 {
                pair.now = pair.now + .milliseconds(400)
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    // The link key comes back later: keys are made anew from it.
                    linkKey = [1, 9][Int.random(in: 0..<2, using: &random)]
                    ledger = Ledger(
                        ToyCipher(node: node(1), linkKey: LinkKey(number: linkKey)), after: ledger)
                    pair.a.renew(cipher: ledger)
                    pair.b.know(1, key: linkKey, at: pair.now)
                case 1:
                    pair.now = pair.now + DatagramLimits.sessionIdle
                    pair.a.sweep(at: pair.now, known: 0) { _ in nil }
                    pair.a.know(2, at: pair.now)
                case 2:
                    pair.b = sessions(2, boot: boot(22 + UInt64(step)))
                    pair.b.know(1, key: linkKey, at: pair.now)
                case 3: _ = pair.send([1], fromA: false)
                default: _ = pair.send([UInt8(step)])
                }
            }
            #expect(ledger.repeated == 0 && !ledger.used.isEmpty, "seed \(seed)")
        }
    }
}
