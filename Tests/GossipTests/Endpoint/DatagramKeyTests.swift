import Testing
import Wire

@testable import Gossip

/// What happens to sessions when link keys are replaced.
@Suite struct DatagramKeyTests {
    private func cipher(_ number: UInt64, key: UInt64) -> ToyCipher {
        ToyCipher(node: node(number), linkKey: LinkKey(number: key))
    }

    /// A pair with a session.
    private func talking() -> Pair {
        var pair = Pair()
        #expect(pair.send([0]) == [[0]])
        return pair
    }

    @Test func nothingIsLostWhenOneSideReplacesItsKey() {
        var pair = talking()
        pair.a.renew(cipher: cipher(1, key: 9))
        #expect(pair.send([1]) == [[1]], "the claim with the new key must get through")
        #expect(pair.send([2], fromA: false) == [[2]])
        let made = pair.b.counters.sessionsMade
        pair.b.know(1, key: 9, at: pair.now)
        #expect(pair.send([3], fromA: false) == [[3]], "no gap while the change is made")
        #expect(pair.b.counters.sessionsMade == made + 1)
        #expect(pair.send([4]) == [[4]])
        #expect(pair.send([5], fromA: false) == [[5]])
        let refused = pair.b.counters.replayed
        for datagram in pair.record { #expect(pair.b.take(datagram, at: pair.now).packet == nil) }
        #expect(pair.b.counters.replayed > refused)
    }

    @Test func keysChangeEvenUnderAFloodInThePeersName() {
        var pair = talking()
        pair.a.renew(cipher: cipher(1, key: 9))
        pair.b.know(1, key: 9, at: pair.now)
        let sealed = pair.b.seal([1], to: node(1), at: pair.now)
        #expect(sealed.count == 2, "under the old key, and a hello")
        let answers = sealed.flatMap { pair.a.take($0, isHeeded: false, at: pair.now).replies }
        let data = answers.flatMap { pair.b.take($0, at: pair.now).released }
        #expect(data.count == 1)
        for datagram in data {
            #expect(pair.a.take(datagram, isHeeded: false, at: pair.now).sender == node(2))
        }
        #expect(pair.a.counters.sessionsMade == 2)
    }

    @Test func theOldKeyEndsSomeTimeAfterTheNewOneIsUsed() {
        var pair = talking()
        let late = pair.a.seal([1], to: node(2), at: pair.now)
        let later = pair.a.seal([2], to: node(2), at: pair.now)
        pair.a.renew(cipher: cipher(1, key: 9))
        pair.b.know(1, key: 9, at: pair.now)
        #expect(pair.send([3], fromA: false) == [[3]])
        #expect(pair.send([4]) == [[4]], "the new key is in use")
        #expect(late.compactMap { pair.b.take($0, at: pair.now).packet } == [[1]])
        pair.now = pair.now + DatagramLimits.previousLifetime
        #expect(later.compactMap { pair.b.take($0, at: pair.now).packet }.isEmpty)
    }

    @Test func bothMayReplaceTheirKeysWhileCutOff() {
        var pair = talking()
        pair.a.renew(cipher: cipher(1, key: 9))
        pair.b.renew(cipher: cipher(2, key: 8))
        // Neither knows the other's new key: what they have still holds, and brings the claims.
        #expect(pair.send([1]) == [[1]])
        #expect(pair.send([2], fromA: false) == [[2]])
        pair.b.claimed(node(1), linkKey: LinkKey(number: 9), generation: 1, incarnation: 1)
        #expect(pair.send([3], fromA: false) == [[3]])
        #expect(pair.send([4]) == [[4]])
        pair.a.claimed(node(2), linkKey: LinkKey(number: 8), generation: 1, incarnation: 1)
        pair.now = pair.now + .seconds(1)
        let made = pair.a.counters.sessionsMade
        #expect(pair.send([5]) == [[5]])
        #expect(pair.a.counters.sessionsMade == made + 1)
        #expect(pair.send([6], fromA: false) == [[6]])
        pair.now = pair.now + .seconds(1)
        #expect(pair.send([7], fromA: false) == [[7]])
    }

    @Test func whoReplacedItsKeyAndRestartedIsFoundAgainOverALink() {
        var pair = talking()
        pair.b.renew(cipher: cipher(2, key: 8))
        pair.a = sessions(1, boot: boot(12), linkKey: 9)
        pair.a.know(2, at: pair.now)
        #expect(pair.send([1]).isEmpty && pair.send([2], fromA: false).isEmpty)
        // A link shows each the other's key.
        pair.now = pair.now + .seconds(3)
        pair.a.know(2, key: 8, at: pair.now)
        pair.b.know(1, key: 9, at: pair.now)
        #expect(pair.send([3]).suffix(1) == [[3]])
        #expect(pair.send([4], fromA: false) == [[4]])
    }

    @Test func anOlderClaimDoesNotTakeAKeyBack() {
        var pair = talking()
        pair.b.claimed(node(1), linkKey: LinkKey(number: 1), generation: 1, incarnation: 5)
        pair.a.renew(cipher: cipher(1, key: 9))
        pair.b.know(1, key: 9, at: pair.now)
        pair.b.claimed(node(1), linkKey: LinkKey(number: 1), generation: 1, incarnation: 5)
        #expect(pair.b.sessions[node(1)]?.linkKey == LinkKey(number: 9))
        pair.b.claimed(node(1), linkKey: LinkKey(number: 10), generation: 1, incarnation: 6)
        #expect(pair.b.sessions[node(1)]?.linkKey == LinkKey(number: 10))
    }

    @Test func aKeyThatALinkShowedTooLateIsCorrectedByTheClaim() {
        var pair = Pair()
        pair.b.know(1, key: 4, at: pair.now)
        #expect(pair.send([1], fromA: false).isEmpty)
        pair.b.sweep(at: pair.now, known: 0) { _ in LinkKey(number: 1) }
        pair.now = pair.now + .seconds(3)
        #expect(pair.send([2], fromA: false) == [[2]])
    }

    @Test func aClaimOfANewStartEndsTheSessionOfTheOldOne() {
        var pair = talking()
        pair.a = sessions(1, boot: boot(12), linkKey: 9)
        pair.a.know(2, at: pair.now)
        pair.b.claimed(node(1), linkKey: LinkKey(number: 9), generation: 12, incarnation: 0)
        #expect(pair.send([1], fromA: false) == [[1]], "it waits for the new session")
        #expect(pair.send([2]) == [[2]])
    }

    @Test func aKeyThatMakesNothingUsableIsNotUsed() {
        var pair = Pair()
        pair.b.know(1, key: 0, at: pair.now)
        #expect(pair.send([1], fromA: false).isEmpty)
        #expect(pair.record.isEmpty)
        #expect(pair.send([1]).isEmpty)
        #expect(pair.b.counters.notAuthentic > 0)
    }

    @Test func aNewGateKeySeparatesUntilBothHaveIt() {
        var pair = talking()
        var new = cipher(1, key: 1)
        new.meshKeyID = 5
        pair.a.renew(cipher: new)
        #expect(pair.send([1]).isEmpty)
        new = cipher(2, key: 2)
        new.meshKeyID = 5
        pair.b.renew(cipher: new)
        #expect(pair.send([2]) == [[2]])
        #expect(pair.send([3], fromA: false) == [[3]])
    }

    @Test func aDatagramUnderAReplacedGateKeyStillFindsItsMember() {
        var pair = talking()
        var new = cipher(1, key: 1)
        new.supersededKeyIDs = [new.meshKeyID]
        new.meshKeyID = 5
        pair.a.renew(cipher: new)
        // Who has the new key hears who has only the old one, not the other way round.
        #expect(pair.send([1], fromA: false) == [[1]])
        #expect(pair.send([2]).isEmpty)
        // Known to both, and to whoever comes later.
        pair.a.know(3, at: pair.now)
        var third = sessions(3, boot: boot(33))
        third.know(1, at: pair.now)
        let means = SessionMeans(linkKey: LinkKey(number: 1), boot: boot(11))
        let sealed = third.seal([4], to: node(1), by: means, at: pair.now)
        var found: [[UInt8]?] = []
        for datagram in sealed { found.append(pair.a.take(datagram, at: pair.now).packet) }
        #expect(found.contains([4]))
        // A key that was never the gate's opens nothing.
        #expect(pair.a.counters.unknownSender == 0)
    }
}
